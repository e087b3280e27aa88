//! `UserPatch`: what an update may change.
use proc_macro2::TokenStream;
use quote::quote;

use super::{
    allow_unused,
    column::{self, position},
    debug::{self, Debug},
};
use crate::model::{Content, Entity};

/// The struct.
pub(super) fn definition(model: &Entity) -> TokenStream {
    let (vis, patch) = (&model.vis, &model.patch);
    let doc = format!(
        " Changes to a row of `{}`; a column left at `None` keeps its value.",
        model.table
    );
    let patchable = || model.fields.iter().filter(|field| field.is_patchable());
    let Debug {
        derive,
        implementation,
    } = debug::of(patch, patchable());
    let fields = patchable().map(|field| {
        let (vis, ident, ty) = (&field.vis, &field.ident, &field.ty);
        let doc = if field.is_optional() {
            format!(" The new `{}`; `Some(None)` is NULL.", field.name)
        } else {
            format!(" The new `{}`.", field.name)
        };
        quote! {
            #[doc = #doc]
            #vis #ident: ::core::option::Option<#ty>,
        }
    });
    let unused = allow_unused();
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone #derive, ::core::default::Default)]
        #unused
        #vis struct #patch {
            #(#fields)*
        }

        #implementation
    }
}

/// `impl Patch`.
pub(super) fn implementation(model: &Entity) -> TokenStream {
    let changes = model
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.is_patchable())
        .map(|(index, field)| {
            let ident = &field.ident;
            let position = position(&model.fields, index);
            match field.content {
                Content::Column(_) => {
                    let to_value = column::to_value(field);
                    quote! {
                        changes.extend(self.#ident.as_ref().map(|value| (#position, #to_value(value))));
                    }
                }
                Content::Embedded { .. } => quote! {
                    __e::change_embedded(&mut changes, #position, self.#ident.as_ref());
                },
            }
        });
    with_body(
        model,
        &quote! {
            let mut changes = ::std::vec::Vec::new();
            #(#changes)*
            changes
        },
    )
}

/// `impl Patch` with this body of `into_changes`.
pub(super) fn with_body(model: &Entity, body: &TokenStream) -> TokenStream {
    let (entity, patch) = (&model.ident, &model.patch);
    quote! {
        #[automatically_derived]
        impl __e::Patch for #patch {
            type Entity = #entity;

            fn into_changes(self) -> ::std::vec::Vec<(usize, __e::Value)> {
                #body
            }
        }
    }
}
