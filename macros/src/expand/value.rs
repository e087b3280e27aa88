//! `#[derive(DbEnum)]` and `#[derive(DbNewtype)]`: `impl ColumnValue`.
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::hidden;
use crate::model::{DbEnum, DbNewtype};

/// Everything that `#[derive(DbEnum)]` writes.
pub(crate) fn db_enum(model: &DbEnum) -> TokenStream {
    if model.integer {
        integer_enum(model)
    } else {
        text_enum(model)
    }
}

fn text_enum(model: &DbEnum) -> TokenStream {
    let ident = &model.ident;
    let name = ident.to_string();
    let variants: Vec<_> = model
        .variants
        .iter()
        .map(|variant| &variant.ident)
        .collect();
    let labels: Vec<_> = model
        .variants
        .iter()
        .map(|variant| &variant.label)
        .collect();
    hidden(&quote! {
        const LABELS: &[&str] = &[#(#labels),*];

        #[automatically_derived]
        impl __e::ColumnValue for #ident {
            const TYPE: __e::SqlType = __e::SqlType::Enum(LABELS);
            type Base = Self;

            fn to_value(&self) -> __e::Value {
                let label = match self {
                    #(Self::#variants => #labels,)*
                };
                __e::ColumnValue::to_value(&::std::string::String::from(label))
            }

            fn null() -> __e::Value {
                <::std::string::String as __e::ColumnValue>::null()
            }

            fn from_cell(cell: &__e::Cell<'_>) -> ::core::result::Result<Self, __e::Mismatch> {
                match __e::label(cell)? {
                    #(#labels => ::core::result::Result::Ok(Self::#variants),)*
                    other => ::core::result::Result::Err(__e::unknown_label(#name, other, LABELS)),
                }
            }
        }
    })
}

fn integer_enum(model: &DbEnum) -> TokenStream {
    let ident = &model.ident;
    let name = ident.to_string();
    let variants: Vec<_> = model
        .variants
        .iter()
        .map(|variant| &variant.ident)
        .collect();
    let fitting = variants.iter().map(|variant| {
        let message =
            format!("the column is a 32-bit integer, and the number of `{variant}` does not fit");
        quote_spanned! {variant.span()=>
            ::core::assert!(#ident::#variant as i128 == #ident::#variant as i32 as i128, #message);
        }
    });
    hidden(&quote! {
        const NUMBERS: &[i32] = &[#(#ident::#variants as i32),*];
        const _: () = {
            #(#fitting)*
        };

        #[automatically_derived]
        impl __e::ColumnValue for #ident {
            const TYPE: __e::SqlType = __e::SqlType::Int;
            type Base = Self;

            fn to_value(&self) -> __e::Value {
                let number = match self {
                    #(Self::#variants => Self::#variants as i32,)*
                };
                __e::ColumnValue::to_value(&number)
            }

            fn null() -> __e::Value {
                <i32 as __e::ColumnValue>::null()
            }

            fn from_cell(cell: &__e::Cell<'_>) -> ::core::result::Result<Self, __e::Mismatch> {
                let number = <i32 as __e::ColumnValue>::from_cell(cell)?;
                #(if number == Self::#variants as i32 {
                    return ::core::result::Result::Ok(Self::#variants);
                })*
                ::core::result::Result::Err(__e::unknown_number(#name, number, NUMBERS))
            }
        }
    })
}

/// Everything that `#[derive(DbNewtype)]` writes.
pub(crate) fn db_newtype(model: &DbNewtype) -> TokenStream {
    let (ident, inner) = (&model.ident, &model.inner);
    let column = quote_spanned!(inner.span()=> <#inner as __e::ColumnValue>);
    hidden(&quote! {
        #[automatically_derived]
        impl __e::ColumnValue for #ident {
            const TYPE: __e::SqlType = #column::TYPE;
            type Base = Self;

            fn to_value(&self) -> __e::Value {
                #column::to_value(&self.0)
            }

            fn null() -> __e::Value {
                #column::null()
            }

            #[inline]
            fn from_cell(cell: &__e::Cell<'_>) -> ::core::result::Result<Self, __e::Mismatch> {
                #column::from_cell(cell).map(Self)
            }
        }
    })
}
