//! Column types of the user's own.
use proc_macro2::Ident;
use syn::{Expr, Type};

use super::naming::{self, Case};
use crate::{diagnostics::Diagnostics, parse};

/// An enum in one column.
#[derive(Debug)]
pub(crate) struct DbEnum {
    pub(crate) ident: Ident,
    /// Whether the column holds the discriminant.
    pub(crate) integer: bool,
    pub(crate) variants: Vec<Variant>,
}

/// A variant and its label.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) label: String,
    pub(crate) renamed: bool,
    pub(crate) discriminant: Option<Expr>,
}

/// A struct around one column type.
#[derive(Debug)]
pub(crate) struct DbNewtype {
    pub(crate) ident: Ident,
    pub(crate) inner: Type,
}

/// Resolves an enum.
pub(crate) fn db_enum(parsed: parse::DbEnum, errors: &Diagnostics) -> DbEnum {
    let case = Case::of(parsed.rename_all.as_ref(), errors);
    DbEnum {
        ident: parsed.ident,
        integer: parsed.integer.is_some(),
        variants: parsed
            .variants
            .into_iter()
            .map(|variant| variant_of(variant, case))
            .collect(),
    }
}

fn variant_of(parsed: parse::Variant, case: Case) -> Variant {
    Variant {
        label: match &parsed.rename {
            Some(label) => label.value(),
            None => case.apply(&naming::plain(&parsed.ident)),
        },
        renamed: parsed.rename.is_some(),
        ident: parsed.ident,
        discriminant: parsed.discriminant,
    }
}

/// Resolves a newtype.
pub(crate) fn db_newtype(parsed: parse::DbNewtype) -> DbNewtype {
    DbNewtype {
        ident: parsed.ident,
        inner: parsed.inner,
    }
}
