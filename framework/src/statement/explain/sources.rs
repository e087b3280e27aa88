//! The tables that a statement reads, and the columns of each by which it leaves rows out: what an index would be on.
//!
//! Read off the tokens, like the meaning of raw SQL: nothing here knows a schema, and what is not understood is left out.
use std::collections::HashSet;

use super::super::token::{Token, Tokens};
use crate::dialect::Dialect;

/// One table of a `FROM`, a `JOIN` or an `UPDATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// What it is called in the statement: its alias, or its name.
    pub(crate) name: String,
    /// Its name, without a schema.
    pub(crate) table: String,
    /// Which of the statement's queries it belongs to.
    pub(crate) query: usize,
    /// The columns that are compared with something that is known before the table is read: arguments, other queries.
    pub(crate) searched: Vec<String>,
    /// The columns that are compared with columns of a query around this one: by `EXISTS`, say.
    pub(crate) correlated: Vec<String>,
    /// The columns that are compared with columns of other tables of the same query.
    pub(crate) joined: Vec<String>,
}

/// A query of the statement, while it is read.
#[derive(Debug, Clone, Copy)]
struct Frame {
    query: usize,
    /// How many parentheses are open around it.
    depth: usize,
    clause: Clause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    /// A table is named next.
    Table,
    /// Behind a table.
    From,
    /// A condition.
    Condition,
    /// Anything else.
    Other,
}

/// A column in a condition.
#[derive(Debug)]
struct Mention<'t> {
    query: usize,
    qualifier: Option<&'t str>,
    column: &'t str,
    /// The tokens that it is.
    from: usize,
    to: usize,
}

/// The tables of `sql`, in the order of the text.
pub(crate) fn sources(sql: &str, dialect: Dialect) -> Vec<Source> {
    let tokens: Vec<_> = Tokens::new(sql, dialect).map_while(Result::ok).collect();
    let mut reader = Reader::default();
    let mut at = 0;
    while at < tokens.len() {
        at = reader.read(&tokens, at);
    }
    reader.resolve(&tokens);
    reader.sources
}

