//! Shapes.
use proc_macro2::{Ident, Span};
use syn::{Expr, Type};

use super::{naming, types};
use crate::parse::{self, SourceKind};

/// A shape.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) ident: Ident,
    pub(crate) entity: Option<Type>,
    /// The type of what the shape takes, and the place of the word `args`.
    pub(crate) args: Option<(Span, Type)>,
    pub(crate) fields: Vec<ShapeField>,
}

/// A field of a shape.
#[derive(Debug)]
pub(crate) struct ShapeField {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) value: ShapeValue,
    /// As it was written, for the rules.
    pub(crate) parsed: parse::ShapeField,
}

/// What a field of a shape holds.
#[derive(Debug)]
pub(crate) enum ShapeValue {
    /// A column of the entity.
    Column(ColumnRef),
    /// An embedded struct of the entity, by its const.
    Embedded(Ident),
    /// A shape of the same row.
    Flattened,
    /// The rows of a relation, each as a `shape`.
    Rows { relation: Ident, shape: Type },
    /// A column of the row that a relation leads to.
    Related { relation: Ident, column: ColumnRef },
    /// A figure over the rows of a relation.
    Figure {
        kind: SourceKind,
        relation: Ident,
        column: Option<Expr>,
    },
}

/// A column: by the const of the shape's entity, or by an expression.
#[derive(Debug, Clone)]
pub(crate) enum ColumnRef {
    Constant(Ident),
    Expression(Expr),
}

/// Resolves a shape.
pub(crate) fn shape(parsed: parse::Shape) -> Shape {
    Shape {
        ident: parsed.ident,
        entity: parsed.entity,
        args: parsed.args,
        fields: parsed.fields.into_iter().map(field).collect(),
    }
}

fn field(parsed: parse::ShapeField) -> ShapeField {
    ShapeField {
        ident: parsed.ident.clone(),
        ty: parsed.ty.clone(),
        value: value(&parsed),
        parsed,
    }
}

fn value(parsed: &parse::ShapeField) -> ShapeValue {
    let column = || match &parsed.column {
        None => ColumnRef::Constant(naming::constant(&parsed.ident)),
        Some(expression) => match name_of(expression) {
            Some(name) => ColumnRef::Constant(naming::constant(name)),
            None => ColumnRef::Expression(expression.clone()),
        },
    };
    let Some(source) = parsed.sources.first() else {
        return ShapeValue::Column(column());
    };
    let relation = Ident::new(
        &naming::constant(&source.name).to_string(),
        source.name.span(),
    );
    match source.kind {
        SourceKind::Embedded => ShapeValue::Embedded(relation),
        SourceKind::Flatten => ShapeValue::Flattened,
        SourceKind::Relation => ShapeValue::Rows {
            relation,
            shape: types::contained(&parsed.ty).clone(),
        },
        SourceKind::Through => ShapeValue::Related {
            relation,
            column: column(),
        },
        kind => ShapeValue::Figure {
            kind,
            relation,
            column: source.column.clone(),
        },
    }
}

/// The name, if the expression is no more than one.
fn name_of(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

impl ShapeField {
    /// The place of the field's type, where a wrong one is reported.
    pub(crate) fn type_span(&self) -> Span {
        let place = types::last_word(&self.ty).map_or_else(|| self.ident.span(), Ident::span);
        // Of the derive, so that the compiler does not suggest to edit the type as if it were the value.
        Span::call_site().located_at(place)
    }
}
