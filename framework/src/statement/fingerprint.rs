//! The identity of a statement apart from its literals, list lengths, comments and white space.
//!
//! Built on the tokens of the text, so that a question mark in a string or a quote in a comment misleads nobody. Names
//! keep their case and, if quoted, their quotes: `users` and `"Users"` are different tables on some server.
use std::fmt;

use super::token::{Token, Tokens};
use crate::dialect::Dialect;

/// Statements with equal fingerprints are the same statement with other values.
///
/// The number is the same in every process and on every machine, so that it may be written down in configurations and
/// logs; it may change with the version of the library.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The fingerprint of an SQL text: that of [`normalize`]d text.
    ///
    /// ```
    /// use entourage::{dialect::Dialect, statement::Fingerprint};
    ///
    /// let one = Fingerprint::of("SELECT * FROM t WHERE a IN (1, 2) -- old", Dialect::Postgres);
    /// let two = Fingerprint::of("SELECT * FROM t WHERE a IN ($1)", Dialect::Postgres);
    /// assert_eq!(one, two);
    /// ```
    pub fn of(sql: &str, dialect: Dialect) -> Self {
        Self::of_normalized(&normalize(sql, dialect))
    }

    /// FNV-1a, 64 bits wide: <http://www.isthe.com/chongo/tech/comp/fnv/>.
    pub(crate) fn of_normalized(text: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
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

/// The text with `?` for every literal and placeholder, `(?)` for every list of values and for any number of rows, one
/// space where there was any, and no comments. It holds no value of anybody's data.
///
/// A text that ends in the middle of a string or comment loses that string or comment.
pub fn normalize(sql: &str, dialect: Dialect) -> String {
    let pieces = pieces(sql, dialect);
    let mut normal = String::with_capacity(sql.len());
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        piece.write(&mut normal);
        at += 1;
        if let Some(end) = list(&pieces, at) {
            if piece.spaced_before(&pieces[at]) {
                normal.push(' ');
            }
            normal.push_str("(?)");
            at = end;
        }
        if let Some(next) = pieces.get(at)
            && (pieces[at - 1].spaced_before(next))
        {
            normal.push(' ');
        }
    }
    normal
}

/// A token as it is written down.
#[derive(Debug)]
struct Piece<'t> {
    kind: Kind,
    text: &'t str,
    /// Whether something stood between the token before and this one.
    apart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Value,
    Sign,
}

impl Piece<'_> {
    fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// A value in a list, whatever it is: NULL and its like are values too.
    fn is_constant(&self) -> bool {
        const CONSTANTS: [&str; 4] = ["NULL", "TRUE", "FALSE", "DEFAULT"];
        self.kind == Kind::Value || CONSTANTS.iter().any(|constant| self.is_word(constant))
    }

    fn write(&self, normal: &mut String) {
        normal.push_str(match self.kind {
            Kind::Value => "?",
            _ => self.text,
        });
    }

    /// Whether a space goes between the two. Around most signs it is for the source to say nothing.
    fn spaced_before(&self, next: &Piece<'_>) -> bool {
        let tight = |piece: &Piece<'_>| {
            matches!(piece.text, "." | "::" | "[" | "]") && piece.kind == Kind::Sign
        };
        if next.kind == Kind::Sign && matches!(next.text, "," | ")" | ";") {
            return false;
        }
        if self.is_sign("(") || tight(self) || tight(next) {
            return false;
        }
        if next.is_sign("(") && matches!(self.kind, Kind::Word | Kind::Quoted) {
            return next.apart;
        }
        true
    }
}

fn pieces(sql: &str, dialect: Dialect) -> Vec<Piece<'_>> {
    let mut tokens = Tokens::new(sql, dialect);
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut end = 0;
    // What has no end is left out.
    while let Some(Ok(token)) = tokens.next() {
        let span = tokens.span();
        let text = &sql[span.clone()];
        let kind = match token {
            Token::Word(_) => Kind::Word,
            Token::Quoted(_) => Kind::Quoted,
            Token::Placeholder { .. } | Token::Native(_) | Token::Literal => Kind::Value,
            Token::Escaped { .. } | Token::Sign(_) => Kind::Sign,
        };
        let apart = span.start > end;
        end = span.end;
        match pieces.last_mut() {
            // `>` and `=` in a row are one operator.
            Some(last) if !apart && kind == Kind::Sign && glues(last, text) => {
                let start = span.end - text.len() - last.text.len();
                last.text = &sql[start..span.end];
            }
            _ => pieces.push(Piece { kind, text, apart }),
        }
    }
    sign_values(&mut pieces);
    pieces
}

