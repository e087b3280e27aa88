//! `User::EMAIL`, `User::ADDRESS` and `User::POSTS`.
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{allow_unused, column::position};
use crate::model::{Content, Entity, Field};

/// The consts of an entity's columns and relations, and the answer to reading a relation of an entity on its own.
pub(super) fn of_entity(model: &Entity) -> TokenStream {
    let (ident, vis) = (&model.ident, &model.vis);
    let fields = of_fields(ident, &model.fields);
    let relations = of_relations(model);
    let unused = allow_unused();
    quote! {
        #unused
        impl #ident {
            #(#fields)*
            #(#relations)*

            /// Reads a loaded relation. An entity on its own has none: the query's `.with(..)` says which to load.
            #vis fn get<R, I, T>(&self, _relation: R) -> &T
            where
                R: __e::Selects<Self> + __e::LoadedIn<(), I, Value = T>,
            {
                R::get(&())
            }
        }
    }
}

/// The consts of fields, each as visible as its field.
pub(super) fn of_fields<'a>(
    owner: &'a Ident,
    fields: &'a [Field],
) -> impl Iterator<Item = TokenStream> + 'a {
    fields.iter().enumerate().map(move |(index, field)| {
        let (vis, constant) = (&field.vis, &field.constant);
        let position = position(fields, index);
        match &field.content {
            Content::Column(column) => {
                let (ty, doc) = (&field.ty, format!(" The column `{}`.", column.name));
                quote! {
                    #[doc = #doc]
                    #vis const #constant: __e::Column<#owner, #ty> = __e::Column::at(#position);
                }
            }
            Content::Embedded { .. } => {
                let (base, doc) = (field.base(), format!(" The columns of `{}`.", field.name));
                quote! {
                    #[doc = #doc]
                    #vis const #constant: __e::EmbeddedField<#owner, #base> = __e::EmbeddedField::at(#position);
                }
            }
        }
    })
}

/// The consts of relations.
pub(super) fn of_relations(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    let (vis, module) = (&model.vis, &model.module);
    model.relations.iter().map(move |relation| {
        let (constant, marker) = (&relation.constant, &relation.marker);
        let doc = format!(
            " The relation `{}`, for `.with(..)` and filters.",
            relation.name
        );
        quote! {
            #[doc = #doc]
            #vis const #constant: #module::#marker = #module::#marker;
        }
    })
}
