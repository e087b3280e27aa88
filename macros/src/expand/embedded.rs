//! `#[derive(Embedded)]`.
use proc_macro2::TokenStream;
use quote::quote;

use super::{allow_unused, column, consts, hidden};
use crate::model::Embedded;

/// Everything that `#[derive(Embedded)]` writes.
pub(crate) fn embedded(model: &Embedded) -> TokenStream {
    let ident = &model.ident;
    let name = ident.to_string();
    let width = column::position(&model.fields, model.fields.len());
    let columns = column::descriptions(&model.fields);
    let decoded = column::decoded(&model.fields);
    let values = column::values(&name, &model.fields);
    let nulls = column::nulls(&name, &model.fields);
    let consts = consts::of_fields(ident, &model.fields);
    let unused = allow_unused();
    hidden(&quote! {
        #[automatically_derived]
        impl __e::Embedded for #ident {
            const WIDTH: usize = #width;

            fn columns() -> ::std::vec::Vec<__e::ColumnDef> {
                #columns
            }

            fn decode(row: &mut __e::Row<'_, '_>) -> __e::Result<Self> {
                #decoded
            }

            fn value(&self, column: usize) -> __e::Value {
                #values
            }

            fn null(column: usize) -> __e::Value {
                #nulls
            }
        }

        #unused
        impl #ident {
            #(#consts)*
        }
    })
}
