//! From the model to code. Cannot fail.
//!
//! All names of the framework are written `__e::X`, by `use ::entourage::__private as __e` inside `const _`, or in full
//! where an item has to stand outside. Users' types and expressions stand where they resolve as written.
mod column;
mod consts;
mod debug;
mod embedded;
mod entity;
pub(crate) mod fallback;
mod insert;
mod patch;
mod relations;
mod repository;
mod shape;
mod value;
mod view;

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use self::{
    embedded::embedded,
    shape::shape,
    value::{db_enum, db_newtype},
};
use crate::model::Entity;

/// Everything that `#[derive(Entity)]` and `#[derive(View)]` write.
pub(crate) fn entity(model: &Entity) -> TokenStream {
    let entity = entity::implementation(model);
    let consts = consts::of_entity(model);
    let relations = relations::implementations(model);
    let checks = relations::checks(model);
    let generated = column::generated_checks(model);
    let cache_checks = entity::cache_checks(model);
    let shard_key_checks = entity::shard_key_checks(model);
    let own = match &model.view {
        None => {
            let writable = entity::writable(model);
            let insert = insert::implementation(model);
            let patch = patch::implementation(model);
            quote!(#writable #insert #patch)
        }
        Some(view) => view::implementation(model, view),
    };
    let hidden = hidden(&quote! {
        #entity
        #consts
        #(#relations)*
        #own
        #(#checks)*
        #(#generated)*
        #(#cache_checks)*
        #(#shard_key_checks)*
    });
    let module = relations::module(model);
    let structs = written(model);
    let repository = repository::definition(model, model.fields.iter(), &model.uniques);
    quote! {
        #hidden
        #module
        #structs
        #repository
    }
}

/// The structs that writes take, of what can be written.
fn written(model: &Entity) -> Option<TokenStream> {
    if model.view.is_some() {
        return None;
    }
    let new = insert::definition(model);
    let changes = patch::definition(model);
    Some(quote!(#new #changes))
}

/// `items` where their helper name is seen by nobody else.
fn hidden(items: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            use ::entourage::__private as __e;
            #items
        };
    }
}

/// On generated items that a program need not use.
fn allow_unused() -> TokenStream {
    quote!(#[allow(dead_code, reason = "generated whether used or not")])
}
