//! Rules about enums and newtypes.
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit};

use crate::{
    diagnostics::Diagnostics,
    model::{DbEnum, DbNewtype, Kind, kind, option_inner},
};

pub(super) fn an_enum_has_variants(db_enum: &DbEnum, errors: &Diagnostics) {
    if db_enum.variants.is_empty() {
        errors.error(
            db_enum.ident.span(),
            format_args!(
                "`{}` has no variant that a column could hold; add one",
                db_enum.ident
            ),
        );
    }
}

pub(super) fn labels_differ(db_enum: &DbEnum, errors: &Diagnostics) {
    for (index, variant) in db_enum.variants.iter().enumerate() {
        let earlier = db_enum.variants[..index]
            .iter()
            .find(|earlier| earlier.label == variant.label);
        if let Some(earlier) = earlier {
            errors.error(
                variant.ident.span(),
                format_args!(
                    "`{}` and `{}` are both stored as {:?}; rename one of them by `#[db_enum(rename = \"..\")]`",
                    earlier.ident, variant.ident, variant.label
                ),
            );
        }
    }
}

pub(super) fn an_integer_enum_has_numbers(db_enum: &DbEnum, errors: &Diagnostics) {
    if !db_enum.integer {
        return;
    }
    for (index, variant) in db_enum.variants.iter().enumerate() {
        let name = &variant.ident;
        if variant.renamed {
            errors.error(
                name.span(),
                format_args!(
                    "`{name}` is stored as a number and has no label; leave `rename` or `integer` out"
                ),
            );
        }
        match &variant.discriminant {
            None => errors.error(
                name.span(),
                format_args!(
                    "`{name}` needs its number, so that it stays when variants move: write `{name} = {index}`"
                ),
            ),
            Some(Expr::Lit(ExprLit {
                lit: Lit::Int(number),
                ..
            })) if number.base10_parse::<i32>().is_err() => errors.error_at(
                number,
                format_args!("the column is a 32-bit integer, and {number} does not fit"),
            ),
            Some(_) => {}
        }
    }
}

pub(super) fn a_newtype_is_never_null(newtype: &DbNewtype, errors: &Diagnostics) {
    if let Some(inner) = option_inner(&newtype.inner) {
        let name = &newtype.ident;
        errors.error_at(
            &newtype.inner,
            format_args!(
                "NULL goes around a column type, not into it: write `struct {name}({});` and use `Option<{name}>`",
                inner.to_token_stream()
            ),
        );
    }
}

pub(super) fn a_newtype_fits_a_column(newtype: &DbNewtype, errors: &Diagnostics) {
    if kind(&newtype.inner) == Kind::WideInteger {
        errors.error_at(
            &newtype.inner,
            format_args!(
                "no column of all databases holds a `{}`: write `i64`",
                newtype.inner.to_token_stream()
            ),
        );
    }
}
