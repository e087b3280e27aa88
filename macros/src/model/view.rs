//! What makes a view of a struct.
use proc_macro2::Span;
use syn::{Expr, Type};

use crate::parse;

/// The parts of a view that entities do not have.
#[derive(Debug)]
pub(crate) struct View {
    /// Whether its rows are kept, and renewed by refreshes.
    pub(crate) materialized: bool,
    /// By writes to which entities its rows are mended, if they are.
    pub(crate) maintained: Option<parse::Maintained>,
    pub(crate) sqlite: Option<Expr>,
    pub(crate) postgres: Option<Expr>,
    pub(crate) mysql: Option<Expr>,
    /// Where the query was written, if it was.
    pub(crate) query: Option<Span>,
    /// The entities whose tables the query reads, if they were named.
    pub(crate) reads: Option<Vec<Type>>,
}

impl View {
    /// The texts that were written, each once.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Expr> {
        let all = [&self.sqlite, &self.postgres, &self.mysql];
        let mut texts: Vec<&Expr> = Vec::new();
        for text in all.into_iter().flatten() {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts.into_iter()
    }
}

/// Resolves the parts of a view.
pub(super) fn view(parsed: parse::View) -> View {
    let text = |of: fn(&parse::Query) -> &Option<Expr>| {
        parsed.query.as_ref().and_then(|query| of(query).clone())
    };
    View {
        materialized: parsed.materialized.is_some(),
        maintained: parsed.maintained,
        query: parsed.query.as_ref().map(|query| query.span),
        sqlite: text(|query| &query.sqlite),
        postgres: text(|query| &query.postgres),
        mysql: text(|query| &query.mysql),
        reads: parsed.reads,
    }
}
