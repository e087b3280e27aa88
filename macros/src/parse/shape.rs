//! `#[shape(..)]` on a struct and its fields.
use proc_macro2::{Span, TokenStream};
use syn::{
    DeriveInput, Expr, Ident, Token, Type,
    parse::{ParseStream, Parser},
};

use super::{entity::named_fields, grammar, items::Items};
use crate::diagnostics::Diagnostics;

/// A shape as it was written.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) ident: Ident,
    pub(crate) entity: Option<Type>,
    /// The type of what the shape takes, and the place of its name.
    pub(crate) args: Option<(Span, Type)>,
    pub(crate) fields: Vec<ShapeField>,
}

/// A field of a shape as it was written.
#[derive(Debug)]
pub(crate) struct ShapeField {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) column: Option<Expr>,
    /// What the field is, other than a column of the entity; one at most makes sense.
    pub(crate) sources: Vec<Source>,
    pub(crate) filter: Option<Expr>,
    pub(crate) order_by: Option<Expr>,
    pub(crate) limit: Option<Expr>,
    pub(crate) offset: Option<Expr>,
    /// What the field's own shape takes.
    pub(crate) args: Option<Expr>,
}

/// Where a field's value comes from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    /// The place of the attribute.
    pub(crate) span: Span,
    /// The relation, or the field of the entity that is an embedded struct.
    pub(crate) name: Ident,
    /// The column that a figure is over.
    pub(crate) column: Option<Expr>,
}

/// What a field is, other than a column of the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// The rows of a relation.
    Relation,
    /// An embedded struct of the entity.
    Embedded,
    /// Another shape of the same row.
    Flatten,
    /// A column of the row that a relation leads to.
    Through,
    Count,
    Exists,
    Sum,
    Avg,
    Min,
    Max,
}

impl SourceKind {
    /// The attribute's name, which for a figure is the name of the relation's method too.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Embedded => "embedded",
            Self::Flatten => "flatten",
            Self::Through => "through",
            Self::Count => "count",
            Self::Exists => "exists",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// Reads a shape; `None` if the input is not a struct with named fields and no generic parameters.
pub(crate) fn shape(input: &DeriveInput, errors: &Diagnostics) -> Option<Shape> {
    let fields = named_fields(input, "a shape", errors)?;
    let mut items = Items::of(&input.attrs, "shape", &grammar::SHAPE, errors);
    Some(Shape {
        ident: input.ident.clone(),
        entity: items.named_type("entity"),
        args: items.placed_type("args"),
        fields: fields
            .named
            .iter()
            .filter_map(|field| shape_field(field, errors))
            .collect(),
    })
}

fn shape_field(field: &syn::Field, errors: &Diagnostics) -> Option<ShapeField> {
    use SourceKind::{Avg, Count, Embedded, Exists, Flatten, Max, Min, Relation, Sum, Through};
    let ident = field.ident.clone()?;
    let mut items = Items::of(&field.attrs, "shape", &grammar::SHAPE_FIELD, errors);
    let mut sources = Vec::new();
    for kind in [Relation, Embedded, Flatten, Through, Count, Exists] {
        let named = match kind {
            Relation | Embedded => items.word_or(kind.keyword(), &ident),
            Flatten => items.flag("flatten").map(|span| (span, ident.clone())),
            _ => items.placed_word(kind.keyword()),
        };
        sources.extend(named.map(|(span, name)| Source {
            kind,
            span,
            name,
            column: None,
        }));
    }
    for kind in [Sum, Avg, Min, Max] {
        for (keyword, tokens) in items.lists(kind.keyword()) {
            sources.extend(figure(kind, &keyword, tokens, errors));
        }
    }
    Some(ShapeField {
        ty: field.ty.clone(),
        column: items.expression("column"),
        sources,
        filter: items.expression("filter"),
        order_by: items.expression("order_by"),
        limit: items.expression("limit"),
        offset: items.expression("offset"),
        args: items.expression("args"),
        ident,
    })
}

/// `posts, Post::LIKES`.
fn figure(
    kind: SourceKind,
    keyword: &Ident,
    tokens: TokenStream,
    errors: &Diagnostics,
) -> Option<Source> {
    let parse = |input: ParseStream<'_>| {
        let name: Ident = input.parse()?;
        input.parse::<Token![,]>()?;
        let column: Expr = input.parse()?;
        Ok((name, column))
    };
    match parse.parse2(tokens) {
        Ok((name, column)) => Some(Source {
            kind,
            span: keyword.span(),
            name,
            column: Some(column),
        }),
        Err(_) => {
            let name = kind.keyword();
            errors.error(
                keyword.span(),
                format_args!(
                    "`{name}` takes a relation and a column of the related rows: write `{}`",
                    grammar::SHAPE_FIELD.form(name)
                ),
            );
            None
        }
    }
}
