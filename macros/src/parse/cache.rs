//! `cache(..)` on an entity.
use proc_macro2::{Span, TokenStream};
use syn::{
    Ident, LitInt, LitStr,
    parse::{ParseStream, Parser},
};

use super::{grammar, items::Items};
use crate::diagnostics::Diagnostics;

/// How rows are cached, as it was written.
#[derive(Debug)]
pub(crate) struct Cache {
    /// The attribute's name.
    pub(crate) span: Span,
    pub(crate) ttl: Option<LitStr>,
    pub(crate) tti: Option<LitStr>,
    pub(crate) capacity: Option<LitInt>,
    pub(crate) max_bytes: Option<LitInt>,
    pub(crate) write: Option<LitStr>,
    pub(crate) no_negative: bool,
}

/// Reads what is in the parentheses.
pub(super) fn cache(keyword: &Ident, tokens: TokenStream, errors: &Diagnostics) -> Option<Cache> {
    let reader = |input: ParseStream<'_>| {
        let mut items = Items::rest(input, &grammar::CACHE, errors);
        Ok(Cache {
            span: keyword.span(),
            ttl: items.text("ttl"),
            tti: items.text("tti"),
            capacity: items.number("capacity", u64::MAX),
            max_bytes: items.number("max_bytes", u64::MAX),
            write: items.text("write"),
            no_negative: items.flag("no_negative").is_some(),
        })
    };
    match reader.parse2(tokens) {
        Ok(cache) => Some(cache),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}
