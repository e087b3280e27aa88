//! Rules about primary keys.
use quote::ToTokens;

use crate::{
    diagnostics::Diagnostics,
    model::{Entity, Kind},
};

pub(super) fn there_is_a_primary_key(entity: &Entity, errors: &Diagnostics) {
    if entity.primary_key().next().is_some() {
        return;
    }
    let (entity_name, attribute) = (&entity.ident, entity.attribute());
    let field = entity.fields.iter().find(|field| field.name == "id");
    let shown = match field.or(entity.fields.first()) {
        Some(field) => format!("{}: {}", field.ident, field.ty.to_token_stream()),
        None => "id: i64".to_owned(),
    };
    errors.error(
        entity_name.span(),
        format_args!(
            "`{entity_name}` has no primary key; mark its field, or each of its fields: `#[{attribute}(primary_key)] {shown}`"
        ),
    );
}

pub(super) fn a_primary_key_has_four_columns_at_most(entity: &Entity, errors: &Diagnostics) {
    if let Some(fifth) = entity.primary_key().nth(4) {
        let others = match entity.view {
            None => "use a generated key and `#[entity(unique(a, b, ..))]` for the others",
            Some(_) => "mark those that tell its rows apart",
        };
        errors.error(
            fifth.ident.span(),
            format_args!("a primary key has four columns at most; {others}"),
        );
    }
}

pub(super) fn a_primary_key_is_never_null(entity: &Entity, errors: &Diagnostics) {
    for field in entity.primary_key() {
        if field.is_optional() {
            errors.error_at(
                &field.ty,
                format_args!(
                    "a primary key is never NULL: write `{}: {}`",
                    field.ident,
                    field.base().to_token_stream()
                ),
            );
        }
    }
}

pub(super) fn a_generated_column_is_the_whole_key(entity: &Entity, errors: &Diagnostics) {
    let composite = entity.primary_key().count() > 1;
    for field in &entity.fields {
        let Some(generated) = field.parsed.generated else {
            continue;
        };
        let name = &field.ident;
        if field.parsed.primary_key.is_none() {
            errors.error(
                generated,
                format_args!(
                    "`generated` is for a primary key: write `#[entity(primary_key, generated)]`, or `default = \"..\"` for a value that the database computes for `{name}`"
                ),
            );
        } else if composite && field.kind() == Kind::Integer {
            errors.error(
                generated,
                format_args!(
                    "`{name}` is one of several key columns, which the database does not generate; leave `generated` out and give the value at insert"
                ),
            );
        }
        if !matches!(field.kind(), Kind::Integer | Kind::Uuid | Kind::Unknown) {
            errors.error_at(
                &field.ty,
                "a generated key is an integer or a `Uuid`: write `i64`, or leave `generated` out and give the value at insert",
            );
        }
        if field.parsed.default.is_some() {
            errors.error(
                generated,
                "a generated key has no other default; keep either `generated` or `default`",
            );
        }
    }
}
