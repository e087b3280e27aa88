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

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use self::{
    embedded::embedded,
    shape::shape,
    value::{db_enum, db_newtype},
};
use crate::model::Entity;

/// Everything that `#[derive(Entity)]` writes.
pub(crate) fn entity(model: &Entity) -> TokenStream {
    let entity = entity::implementation(model);
    let consts = consts::of_entity(model);
    let relations = relations::implementations(model);
    let checks = relations::checks(model);
    let generated = column::generated_checks(model);
    let cache_checks = entity::cache_checks(model);
    let insert = insert::implementation(model);
    let patch = patch::implementation(model);
    let hidden = hidden(&quote! {
        #entity
        #consts
        #(#relations)*
        #insert
        #patch
        #(#checks)*
        #(#generated)*
        #(#cache_checks)*
    });
    let module = relations::module(model);
    let new = insert::definition(model);
    let changes = patch::definition(model);
    let repository = repository::definition(model, model.fields.iter(), &model.uniques);
    quote! {
        #hidden
        #module
        #new
        #changes
        #repository
    }
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
