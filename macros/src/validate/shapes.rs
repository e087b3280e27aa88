//! Rules about shapes.
use quote::ToTokens;

use crate::{
    diagnostics::Diagnostics,
    model::{Shape, ShapeField, ShapeValue, SourceKind},
};

pub(super) fn a_shape_names_its_entity(shape: &Shape, errors: &Diagnostics) {
    if shape.entity.is_none() {
        errors.error(
            shape.ident.span(),
            format_args!(
                "`{}` does not say which entity it is of: write `#[shape(entity = User)]`",
                shape.ident
            ),
        );
    }
}

/// Applies the rules of one field.
pub(super) fn field(field: &ShapeField, errors: &Diagnostics) {
    a_field_has_one_source(field, errors);
    a_related_column_is_named_in_full(field, errors);
    a_column_goes_with_no_relation(field, errors);
    a_scope_goes_with_related_rows(field, errors);
    arguments_go_to_a_shape(field, errors);
}

fn a_field_has_one_source(field: &ShapeField, errors: &Diagnostics) {
    let mut sources = field.parsed.sources.iter();
    let Some(first) = sources.next() else {
        return;
    };
    for other in sources {
        errors.error(
            other.span,
            format_args!(
                "`{}` cannot be `{}` and `{}` at once; keep one of them, or make it two fields",
                field.ident,
                first.kind.keyword(),
                other.kind.keyword()
            ),
        );
    }
}

fn a_related_column_is_named_in_full(field: &ShapeField, errors: &Diagnostics) {
    let through = field
        .parsed
        .sources
        .iter()
        .find(|source| source.kind == SourceKind::Through);
    let Some(through) = through else {
        return;
    };
    match &field.parsed.column {
        None => errors.error(
            through.span,
            format_args!(
                "`{}` needs the column that it is: write `through = {}, column = User::NAME`",
                field.ident, through.name
            ),
        ),
        Some(column) if is_one_word(column) => errors.error_at(
            column,
            format_args!(
                "the column is one of another entity: name it in full, `column = User::{}`",
                column.to_token_stream().to_string().to_uppercase()
            ),
        ),
        Some(_) => {}
    }
}

fn is_one_word(expression: &syn::Expr) -> bool {
    matches!(expression, syn::Expr::Path(path) if path.path.get_ident().is_some())
}

fn a_column_goes_with_no_relation(field: &ShapeField, errors: &Diagnostics) {
    let is_column = matches!(
        field.value,
        ShapeValue::Column(_) | ShapeValue::Related { .. }
    );
    if let (Some(column), false) = (&field.parsed.column, is_column) {
        errors.error_at(
            column,
            format_args!(
                "`{}` is no column of the entity; leave `column` out",
                field.ident
            ),
        );
    }
}

fn arguments_go_to_a_shape(field: &ShapeField, errors: &Diagnostics) {
    let takes = matches!(field.value, ShapeValue::Rows { .. } | ShapeValue::Flattened);
    if let (Some(args), false) = (&field.parsed.args, takes) {
        errors.error_at(
            args,
            format_args!(
                "`args` is for a field that is a shape, and `{}` is none; leave it out",
                field.ident
            ),
        );
    }
}

fn a_scope_goes_with_related_rows(field: &ShapeField, errors: &Diagnostics) {
    let parsed = &field.parsed;
    let rows = matches!(field.value, ShapeValue::Rows { .. });
    let figure = matches!(field.value, ShapeValue::Figure { .. });
    for (name, given, fits) in [
        ("filter", &parsed.filter, rows || figure),
        ("order_by", &parsed.order_by, rows),
        ("limit", &parsed.limit, rows),
        ("offset", &parsed.offset, rows),
    ] {
        if let (Some(given), false) = (given, fits) {
            errors.error_at(
                given,
                format_args!(
                    "`{name}` is for the rows of a relation, and `{}` holds none; leave it out, or say it in the query",
                    field.ident
                ),
            );
        }
    }
}
