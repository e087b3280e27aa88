//! What makes a view of a struct: `query`, `reads`, `materialized` and `maintained`.
use proc_macro2::Span;
use syn::{
    Expr, Ident, Token, Type,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use super::{
    grammar,
    items::{Items, Value},
};
use crate::diagnostics::Diagnostics;

/// The parts of a view that entities do not have.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) materialized: Option<Span>,
    /// By writes to which entities its rows are mended.
    pub(crate) maintained: Option<Maintained>,
    pub(crate) query: Option<Query>,
    /// The entities whose tables the query reads.
    pub(crate) reads: Option<Vec<Type>>,
}

/// `maintained(..)`.
#[derive(Debug)]
pub(crate) struct Maintained {
    pub(crate) span: Span,
    pub(crate) sources: Vec<MaintainedBy>,
    /// Whether nothing was named, in the right form.
    pub(crate) is_empty: bool,
}

/// `Comment = post_id`: one entity that the query reads, and what leads from its rows to those of the view.
#[derive(Debug, Clone)]
pub(crate) struct MaintainedBy {
    pub(crate) entity: Type,
    pub(crate) keys: Keys,
}

/// What leads from a row of a source to rows of the view.
#[derive(Debug, Clone)]
pub(crate) enum Keys {
    /// Fields of the source.
    Fields(Vec<Ident>),
    /// A query of the keys.
    Query(Expr),
}

/// The texts of the query, each for the databases that it is for.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) span: Span,
    pub(crate) sqlite: Option<Expr>,
    pub(crate) postgres: Option<Expr>,
    pub(crate) mysql: Option<Expr>,
}

/// Takes the parts out of `items`.
pub(super) fn view(items: &mut Items<'_>, errors: &Diagnostics) -> View {
    View {
        materialized: items.flag("materialized"),
        maintained: maintained(items, errors),
        query: query(items, errors),
        reads: reads(items, errors),
    }
}

fn query(items: &mut Items<'_>, errors: &Diagnostics) -> Option<Query> {
    match items.value("query")? {
        (_, Value::Expression(text)) => Some(Query {
            span: syn::spanned::Spanned::span(&text),
            sqlite: Some(text.clone()),
            postgres: Some(text.clone()),
            mysql: Some(text),
        }),
        (span, Value::List(tokens)) => {
            let each = |input: ParseStream<'_>| {
                let mut items = Items::rest(input, &grammar::VIEW_QUERY, errors);
                Ok(Query {
                    span,
                    sqlite: items.expression("sqlite"),
                    postgres: items.expression("postgres"),
                    mysql: items.expression("mysql"),
                })
            };
            match each.parse2(tokens) {
                Ok(query) => Some(query),
                Err(error) => {
                    errors.push(error);
                    None
                }
            }
        }
        (span, Value::Nothing) => Some(Query {
            span,
            sqlite: None,
            postgres: None,
            mysql: None,
        }),
    }
}

/// Whoever named them in a wrong way has said that there are some.
fn reads(items: &mut Items<'_>, errors: &Diagnostics) -> Option<Vec<Type>> {
    let (span, value) = items.value("reads")?;
    let types = Punctuated::<Type, Token![,]>::parse_terminated;
    let parsed = match value {
        Value::List(tokens) => types.parse2(tokens).ok(),
        Value::Nothing | Value::Expression(_) => None,
    };
    if parsed.is_none() {
        let form = grammar::VIEW.form("reads");
        errors.error(span, format_args!("`reads` takes entities: write `{form}`"));
    }
    Some(parsed.into_iter().flatten().collect())
}

fn maintained(items: &mut Items<'_>, errors: &Diagnostics) -> Option<Maintained> {
    let (span, value) = items.value("maintained")?;
    let sources = Punctuated::<MaintainedBy, Token![,]>::parse_terminated;
    let parsed = match value {
        Value::List(tokens) => sources.parse2(tokens).ok(),
        Value::Nothing | Value::Expression(_) => None,
    };
    if parsed.is_none() {
        let form = grammar::VIEW.form("maintained");
        errors.error(
            span,
            format_args!(
                "`maintained` takes the entities that the query reads, each with what leads from its rows to the view's key: a field, several in brackets, or a query about `{{row}}`: write `{form}`"
            ),
        );
    }
    let is_empty = parsed.as_ref().is_some_and(Punctuated::is_empty);
    let sources = parsed.into_iter().flatten().collect();
    Some(Maintained {
        span,
        sources,
        is_empty,
    })
}

impl Parse for MaintainedBy {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let entity = input.parse()?;
        input.parse::<Token![=]>()?;
        let keys = if input.peek(syn::token::Paren) {
            let inner;
            syn::parenthesized!(inner in input);
            let fields = Punctuated::<Ident, Token![,]>::parse_terminated(&inner)?;
            Keys::Fields(fields.into_iter().collect())
        } else if is_field(input) {
            Keys::Fields(vec![input.parse()?])
        } else {
            Keys::Query(input.parse()?)
        };
        Ok(Self { entity, keys })
    }
}

/// Whether the name of a field follows, and not that of a const, or a macro's.
fn is_field(input: ParseStream<'_>) -> bool {
    let name = input.fork().parse::<Ident>().map(|name| name.to_string());
    let is_one = name.is_ok_and(|name| name.chars().any(char::is_lowercase));
    is_one && !input.peek2(Token![!]) && !input.peek2(Token![::])
}
