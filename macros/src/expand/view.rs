//! `impl View`.
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, Type, spanned::Spanned};

use super::entity::option;
use crate::{
    model::{Entity, View, constant},
    parse::{Keys, MaintainedBy},
};

/// The query and what it reads.
pub(super) fn implementation(model: &Entity, view: &View) -> TokenStream {
    let [sqlite, postgres, mysql] = [&view.sqlite, &view.postgres, &view.mysql].map(text);
    let sources = view
        .maintained
        .iter()
        .flat_map(|maintained| &maintained.sources);
    let maintaining = sources.clone().map(|source| &source.entity);
    let reads = view.reads.iter().flatten().chain(maintaining).map(table);
    let (upkeep, kind) = match (&view.maintained, view.materialized) {
        (Some(_), _) => {
            let sources = sources.map(upkeep);
            let upkeep = quote! {
                fn upkeep() -> ::std::vec::Vec<__e::Upkeep> {
                    ::std::vec![#(#sources),*]
                }
            };
            (Some(upkeep), quote!(__e::ViewKind::Maintained(upkeep)))
        }
        (None, true) => (None, quote!(__e::ViewKind::Materialized)),
        (None, false) => (None, quote!(__e::ViewKind::Plain)),
    };
    with_body(
        model,
        &quote! {
            fn reads() -> ::std::vec::Vec<&'static __e::TableDef> {
                ::std::vec![#(#reads),*]
            }
            #upkeep
            static __VIEW: __e::ViewDef = __e::ViewDef {
                kind: #kind,
                sqlite: #sqlite,
                postgres: #postgres,
                mysql: #mysql,
                reads,
            };
            &__VIEW
        },
    )
}

fn table(entity: &Type) -> TokenStream {
    quote_spanned!(entity.span()=> <#entity as __e::Entity>::table())
}

/// One source of a maintained view. A field is asked for by the constant of its column, so that a wrong one is found.
fn upkeep(source: &MaintainedBy) -> TokenStream {
    let entity = &source.entity;
    let keys = match &source.keys {
        Keys::Fields(fields) => {
            let columns = fields.iter().map(|field| {
                let constant = constant(field);
                quote_spanned!(field.span()=> __e::positions(<#entity>::#constant))
            });
            quote!(__e::RowKeys::Columns([#(#columns),*].concat()))
        }
        Keys::Query(query) => quote!(__e::RowKeys::Query(#query)),
    };
    let table = table(entity);
    quote! {
        __e::Upkeep {
            table: #table,
            keys: #keys,
        }
    }
}

/// `impl View` with this body of `view`.
pub(super) fn with_body(model: &Entity, body: &TokenStream) -> TokenStream {
    let ident = &model.ident;
    quote! {
        #[automatically_derived]
        impl __e::View for #ident {
            fn view() -> &'static __e::ViewDef {
                #body
            }
        }
    }
}

fn text(text: &Option<Expr>) -> TokenStream {
    option(text.as_ref().map(|text| quote!(#text)))
}
