//! `belongs_to(..)`, `has_many(..)`, `has_one(..)` and `many_to_many(..)`.
use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, Ident, Token, Type,
    parse::{ParseStream, Parser},
};

use super::{
    grammar::{self, Grammar},
    items::Items,
};
use crate::diagnostics::Diagnostics;

/// Which of the four relations it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelationKind {
    BelongsTo,
    HasOne,
    HasMany,
    ManyToMany,
}

impl RelationKind {
    pub(crate) const ALL: [Self; 4] = [
        Self::BelongsTo,
        Self::HasOne,
        Self::HasMany,
        Self::ManyToMany,
    ];

    /// The attribute's name.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::BelongsTo => "belongs_to",
            Self::HasOne => "has_one",
            Self::HasMany => "has_many",
            Self::ManyToMany => "many_to_many",
        }
    }

    fn grammar(self) -> &'static Grammar {
        match self {
            Self::BelongsTo => &grammar::BELONGS_TO,
            Self::HasOne | Self::HasMany => &grammar::HAS,
            Self::ManyToMany => &grammar::MANY_TO_MANY,
        }
    }
}

/// A relation as it was written.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) kind: RelationKind,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) foreign_key: Option<Vec<Ident>>,
    pub(crate) references: Option<Vec<Ident>>,
    pub(crate) through: Option<Type>,
    pub(crate) from_key: Option<Vec<Ident>>,
    pub(crate) to_key: Option<Vec<Ident>>,
    pub(crate) optional: Option<Span>,
    pub(crate) filter: Option<Expr>,
    pub(crate) order_by: Option<Expr>,
    pub(crate) on_delete: Option<Ident>,
}

/// Reads the inside of a relation's parentheses; `keyword` is the word before them.
pub(super) fn relation(
    kind: RelationKind,
    keyword: &Ident,
    tokens: TokenStream,
    errors: &Diagnostics,
) -> Option<Relation> {
    let parse = |input: ParseStream<'_>| {
        let (name, target) = name_and_target(input)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        let items = Items::rest(input, allowed(kind), errors);
        Ok(read(kind, name, target, items))
    };
    if tokens.is_empty() {
        errors.error(keyword.span(), wants_target(kind));
        return None;
    }
    match parse.parse2(tokens) {
        Ok(relation) => Some(relation),
        Err(error) => {
            errors.error(error.span(), wants_target(kind));
            None
        }
    }
}

fn allowed(kind: RelationKind) -> &'static Grammar {
    kind.grammar()
}

fn wants_target(kind: RelationKind) -> String {
    let keyword = kind.keyword();
    format!(
        "`{keyword}` takes a name and an entity: write `{}`",
        grammar::ENTITY.form(keyword)
    )
}

fn name_and_target(input: ParseStream<'_>) -> syn::Result<(Ident, Type)> {
    let name: Ident = input.parse()?;
    // At the end of the input there is no place to point at but the name.
    let at_name = |_| syn::Error::new(name.span(), "");
    input.parse::<Token![:]>().map_err(at_name)?;
    let target = input.parse().map_err(at_name)?;
    Ok((name, target))
}

fn read(kind: RelationKind, name: Ident, target: Type, mut items: Items<'_>) -> Relation {
    Relation {
        kind,
        name,
        target,
        foreign_key: items.fields("foreign_key"),
        references: items.fields("references"),
        through: items.named_type("through"),
        from_key: items.fields("from_key"),
        to_key: items.fields("to_key"),
        optional: items.flag("optional"),
        filter: items.expression("filter"),
        order_by: items.expression("order_by"),
        on_delete: items.word("on_delete"),
    }
}
