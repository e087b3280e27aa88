//! SQL that the user wrote: its placeholders in the dialect's form, and what the text says about itself.
//!
//! `?` is the one placeholder on every database; `$1, $2 ..` are written for PostgreSQL. A real tokenizer finds them:
//! a question mark in a string, a quoted name, a comment or a dollar-quoted text is left alone, and `??` is
//! PostgreSQL's operator `?`. What kind of statement it is and which tables it names are read off the same tokens, by
//! the shape of the text alone: nothing here knows a schema.
mod meaning;

use std::sync::Arc;

use super::{
    Plan, StatementKind,
    token::{Token, Tokens},
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

/// A text of the user's, understood.
#[derive(Debug)]
pub struct RawText {
    /// The text with the dialect's placeholders.
    pub sql: Arc<str>,
    /// How many arguments it takes.
    pub placeholders: usize,
    /// What it does.
    pub kind: StatementKind,
    /// The tables it names, in the order of the text.
    pub tables: Vec<Arc<str>>,
}

impl RawText {
    /// Understands `text`.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for an unfinished string or comment, several statements, or
    /// another form of placeholder; [`Unsupported`](crate::ErrorKind::Unsupported) for BEGIN and its like.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self> {
        let tokens: Vec<_> = Tokens::new(text, dialect).collect::<Result<_>>()?;
        let (sql, placeholders) = rewrite(text, &tokens, dialect)?;
        let (kind, tables) = meaning::of(&tokens, dialect)?;
        Ok(Self {
            sql: sql.into(),
            placeholders,
            kind,
            tables,
        })
    }

    /// The statement's plan, with `tables` instead of those found, if given.
    pub fn plan(&self, tables: Option<Vec<Arc<str>>>) -> Plan {
        let tables = tables.unwrap_or_else(|| self.tables.clone());
        Plan::new(Arc::clone(&self.sql), self.kind, tables)
    }

    /// Compares the placeholders with the number of arguments given.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if they differ.
    pub fn check_arguments(&self, given: usize) -> Result<()> {
        if given == self.placeholders {
            return Ok(());
        }
        let count = |number, what: &str| match number {
            1 => format!("1 {what}"),
            _ => format!("{number} {what}s"),
        };
        Err(Error::invalid_query(format!(
            "the SQL has {} and is given {}",
            count(self.placeholders, "placeholder"),
            count(given, "argument")
        ))
        .with_hint("write one `?` for each value in `args![..]`"))
    }
}

/// Whether `word` is a keyword or a plain name in `text`; not in a string, a quoted name or a comment.
pub fn has_word(text: &str, word: &str, dialect: Dialect) -> bool {
    Tokens::new(text, dialect)
        .map_while(Result::ok)
        .any(|token| token.is(word))
}

/// The text with the dialect's placeholders, and how many there are.
fn rewrite(text: &str, tokens: &[Token<'_>], dialect: Dialect) -> Result<(String, usize)> {
    let mut sql = String::with_capacity(text.len() + 8);
    let mut count = 0;
    // Everything between tokens, comments and spaces, is copied as it is.
    let mut copied = 0;
    for token in tokens {
        let (at, length, replacement) = match *token {
            Token::Placeholder { at } => {
                count += 1;
                let form = match dialect {
                    Dialect::Postgres => format!("${count}"),
                    Dialect::Sqlite | Dialect::Mysql => "?".to_owned(),
                };
                (at, 1, form)
            }
            Token::Escaped { .. } if dialect != Dialect::Postgres => {
                return Err(Error::invalid_query(
                    "`??` is PostgreSQL's operator `?`, which this database does not have",
                ));
            }
            Token::Escaped { at } => (at, 2, "?".to_owned()),
            Token::Native(placeholder) => return Err(wrong_placeholder(placeholder)),
            _ => continue,
        };
        sql.push_str(&text[copied..at]);
        sql.push_str(&replacement);
        copied = at + length;
    }
    sql.push_str(&text[copied..]);
    Ok((sql, count))
}

/// `$1`, `:name` and `@name` are placeholders somewhere; here they are not.
#[cold]
fn wrong_placeholder(placeholder: &str) -> Error {
    Error::invalid_query(format!(
        "`{placeholder}` is not how a placeholder is written"
    ))
    .with_hint("write `?` on every database, once for each argument")
}

#[cfg(test)]
mod tests;
