//! The identity of a statement apart from its literals, list lengths and white space.
use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Statements with equal fingerprints are the same statement with other values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The fingerprint of an SQL text of any dialect: literals, placeholders and comments are left out, lists of
    /// values and of rows count once, quoted identifiers are kept.
    pub fn of(sql: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        normalize(sql).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text with `?` for every literal and placeholder, `(?)` for every list of them, and single spaces.
pub fn normalize(sql: &str) -> String {
    let mut normalizer = Normalizer {
        rest: sql,
        out: String::with_capacity(sql.len()),
    };
    normalizer.run();
    collapse_lists(&normalizer.out)
}

struct Normalizer<'a> {
    rest: &'a str,
    out: String,
}

impl Normalizer<'_> {
    fn run(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            match first {
                _ if first.is_whitespace() => {
                    self.advance(first.len_utf8());
                    self.space();
                }
                '-' if self.rest.starts_with("--") => self.advance_past("\n"),
                '/' if self.rest.starts_with("/*") => self.advance_past("*/"),
                '\'' => {
                    self.quoted('\'');
                    self.literal();
                }
                '"' | '`' => {
                    let start = self.rest;
                    self.quoted(first);
                    self.out.push_str(&start[..start.len() - self.rest.len()]);
                }
                '$' => self.dollar(),
                '?' => {
                    self.advance(1);
                    self.literal();
                }
                _ if first.is_ascii_digit() => {
                    let length = self
                        .rest
                        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                        .unwrap_or(self.rest.len());
                    self.advance(length);
                    self.literal();
                }
                _ if first.is_alphabetic() || first == '_' => {
                    let length = self
                        .rest
                        .find(|c: char| !c.is_alphanumeric() && c != '_')
                        .unwrap_or(self.rest.len());
                    self.out.push_str(&self.rest[..length]);
                    self.advance(length);
                }
                _ => {
                    self.out.push(first);
                    self.advance(first.len_utf8());
                }
            }
        }
        self.out.truncate(self.out.trim_end().len());
    }

    fn advance(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn advance_past(&mut self, end: &str) {
        let length = self
            .rest
            .find(end)
            .map_or(self.rest.len(), |at| at + end.len());
        self.advance(length);
        self.space();
    }

    fn space(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    fn literal(&mut self) {
        self.out.push('?');
    }

    /// Moves past a quoted text, in which a doubled quote stands for itself.
    fn quoted(&mut self, quote: char) {
        self.advance(1);
        while let Some(at) = self.rest.find(quote) {
            self.advance(at + 1);
            if !self.rest.starts_with(quote) {
                return;
            }
            self.advance(1);
        }
        self.rest = "";
    }

    /// `$1`, or a dollar-quoted text of PostgreSQL's.
    fn dollar(&mut self) {
        let after = &self.rest[1..];
        let tag = after
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(after.len());
        if after[tag..].starts_with('$') && !after.starts_with(|c: char| c.is_ascii_digit()) {
            let delimiter = self.rest[..tag + 2].to_owned();
            self.advance(delimiter.len());
            let length = self
                .rest
                .find(&delimiter)
                .map_or(self.rest.len(), |at| at + delimiter.len());
            self.advance(length);
        } else {
            self.advance(1 + tag);
        }
        self.literal();
    }
}

/// `(?, ?, ?)` becomes `(?)`, and `(?), (?)` becomes `(?)`.
fn collapse_lists(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find('?') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        loop {
            let next = rest.trim_start_matches([' ', ',']);
            let separated = rest[..rest.len() - next.len()].contains(',');
            match next.strip_prefix('?') {
                Some(after) if separated => rest = after,
                _ => break,
            }
        }
    }
    out.push_str(rest);
    let mut previous = out;
    loop {
        let collapsed = previous
            .replace("(?), (?)", "(?)")
            .replace("(?),(?)", "(?)");
        if collapsed == previous {
            return collapsed;
        }
        previous = collapsed;
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn literals_placeholders_and_comments_go_and_names_stay() {
        let cases = [
            (
                "SELECT  \"a\".\"id\"\nFROM a WHERE id = $1 -- why",
                "SELECT \"a\".\"id\" FROM a WHERE id = ?",
            ),
            (
                "select 'it''s', 1.5e3, x1 /* c */ from t2",
                "select ?, x1 from t2",
            ),
            (
                "SELECT * FROM `t 1` WHERE a IN (?, ?, ?)",
                "SELECT * FROM `t 1` WHERE a IN (?)",
            ),
            (
                "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)",
                "INSERT INTO t (a, b) VALUES (?)",
            ),
            ("SELECT $tag$ it's $1 $tag$, $$x$$", "SELECT ?"),
            ("SELECT $1::text", "SELECT ?::text"),
        ];
        for (sql, expected) in cases {
            assert_eq!(normalize(sql), expected, "{sql}");
        }
    }

    #[test]
    fn names_that_differ_make_different_texts() {
        assert_ne!(
            normalize("SELECT \"a1\" FROM t"),
            normalize("SELECT \"a2\" FROM t")
        );
    }
}
