//! Rules about single fields.
use proc_macro2::{Ident, Span};
use quote::ToTokens;

use crate::{
    diagnostics::Diagnostics,
    model::{Content, Entity, Field, Kind, last_word},
    parse,
};

/// Applies the rules that need no more than the field.
pub(super) fn all(field: &Field, errors: &Diagnostics) {
    an_integer_fits_a_column(field, errors);
    an_embedded_field_takes_no_column_attributes(field, errors);
    a_prefix_goes_with_embedded(field, errors);
    a_version_is_an_integer(field, errors);
    a_timestamp_has_the_right_type(field, errors);
    a_length_is_for_text(field, errors);
    a_field_has_one_role(field, errors);
    a_maintained_column_has_no_default(field, errors);
    a_shard_key_has_a_value(field, errors);
}

type Role = (&'static str, fn(&parse::Field) -> Option<Span>);

const ROLES: [Role; 5] = [
    ("primary_key", |field| field.primary_key),
    ("version", |field| field.version),
    ("created_at", |field| field.created_at),
    ("updated_at", |field| field.updated_at),
    ("deleted_at", |field| field.deleted_at),
];

pub(super) fn each_role_has_one_field(entity: &Entity, errors: &Diagnostics) {
    for (role, flag) in &ROLES[1..] {
        let mut marked = entity
            .fields
            .iter()
            .filter_map(|field| flag(&field.parsed).map(|span| (field, span)));
        let Some((first, _)) = marked.next() else {
            continue;
        };
        for (_, span) in marked {
            errors.error(
                span,
                format_args!(
                    "an entity has one `{role}` column, and `{}` is it; keep one of them",
                    first.ident
                ),
            );
        }
    }
}

pub(super) fn an_embedded_struct_has_no_roles(field: &Field, errors: &Diagnostics) {
    let index: [Role; 4] = [
        ("shard_key", |field| field.shard_key),
        ("unique", |field| field.unique),
        ("index", |field| field.index),
        ("generated", |field| field.generated),
    ];
    for (role, flag) in ROLES.into_iter().chain(index) {
        if let Some(span) = flag(&field.parsed) {
            errors.error(
                span,
                format_args!("`{role}` goes on a field of the entity, not of an embedded struct"),
            );
        }
    }
}

fn an_integer_fits_a_column(field: &Field, errors: &Diagnostics) {
    if field.column().is_some() && field.kind() == Kind::WideInteger {
        let base = field.base();
        errors.error_at(
            base,
            format_args!(
                "no column of all databases holds a `{}`: write `i64`",
                base.to_token_stream()
            ),
        );
    }
}

fn an_embedded_field_takes_no_column_attributes(field: &Field, errors: &Diagnostics) {
    if field.parsed.embedded.is_none() {
        return;
    }
    let parsed = &field.parsed;
    let given = [
        ("primary_key", parsed.primary_key),
        ("generated", parsed.generated),
        ("column", parsed.column.as_ref().map(syn::LitStr::span)),
        ("unique", parsed.unique),
        ("index", parsed.index),
        ("length", parsed.length.as_ref().map(syn::LitInt::span)),
        ("default", parsed.default.as_ref().map(syn::LitStr::span)),
        ("version", parsed.version),
        ("created_at", parsed.created_at),
        ("updated_at", parsed.updated_at),
        ("deleted_at", parsed.deleted_at),
        ("shard_key", parsed.shard_key),
        ("sensitive", parsed.sensitive),
    ];
    for (attribute, span) in given {
        if let Some(span) = span {
            errors.error(
                span,
                format_args!(
                    "`{attribute}` is for one column, and `{}` embeds several; put it on a field of the embedded struct",
                    field.ident
                ),
            );
        }
    }
}

fn a_prefix_goes_with_embedded(field: &Field, errors: &Diagnostics) {
    if let (Some(prefix), Content::Column(_)) = (&field.parsed.prefix, &field.content) {
        errors.error_at(
            prefix,
            format_args!(
                "a prefix is for an embedded struct: write `#[{}(embedded, prefix = {})]`, or `column = \"..\"` for one column",
                field.parsed.attribute,
                prefix.to_token_stream()
            ),
        );
    }
}

fn a_version_is_an_integer(field: &Field, errors: &Diagnostics) {
    let word = last_word(&field.ty).map(Ident::to_string);
    let counts = matches!(word.as_deref(), Some("i16" | "i32" | "i64"));
    if field.parsed.version.is_some() && !counts {
        errors.error_at(
            &field.ty,
            format_args!(
                "a version counts updates, so it is an `i16`, an `i32` or an `i64`: write `{}: i64`",
                field.ident
            ),
        );
    }
}

fn a_timestamp_has_the_right_type(field: &Field, errors: &Diagnostics) {
    let parsed = &field.parsed;
    let name = &field.ident;
    let certainly_no_time = !matches!(field.kind(), Kind::Time | Kind::Unknown);
    if parsed.deleted_at.is_some() && (certainly_no_time || !field.is_optional()) {
        errors.error_at(
            &field.ty,
            format_args!(
                "`deleted_at` is NULL until the row is deleted: write `{name}: Option<DateTime<Utc>>`"
            ),
        );
    }
    for (role, flag) in [
        ("created_at", parsed.created_at),
        ("updated_at", parsed.updated_at),
    ] {
        if flag.is_some() && (certainly_no_time || field.is_optional()) {
            errors.error_at(
                &field.ty,
                format_args!("`{role}` always has a time: write `{name}: DateTime<Utc>`"),
            );
        }
    }
}

fn a_length_is_for_text(field: &Field, errors: &Diagnostics) {
    if let Some(length) = &field.parsed.length
        && !matches!(field.kind(), Kind::Text | Kind::Unknown)
    {
        errors.error_at(
            length,
            format_args!(
                "a length is for text, and `{}` is none; leave `length` out",
                field.ident
            ),
        );
    }
}

fn a_field_has_one_role(field: &Field, errors: &Diagnostics) {
    let mut roles = ROLES
        .iter()
        .filter_map(|(role, flag)| flag(&field.parsed).map(|span| (role, span)));
    let Some((first, _)) = roles.next() else {
        return;
    };
    for (other, span) in roles {
        errors.error(
            span,
            format_args!(
                "`{}` cannot be `{first}` and `{other}` at once; keep one of them",
                field.ident
            ),
        );
    }
}

fn a_maintained_column_has_no_default(field: &Field, errors: &Diagnostics) {
    if let (Some(default), Some(_)) = (&field.parsed.default, field.parsed.maintained()) {
        errors.error_at(
            default,
            format_args!(
                "the framework writes `{}` itself; leave `default` out",
                field.ident
            ),
        );
    }
}

pub(super) fn a_row_has_one_shard_key(entity: &Entity, errors: &Diagnostics) {
    let shard_key = |field: &Field| Some((field.ident.clone(), field.parsed.shard_key?));
    let mut marked = entity.fields.iter().filter_map(shard_key);
    let Some((first, _)) = marked.next() else {
        return;
    };
    for (_, span) in marked {
        errors.error(
            span,
            format_args!(
                "a row is placed by one `shard_key`, and `{first}` is it; keep one of them"
            ),
        );
    }
}

fn a_shard_key_has_a_value(field: &Field, errors: &Diagnostics) {
    let Some(span) = field.parsed.shard_key else {
        return;
    };
    let name = &field.ident;
    if field.is_optional() {
        errors.error_at(
            &field.ty,
            format_args!(
                "a row without `{name}` would be on no shard: write `{name}: {}`",
                field.base().to_token_stream()
            ),
        );
    }
    if let Some(default) = &field.parsed.default {
        errors.error_at(
            default,
            format_args!(
                "where a row goes is known before the database gives it a default; leave `default` out of `{name}`"
            ),
        );
    }
    if field.parsed.maintained().is_some() {
        errors.error(
            span,
            format_args!(
                "the framework changes `{name}` itself, and a row never changes its shard; mark another column `shard_key`"
            ),
        );
    } else if field.parsed.generated.is_some() && field.kind() == Kind::Integer {
        errors.error(
            span,
            format_args!(
                "`{name}` is counted by the database that the row is inserted into, so it cannot say which one that is; mark a column that is known before, or make it a `Uuid`"
            ),
        );
    }
}
