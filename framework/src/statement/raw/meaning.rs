//! What a text does and to which tables, by the shape of its tokens.
use std::sync::Arc;

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    statement::{StatementKind, token::Token},
};

/// What may follow a table's name or stand where one is looked for, and is none.
const NOT_TABLES: [&str; 9] = [
    "SELECT", "VALUES", "SET", "WHERE", "ON", "USING", "DEFAULT", "OUTFILE", "DUMPFILE",
];

/// The kind of the statement and its tables.
pub(super) fn of(tokens: &[Token<'_>], dialect: Dialect) -> Result<(StatementKind, Vec<Arc<str>>)> {
    one_statement(tokens)?;
    let kind = kind(tokens)?;
    Ok((kind, tables(tokens, dialect)))
}

fn one_statement(tokens: &[Token<'_>]) -> Result<()> {
    let end = tokens.iter().position(|token| *token == Token::Sign(';'));
    match end {
        Some(end) if tokens[end..].iter().any(|token| *token != Token::Sign(';')) => {
            Err(Error::invalid_query("the SQL holds several statements")
                .with_hint("send them one by one, or use `db.execute_script(..)`"))
        }
        _ if tokens.is_empty() => Err(Error::invalid_query("the SQL is empty")),
        _ => Ok(()),
    }
}

fn kind(tokens: &[Token<'_>]) -> Result<StatementKind> {
    let first = tokens
        .iter()
        .find(|token| **token != Token::Sign('('))
        .copied();
    let Some(first @ Token::Word(word)) = first else {
        return Ok(StatementKind::Other);
    };
    if first.is_any(&[
        "BEGIN",
        "START",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
    ]) {
        return Err(Error::unsupported(format!(
            "`{}` through raw SQL would leave its transaction on some connection of the pool",
            word.to_ascii_uppercase()
        ))
        .with_hint("begin a transaction with `db.begin()` or `db.transaction()`"));
    }
    Ok(match first {
        _ if first.is("SELECT") => read(tokens),
        _ if first.is_any(&["VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC"]) => {
            StatementKind::Select
        }
        _ if first.is("WITH") => with(tokens),
        _ if first.is_any(&[
            "CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "ANALYZE",
        ]) =>
        {
            StatementKind::Schema
        }
        _ if first.is("REFRESH") => StatementKind::Refresh,
        _ => writing(&first).unwrap_or(StatementKind::Other),
    })
}

fn writing(verb: &Token<'_>) -> Option<StatementKind> {
    match verb {
        _ if verb.is_any(&["INSERT", "REPLACE"]) => Some(StatementKind::Insert),
        _ if verb.is("UPDATE") => Some(StatementKind::Update),
        _ if verb.is("DELETE") => Some(StatementKind::Delete),
        _ if verb.is("MERGE") => Some(StatementKind::Other),
        _ => None,
    }
}

/// A SELECT that locks rows or makes a table is no mere read.
fn read(tokens: &[Token<'_>]) -> StatementKind {
    let locks = tokens.windows(2).any(|pair| {
        (pair[0].is("FOR") && pair[1].is_any(&["UPDATE", "SHARE", "NO", "KEY"]))
            || (pair[0].is("LOCK") && pair[1].is("IN"))
    });
    if locks || at_top(tokens).any(|token| token.is("INTO")) {
        StatementKind::Other
    } else {
        StatementKind::Select
    }
}

/// The tokens outside of all parentheses.
fn at_top<'a, 't>(tokens: &'a [Token<'t>]) -> impl Iterator<Item = &'a Token<'t>> {
    let mut depth = 0_usize;
    tokens.iter().filter(move |token| {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

/// `WITH .. SELECT` reads, unless one of its parts writes.
fn with(tokens: &[Token<'_>]) -> StatementKind {
    let inside = tokens
        .windows(2)
        // Behind a parenthesis, or behind those of queries that it names itself.
        .filter(|pair| matches!(pair[0], Token::Sign('(' | ')')))
        .find_map(|pair| writing(&pair[1]).filter(|_| !pair[1].is("REPLACE")));
    let main = at_top(tokens)
        .find(|token| token.is_any(&["SELECT", "VALUES", "TABLE"]) || writing(token).is_some());
    match main.and_then(writing).or(inside) {
        Some(kind) => kind,
        None => read(tokens),
    }
}

/// The tables after FROM, JOIN, INTO, UPDATE and TABLE, each once.
fn tables(tokens: &[Token<'_>], dialect: Dialect) -> Vec<Arc<str>> {
    let mut found = Found {
        tokens,
        dialect,
        tables: Vec::new(),
    };
    // Per parenthesis, whether a query is in it: `extract(year FROM ..)` names no table.
    let mut queries = vec![false];
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| tokens[before]);
        let follows = |keywords: &[&str]| before.is_some_and(|before| before.is_any(keywords));
        match token {
            Token::Sign('(') => queries.push(false),
            Token::Sign(')') if queries.len() > 1 => drop(queries.pop()),
            Token::Word(_) => {
                let in_query = queries.last().copied().unwrap_or_default();
                let is_update = token.is("UPDATE") && !follows(&["FOR", "DO", "ON", "KEY"]);
                if is_update || token.is_any(&["SELECT", "DELETE"]) {
                    queries.pop();
                    queries.push(true);
                }
                let lists = is_update
                    || (token.is("FROM") && in_query && !follows(&["DISTINCT"]))
                    || (token.is_any(&["JOIN", "INTO", "USING"]) && !follows(&["MERGE"]))
                    || (token.is("INTO") && follows(&["MERGE"]))
                    || (token.is("TABLE") && follows(&["TRUNCATE", "CREATE", "ALTER", "DROP"]))
                    || (token.is("TABLE") && at == 0);
                if lists {
                    found.list(at + 1, token.is("INTO"));
                }
            }
            _ => {}
        }
    }
    let named = common_tables(tokens);
    found
        .tables
        .retain(|table| !named.iter().any(|name| name.eq_ignore_ascii_case(table)));
    found.tables.into_iter().map(Into::into).collect()
}

struct Found<'a, 't> {
    tokens: &'a [Token<'t>],
    dialect: Dialect,
    tables: Vec<String>,
}

impl Found<'_, '_> {
    /// Adds the tables of a list that begins at `at`: `a`, `a AS x, b`, `ONLY a`.
    fn list(&mut self, mut at: usize, may_have_columns: bool) {
        loop {
            while self
                .token(at)
                .is_any(&["ONLY", "LATERAL", "IF", "NOT", "EXISTS", "OR", "IGNORE"])
            {
                at += 1;
            }
            let Some((name, after)) = self.name(at) else {
                return;
            };
            at = after;
            // `json_each(..)` is a function, `INTO posts (title)` a table.
            let is_function = self.token(at) == Token::Sign('(') && !may_have_columns;
            if !is_function && !self.tables.contains(&name) {
                self.tables.push(name);
            }
            if is_function {
                return;
            }
            if self.token(at).is("AS") {
                at += 1;
            }
            let is_alias = match self.token(at) {
                Token::Quoted(_) => true,
                word @ Token::Word(_) => {
                    self.token(at + 1) == Token::Sign(',') && !word.is_any(&NOT_TABLES)
                }
                _ => false,
            };
            if is_alias {
                at += 1;
            }
            if may_have_columns || self.token(at) != Token::Sign(',') {
                return;
            }
            at += 1;
        }
    }

    fn token(&self, at: usize) -> Token<'_> {
        self.tokens.get(at).copied().unwrap_or(Token::Literal)
    }

    /// A name, with its schema if it has one, and where the text goes on.
    fn name(&self, at: usize) -> Option<(String, usize)> {
        let mut name = self.part(at)?;
        let mut at = at + 1;
        while self.token(at) == Token::Sign('.')
            && let Some(part) = self.part(at + 1)
        {
            name = format!("{name}.{part}");
            at += 2;
        }
        Some((name, at))
    }

    fn part(&self, at: usize) -> Option<String> {
        match self.token(at) {
            Token::Quoted(name) => Some(name.to_owned()),
            word @ Token::Word(name) if !word.is_any(&NOT_TABLES) => Some(match self.dialect {
                Dialect::Postgres => name.to_lowercase(),
                Dialect::Sqlite | Dialect::Mysql => name.to_owned(),
            }),
            _ => None,
        }
    }
}

/// The names that the statement gives to queries of its own: `x AS (..)`, `x (a, b) AS NOT MATERIALIZED (..)`.
fn common_tables<'t>(tokens: &[Token<'t>]) -> Vec<&'t str> {
    if !tokens.first().is_some_and(|first| first.is("WITH")) {
        return Vec::new();
    }
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let body = tokens[at + 1..]
            .iter()
            .find(|token| !token.is_any(&["NOT", "MATERIALIZED"]));
        if !token.is("AS") || body != Some(&Token::Sign('(')) {
            continue;
        }
        let mut before = tokens[..at].iter().rev();
        let name = match before.next() {
            Some(Token::Sign(')')) => before
                .skip_while(|token| **token != Token::Sign('('))
                .nth(1),
            name => name,
        };
        if let Some(Token::Word(name) | Token::Quoted(name)) = name {
            names.push(*name);
        }
    }
    names
}
