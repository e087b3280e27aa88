//! `DbEnum` and `DbNewtype`.
use proc_macro2::Span;
use syn::{Data, DeriveInput, Expr, Fields, Ident, LitStr, Type};

use super::{grammar, items::Items};
use crate::diagnostics::Diagnostics;

/// An enum as it was written.
#[derive(Debug)]
pub(crate) struct DbEnum {
    pub(crate) ident: Ident,
    pub(crate) integer: Option<Span>,
    pub(crate) rename_all: Option<LitStr>,
    pub(crate) variants: Vec<Variant>,
}

/// A variant as it was written.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) rename: Option<LitStr>,
    pub(crate) discriminant: Option<Expr>,
}

/// A newtype as it was written.
#[derive(Debug)]
pub(crate) struct DbNewtype {
    pub(crate) ident: Ident,
    pub(crate) inner: Type,
}

/// Reads an enum; `None` if the input is anything else or a variant holds data.
pub(crate) fn db_enum(input: &DeriveInput, errors: &Diagnostics) -> Option<DbEnum> {
    let name = &input.ident;
    let data = match &input.data {
        Data::Enum(data) if input.generics.params.is_empty() => data,
        Data::Enum(_) => {
            errors.error_at(
                &input.generics,
                format_args!(
                    "an enum in a column has no generic parameters: write `enum {name} {{ .. }}`"
                ),
            );
            return None;
        }
        _ => {
            errors.error_at(
                name,
                format_args!(
                    "`DbEnum` is for enums: write `enum {name} {{ .. }}` (for a struct around one column, derive `DbNewtype`)"
                ),
            );
            return None;
        }
    };
    let mut items = Items::of(&input.attrs, "db_enum", &grammar::DB_ENUM, errors);
    let mut fieldless = true;
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            fieldless = false;
            errors.error_at(
                &variant.fields,
                format_args!(
                    "a column holds the variant only: write `{}` without data, or store the enum as `Json<{name}>`",
                    variant.ident
                ),
            );
        }
    }
    let variants = data
        .variants
        .iter()
        .map(|variant| Variant {
            ident: variant.ident.clone(),
            rename: Items::of(&variant.attrs, "db_enum", &grammar::VARIANT, errors).text("rename"),
            discriminant: variant
                .discriminant
                .as_ref()
                .map(|(_, value)| value.clone()),
        })
        .collect();
    fieldless.then_some(DbEnum {
        ident: name.clone(),
        integer: items.flag("integer"),
        rename_all: items.text("rename_all"),
        variants,
    })
}

/// Reads a newtype; `None` if the input is not a tuple struct of one field.
pub(crate) fn db_newtype(input: &DeriveInput, errors: &Diagnostics) -> Option<DbNewtype> {
    let name = &input.ident;
    if !input.generics.params.is_empty() {
        errors.error_at(
            &input.generics,
            format_args!("a column type has no generic parameters: write `struct {name}(i64);`"),
        );
        return None;
    }
    if let Data::Struct(data) = &input.data
        && let Fields::Unnamed(fields) = &data.fields
        && let (Some(field), 1) = (fields.unnamed.first(), fields.unnamed.len())
    {
        return Some(DbNewtype {
            ident: name.clone(),
            inner: field.ty.clone(),
        });
    }
    errors.error_at(
        name,
        format_args!(
            "`DbNewtype` is for a struct around one column type: write `struct {name}(i64);`"
        ),
    );
    None
}
