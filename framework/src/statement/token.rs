//! The tokens of an SQL text, as far as placeholders, verbs, names and literals need them told apart.
use std::ops::Range;

use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

/// One token; comments and spaces are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A keyword or a plain name.
    Word(&'t str),
    /// A name in quotes, without them.
    Quoted(&'t str),
    /// `?`
    Placeholder { at: usize },
    /// `??`
    Escaped { at: usize },
    /// A placeholder in a form that only one database or driver knows: `$1`, `?1`, `:name`.
    Native(&'t str),
    /// A string, a number or a dollar-quoted text.
    Literal,
    /// Anything else.
    Sign(char),
}

impl Token<'_> {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether it is one of these keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }
}

/// Reads tokens off a text.
pub(super) struct Tokens<'t> {
    text: &'t str,
    start: usize,
    at: usize,
    dialect: Dialect,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str, dialect: Dialect) -> Self {
        Self {
            text,
            start: 0,
            at: 0,
            dialect,
        }
    }

    /// Where the last token lies in the text.
    pub(super) fn span(&self) -> Range<usize> {
        self.start..self.at
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Moves past comments and spaces.
    fn skip(&mut self) -> Result<()> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let line = trimmed.starts_with("--")
                || (trimmed.starts_with('#') && self.dialect == Dialect::Mysql);
            if line {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                self.comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Moves past a `/* .. */`, which PostgreSQL nests.
    fn comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0;
        loop {
            let rest = self.rest();
            let opens = rest.starts_with("/*") && (depth == 0 || self.dialect == Dialect::Postgres);
            if opens {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else {
                let Some(next) = rest.chars().next() else {
                    return Err(self.unfinished("comment", start));
                };
                self.at += next.len_utf8();
            }
        }
    }

    /// Moves past a text in `quote`s, in which a doubled quote (and, if `backslash`, an escaped one) stands for itself;
    /// gives what is between the quotes.
    fn quoted(&mut self, quote: char, backslash: bool) -> Result<&'t str> {
        let start = self.at;
        let body = start + quote.len_utf8();
        let mut characters = self.text[body..].char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            if character == '\\' && backslash {
                characters.next();
            } else if character == quote {
                if characters.peek().is_some_and(|&(_, next)| next == quote) {
                    characters.next();
                    continue;
                }
                self.at = body + offset + quote.len_utf8();
                return Ok(&self.text[body..body + offset]);
            }
        }
        let what = if quote == '\'' {
            "string"
        } else {
            "quoted name"
        };
        Err(self.unfinished(what, start))
    }

    /// `$tag$ .. $tag$`, if the text goes on with one.
    fn dollar_quoted(&mut self) -> Result<bool> {
        let rest = self.rest();
        let tag = rest[1..]
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map(|length| &rest[..length + 1]);
        let Some(tag) = tag.filter(|tag| {
            rest[tag.len()..].starts_with('$')
                && !tag[1..].starts_with(|c: char| c.is_ascii_digit())
        }) else {
            return Ok(false);
        };
        let delimiter = &rest[..=tag.len()];
        let body = &rest[delimiter.len()..];
        match body.find(delimiter) {
            Some(length) => {
                self.at += delimiter.len() + length + delimiter.len();
                Ok(true)
            }
            None => Err(self.unfinished("dollar-quoted text", self.at)),
        }
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn token(&mut self) -> Result<Option<Token<'t>>> {
        self.skip()?;
        self.start = self.at;
        let rest = self.rest();
        let mut characters = rest.chars();
        let Some(first) = characters.next() else {
            return Ok(None);
        };
        let second = characters.next();
        let backslash = self.dialect == Dialect::Mysql;
        Ok(Some(match first {
            '\'' => {
                self.quoted('\'', backslash)?;
                Token::Literal
            }
            '"' if self.dialect == Dialect::Mysql => {
                self.quoted('"', backslash)?;
                Token::Literal
            }
            '"' => Token::Quoted(self.quoted('"', false)?),
            '`' if self.dialect != Dialect::Postgres => Token::Quoted(self.quoted('`', false)?),
            '[' if self.dialect == Dialect::Sqlite => {
                let Some(length) = rest.find(']') else {
                    return Err(self.unfinished("quoted name", self.at));
                };
                self.at += length + 1;
                Token::Quoted(&rest[1..length])
            }
            '?' => self.question(second),
            '$' if self.dialect == Dialect::Postgres && self.dollar_quoted()? => Token::Literal,
            '$' | ':' | '@' => self.native_placeholder(first, second),
            _ if first.is_ascii_digit() => self.number(),
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number(),
            _ if first.is_alphabetic() || first == '_' => {
                let word = self.word();
                match (word, self.rest().starts_with('\'')) {
                    // PostgreSQL's strings with escapes; the other prefixes change nothing about where a string ends.
                    ("E" | "e", true) if self.dialect == Dialect::Postgres => {
                        self.quoted('\'', true)?;
                        Token::Literal
                    }
                    ("U" | "u" | "B" | "b" | "X" | "x" | "N" | "n", true) => {
                        self.quoted('\'', backslash)?;
                        Token::Literal
                    }
                    _ => Token::Word(word),
                }
            }
            _ => {
                self.at += first.len_utf8();
                Token::Sign(first)
            }
        }))
    }

    /// `12`, `0xff`, `1.5e-3`
    fn number(&mut self) -> Token<'t> {
        let rest = self.rest();
        let mut end = 0;
        let mut previous = ' ';
        for (at, character) in rest.char_indices() {
            let exponent = matches!(previous, 'e' | 'E') && !rest.starts_with("0x");
            let part = character.is_ascii_alphanumeric()
                || matches!(character, '.' | '_')
                || (exponent && matches!(character, '+' | '-'));
            if !part {
                break;
            }
            end = at + character.len_utf8();
            previous = character;
        }
        self.at += end;
        Token::Literal
    }

    fn question(&mut self, second: Option<char>) -> Token<'t> {
        let at = self.at;
        match second {
            Some('?') => {
                self.at += 2;
                Token::Escaped { at }
            }
            Some(digit) if digit.is_ascii_digit() => self.native(),
            _ => {
                self.at += 1;
                Token::Placeholder { at }
            }
        }
    }

    fn native_placeholder(&mut self, first: char, second: Option<char>) -> Token<'t> {
        let named = second.is_some_and(|c| c.is_alphanumeric() || c == '_');
        // A slice of an array (`a[1:n]`), and MySQL's variables, are no placeholders.
        let is_placeholder = match first {
            '$' => named,
            _ => named && self.dialect == Dialect::Sqlite,
        };
        if is_placeholder {
            return self.native();
        }
        self.at += first.len_utf8();
        Token::Sign(first)
    }

    fn native(&mut self) -> Token<'t> {
        let rest = self.rest();
        let length = rest[1..]
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(rest.len(), |length| length + 1);
        self.at += length;
        Token::Native(&rest[..length])
    }

    #[cold]
    fn unfinished(&self, what: &str, start: usize) -> Error {
        let begin: String = self.text[start..].chars().take(20).collect();
        Error::invalid_query(format!("the {what} that begins with `{begin}` has no end"))
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Result<Token<'t>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.token().transpose()
    }
}
