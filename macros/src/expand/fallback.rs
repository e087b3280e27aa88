//! What is written beside errors: every name that the rest of the program may use, with bodies that never run, so that
//! one mistake is one error.
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::DeriveInput;

use super::{
    consts, entity as entity_impl, hidden, insert, patch, relations, repository,
    shape as shape_impl, view, written,
};
use crate::model::{Embedded, Entity, Kind, Shape};

/// The program does not compile; this only has the right type.
fn never() -> TokenStream {
    quote!(loop {})
}

/// The names of an entity whose derive reports errors.
pub(crate) fn entity(mut model: Entity) -> TokenStream {
    drop_namesakes(&mut model);
    let model = &model;
    let key = key_type(model);
    let never = never();
    let stub = entity_stub(&model.ident, &key);
    let consts = consts::of_entity(model);
    let relations = model
        .relations
        .iter()
        .map(|relation| relations::implementation(model, relation, &never));
    let own = match model.view {
        None => {
            let writable = entity_impl::writable(model);
            let new = insert::with_body(model, &never);
            let changes = patch::with_body(model, &never);
            quote!(#writable #new #changes)
        }
        Some(_) => view::with_body(model, &never),
    };
    let hidden = hidden(&quote! {
        #stub
        #consts
        #(#relations)*
        #own
    });
    let module = relations::module(model);
    let structs = written(model);
    let repository = repository::definition(model, std::iter::empty(), &[]);
    quote! {
        #hidden
        #module
        #structs
        #repository
    }
}

/// Of several relations with one name the first stays, and none stays beside a field of its name.
fn drop_namesakes(model: &mut Entity) {
    let mut taken: Vec<_> = model
        .fields
        .iter()
        .map(|field| field.constant.clone())
        .collect();
    model.relations.retain(|relation| {
        let free = !taken.contains(&relation.constant);
        taken.push(relation.constant.clone());
        free
    });
}

/// A key that the other derives can work with, as near as can be to the one that was meant.
fn key_type(model: &Entity) -> TokenStream {
    let fields = if model.primary_key().next().is_some() {
        model.primary_key().take(4).collect()
    } else {
        Vec::from_iter(model.fields.first())
    };
    let types = fields.into_iter().map(|field| match field.kind() {
        Kind::WideInteger => quote!(i64),
        _ => field.base().to_token_stream(),
    });
    entity_impl::tuple(&types.collect::<Vec<_>>())
}

/// The trait for an input that is no entity at all.
pub(crate) fn foreign_entity(input: &DeriveInput) -> TokenStream {
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let ident = &input.ident;
    let stub = entity_stub(ident, &quote!(i64));
    hidden(&quote! {
        #stub

        #[automatically_derived]
        impl __e::Writable for #ident {}
    })
}

fn entity_stub(ident: &syn::Ident, key: &TokenStream) -> TokenStream {
    let never = never();
    quote! {
        #[automatically_derived]
        impl __e::Entity for #ident {
            type Key = #key;

            fn table() -> &'static __e::TableDef {
                #never
            }

            fn decode(_: &mut __e::Row<'_, '_>) -> __e::Result<Self> {
                #never
            }

            fn key(&self) -> Self::Key {
                #never
            }

            fn value(&self, _: usize) -> __e::Value {
                #never
            }
        }
    }
}

/// The names of an embedded struct whose derive reports errors.
pub(crate) fn embedded(model: &Embedded) -> TokenStream {
    let (ident, never) = (&model.ident, never());
    let consts = consts::of_fields(ident, &model.fields);
    hidden(&quote! {
        #[automatically_derived]
        impl __e::Embedded for #ident {
            const WIDTH: usize = 0;

            fn columns() -> ::std::vec::Vec<__e::ColumnDef> {
                #never
            }

            fn decode(_: &mut __e::Row<'_, '_>) -> __e::Result<Self> {
                #never
            }

            fn value(&self, _: usize) -> __e::Value {
                #never
            }

            fn null(_: usize) -> __e::Value {
                #never
            }
        }

        impl #ident {
            #(#consts)*
        }
    })
}

/// The trait of a column type whose derive reports errors.
pub(crate) fn column_value(input: &DeriveInput) -> TokenStream {
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let (ident, never) = (&input.ident, never());
    hidden(&quote! {
        #[automatically_derived]
        impl __e::ColumnValue for #ident {
            const TYPE: __e::SqlType = __e::SqlType::Text;
            type Base = Self;

            fn to_value(&self) -> __e::Value {
                #never
            }

            fn null() -> __e::Value {
                #never
            }

            fn from_cell(_: &__e::Cell<'_>) -> ::core::result::Result<Self, __e::Mismatch> {
                #never
            }
        }
    })
}

/// The trait of a shape whose derive reports errors.
pub(crate) fn shape(model: &Shape) -> TokenStream {
    let Some(entity) = &model.entity else {
        return TokenStream::new();
    };
    let never = never();
    shape_impl::with_body(
        model,
        entity,
        &quote!(__e::plan::<#entity, _, _, _, _>((), (), |(), ()| -> Self { #never })),
    )
}