fn glues(last: &Piece<'_>, sign: &str) -> bool {
    let single = |text: &str| matches!(text, "(" | ")" | "," | ";" | "." | "[" | "]");
    last.kind == Kind::Sign && !single(last.text) && !single(sign)
}

/// `-1` where a value may begin is one value.
fn sign_values(pieces: &mut Vec<Piece<'_>>) {
    let mut at = 0;
    while at + 1 < pieces.len() {
        let signed = (pieces[at].is_sign("-") || pieces[at].is_sign("+"))
            && pieces[at + 1].kind == Kind::Value;
        let begins = at == 0
            || match &pieces[at - 1] {
                before if before.kind == Kind::Sign => !before.is_sign(")") && !before.is_sign("]"),
                before => [
                    "IN", "AND", "OR", "WHEN", "THEN", "ELSE", "SELECT", "BETWEEN", "LIMIT",
                ]
                .iter()
                .any(|word| before.is_word(word)),
            };
        if signed && begins {
            pieces[at + 1].apart = pieces[at].apart;
            pieces.remove(at);
        }
        at += 1;
    }
}

/// Where a list of values that begins at `at` ends, if there is one: after IN, VALUES and ARRAY.
fn list(pieces: &[Piece<'_>], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).and_then(|before| pieces.get(before))?;
    if before.is_word("IN") && pieces.get(at)?.is_sign("(") {
        let end = group(pieces, at)?;
        return is_values(&pieces[at..end]).then_some(end);
    }
    if before.is_word("ARRAY") && pieces.get(at)?.is_sign("[") {
        let end = at + pieces[at..].iter().position(|piece| piece.is_sign("]"))? + 1;
        return is_values(&pieces[at + 1..end - 1]).then_some(end);
    }
    if before.is_word("VALUES") || before.is_word("VALUE") {
        return rows(pieces, at);
    }
    None
}

/// `(..), (..), ROW(..)` after VALUES. `VALUES(name)` is a function of MySQL's, about one column.
fn rows(pieces: &[Piece<'_>], at: usize) -> Option<usize> {
    let mut start = at;
    let mut end = None;
    loop {
        let row = start + usize::from(pieces.get(start)?.is_word("ROW"));
        if !pieces.get(row)?.is_sign("(") {
            return end;
        }
        let after = group(pieces, row)?;
        let column = after - row == 3 && !pieces[row + 1].is_constant();
        if column && end.is_none() {
            return None;
        }
        end = Some(after);
        match pieces.get(after) {
            Some(comma) if comma.is_sign(",") => start = after + 1,
            _ => return end,
        }
    }
}

/// Where the parenthesis that opens at `at` is closed.
fn group(pieces: &[Piece<'_>], at: usize) -> Option<usize> {
    let mut depth = 0;
    for (offset, piece) in pieces[at..].iter().enumerate() {
        if piece.is_sign("(") {
            depth += 1;
        } else if piece.is_sign(")") {
            depth -= 1;
            if depth == 0 {
                return Some(at + offset + 1);
            }
        }
    }
    None
}

/// Only values, rows of values, and casts of them.
fn is_values(pieces: &[Piece<'_>]) -> bool {
    let mut any = false;
    for (at, piece) in pieces.iter().enumerate() {
        let cast = at > 0 && pieces[at - 1].is_sign("::");
        let sign = piece.kind == Kind::Sign && matches!(piece.text, "(" | ")" | "," | "::");
        if !(piece.is_constant() || sign || cast) {
            return false;
        }
        any |= piece.is_constant();
    }
    any
}

#[cfg(test)]
mod tests;