#[derive(Debug, Default)]
struct Reader<'t> {
    sources: Vec<Source>,
    mentions: Vec<Mention<'t>>,
    /// The query around each query.
    around: Vec<Option<usize>>,
    frames: Vec<Frame>,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Reads what begins at `at`; where the next begins.
    fn read(&mut self, tokens: &[Token<'t>], at: usize) -> usize {
        let token = tokens[at];
        match token {
            Token::Sign('(') => self.depth += 1,
            Token::Sign(')') => {
                self.depth = self.depth.saturating_sub(1);
                let depth = self.depth;
                self.frames.retain(|frame| frame.depth <= depth);
            }
            _ if token.is("SELECT") => self.open(Clause::Other),
            _ if token.is("UPDATE") && !follows(tokens, at, "FOR") => self.open(Clause::Table),
            _ if token.is("DELETE") => self.open(Clause::Other),
            _ => return self.within(tokens, at),
        }
        at + 1
    }

    fn open(&mut self, clause: Clause) {
        let depth = self.depth;
        self.frames.retain(|frame| frame.depth < depth);
        if let Some(frame) = self.frames.last_mut()
            && frame.clause == Clause::Table
        {
            // This query stands for the table.
            frame.clause = Clause::From;
        }
        let around = self.frames.last().map(|frame| frame.query);
        let query = self.around.len();
        self.around.push(around);
        self.frames.push(Frame {
            query,
            depth,
            clause,
        });
    }

    /// Reads a token of the innermost query.
    fn within(&mut self, tokens: &[Token<'t>], at: usize) -> usize {
        const OTHERS: [&str; 12] = [
            "GROUP",
            "ORDER",
            "LIMIT",
            "OFFSET",
            "WINDOW",
            "HAVING",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "RETURNING",
            "SET",
            "FETCH",
        ];
        let (token, depth) = (tokens[at], self.depth);
        let Some(frame) = self.frames.last_mut() else {
            return at + 1;
        };
        let is_top = frame.depth == depth;
        match frame.clause {
            _ if is_top && token.is("FROM") && !follows(tokens, at, "DISTINCT") => {
                frame.clause = Clause::Table;
            }
            _ if token.is("JOIN") => frame.clause = Clause::Table,
            _ if is_top && (token.is("WHERE") || token.is("ON")) => {
                frame.clause = Clause::Condition;
            }
            Clause::From if is_top && token == Token::Sign(',') => frame.clause = Clause::Table,
            _ if is_top && token.is_any(&OTHERS) => frame.clause = Clause::Other,
            Clause::Table if token.is_any(&["LATERAL", "ONLY"]) => {}
            Clause::Table => {
                frame.clause = Clause::From;
                return self.table(tokens, at);
            }
            Clause::Condition => return self.mention(tokens, at),
            _ => {}
        }
        at + 1
    }

    fn table(&mut self, tokens: &[Token<'t>], at: usize) -> usize {
        let Some(query) = self.frames.last().map(|frame| frame.query) else {
            return at + 1;
        };
        let (Some(mut table), mut next) = (name(tokens.get(at)), at + 1) else {
            return at + 1;
        };
        while let (Some(Token::Sign('.')), Some(part)) =
            (tokens.get(next), name(tokens.get(next + 1)))
        {
            (table, next) = (part, next + 2);
        }
        if tokens.get(next) == Some(&Token::Sign('(')) {
            return next;
        }
        let alias_at = match tokens.get(next) {
            Some(word) if word.is("AS") => next + 1,
            _ => next,
        };
        let alias = name(tokens.get(alias_at)).filter(|_| !is_keyword(tokens[alias_at]));
        if alias.is_some() {
            next = alias_at + 1;
        }
        self.sources.push(Source {
            name: alias.unwrap_or(table).to_owned(),
            table: table.to_owned(),
            query,
            searched: Vec::new(),
            correlated: Vec::new(),
            joined: Vec::new(),
        });
        next
    }

    fn mention(&mut self, tokens: &[Token<'t>], at: usize) -> usize {
        let Some(query) = self.frames.last().map(|frame| frame.query) else {
            return at + 1;
        };
        let first = name(tokens.get(at)).filter(|_| !is_keyword(tokens[at]));
        let Some(first) = first else { return at + 1 };
        let (mut qualifier, mut column, mut next) = (None, first, at + 1);
        while let (Some(Token::Sign('.')), Some(part)) =
            (tokens.get(next), name(tokens.get(next + 1)))
        {
            (qualifier, column, next) = (Some(column), part, next + 2);
        }
        let after = tokens.get(next);
        let is_compared = |token: Option<&Token<'_>>| {
            token.is_some_and(|token| {
                matches!(token, Token::Sign('=' | '<' | '>')) || token.is_any(&["IN", "BETWEEN"])
            })
        };
        // What no index of the usual kind finds: rows that are unlike something, or like a pattern.
        let is_unlike = after.is_some_and(|token| {
            *token == Token::Sign('!') || token.is_any(&["NOT", "LIKE", "ILIKE"])
        }) || (after == Some(&Token::Sign('<'))
            && tokens.get(next + 1) == Some(&Token::Sign('>')));
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        // Whether a value is there at all does not tell rows apart.
        let is_column = match qualifier {
            Some(_) => !after.is_some_and(|word| word.is("IS")),
            None => is_compared(after) || matches!(before, Some(Token::Sign('=' | '<' | '>'))),
        };
        // Or by what a function makes of a column.
        let is_argument = before == Some(&Token::Sign('('))
            && at >= 2
            && matches!(tokens[at - 2], Token::Word(_))
            && !is_keyword(tokens[at - 2]);
        if is_column && !is_unlike && !is_argument && after != Some(&Token::Sign('(')) {
            self.mentions.push(Mention {
                query,
                qualifier,
                column,
                from: at,
                to: next,
            });
        }
        next
    }

    /// Gives each table its columns.
    fn resolve(&mut self, tokens: &[Token<'t>]) {
        let ctes: HashSet<&str> = tokens
            .windows(3)
            .filter(|three| three[1].is("AS") && three[2] == Token::Sign('('))
            .filter_map(|three| name(Some(&three[0])))
            .collect();
        let owners: Vec<_> = self.mentions.iter().map(|one| self.owner(one)).collect();
        for (at, one) in self.mentions.iter().enumerate() {
            let Some(owner) = owners[at].filter(|&owner| self.sources[owner].query == one.query)
            else {
                continue;
            };
            let other = [at.checked_sub(1), Some(at + 1)]
                .into_iter()
                .flatten()
                .find(|&other| {
                    let (low, high) = (at.min(other), at.max(other));
                    self.mentions
                        .get(high)
                        .is_some_and(|high| are_compared(tokens, &self.mentions[low], high))
                });
            let other = other.and_then(|other| owners[other]);
            let other = other
                .map(|other| &self.sources[other])
                .filter(|other| !ctes.contains(other.table.as_str()));
            let is_joined = other.map(|other| other.query == one.query);
            let source = &mut self.sources[owner];
            let columns = match is_joined {
                Some(true) => &mut source.joined,
                Some(false) => &mut source.correlated,
                None => &mut source.searched,
            };
            if !columns.iter().any(|column| column == one.column) {
                columns.push(one.column.to_owned());
            }
        }
    }

    /// The table of a column: of the query that it is in, or of one around it.
    fn owner(&self, mention: &Mention<'_>) -> Option<usize> {
        let mut query = Some(mention.query);
        while let Some(number) = query {
            let mut own = (0..self.sources.len()).filter(|&at| self.sources[at].query == number);
            let found = match mention.qualifier {
                Some(qualifier) => own.find(|&at| self.sources[at].name == qualifier),
                // Of one table there is no doubt.
                None => own.next().filter(|_| own.next().is_none()),
            };
            if found.is_some() {
                return found;
            }
            query = self.around[number];
        }
        None
    }
}

/// Whether nothing but a comparison stands between the two.
fn are_compared(tokens: &[Token<'_>], one: &Mention<'_>, other: &Mention<'_>) -> bool {
    let between = tokens.get(one.to..other.from).unwrap_or_default();
    one.query == other.query
        && !between.is_empty()
        && between
            .iter()
            .all(|token| matches!(token, Token::Sign('=' | '<' | '>' | '!')))
}

fn follows(tokens: &[Token<'_>], at: usize, word: &str) -> bool {
    at > 0 && tokens[at - 1].is(word)
}

fn name<'t>(token: Option<&Token<'t>>) -> Option<&'t str> {
    match token {
        Some(Token::Word(name) | Token::Quoted(name)) => Some(name),
        _ => None,
    }
}

/// Whether a word behind a table or in a condition is none of the user's.
fn is_keyword(token: Token<'_>) -> bool {
    token.is_any(&[
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "LIKE",
        "ILIKE",
        "BETWEEN",
        "ESCAPE",
        "EXISTS",
        "ANY",
        "ALL",
        "ARRAY",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST",
        "AS",
        "TRUE",
        "FALSE",
        "ON",
        "USING",
        "WHERE",
        "SET",
        "JOIN",
        "LEFT",
        "RIGHT",
        "INNER",
        "OUTER",
        "CROSS",
        "FULL",
        "NATURAL",
        "STRAIGHT_JOIN",
        "GROUP",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "HAVING",
        "WINDOW",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "FOR",
        "LOCK",
        "RETURNING",
        "SELECT",
        "FETCH",
        "INDEXED",
        "FORCE",
        "USE",
        "IGNORE",
        "TABLESAMPLE",
        "PARTITION",
        "COLLATE",
        "BINARY",
    ])
}
