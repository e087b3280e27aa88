//! `impl Entity`.
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::column;
use crate::{
    model::{Cache, Capacity, Entity, Field, Write},
    parse,
};

/// The table, the reading and the values of an entity.
pub(super) fn implementation(model: &Entity) -> TokenStream {
    let ident = &model.ident;
    let name = ident.to_string();
    let key_type = key_type(model);
    let table = table(model, &name);
    let relations = relations(model);
    let decoded = column::decoded(&model.fields);
    let key = key(model);
    let values = column::values(&name, &model.fields);
    quote! {
        #[automatically_derived]
        impl __e::Entity for #ident {
            type Key = #key_type;

            fn table() -> &'static __e::TableDef {
                fn relations() -> ::std::vec::Vec<&'static __e::RelationDef> {
                    #relations
                }
                fn define() -> __e::TableDef {
                    #table
                }
                static TABLE: __e::LazyLock<__e::TableDef> = __e::LazyLock::new(define);
                &TABLE
            }

            fn decode(row: &mut __e::Row<'_, '_>) -> __e::Result<Self> {
                #decoded
            }

            fn key(&self) -> Self::Key {
                #key
            }

            fn value(&self, column: usize) -> __e::Value {
                #values
            }
        }
    }
}

/// That its rows can be written.
pub(super) fn writable(model: &Entity) -> TokenStream {
    let ident = &model.ident;
    quote! {
        #[automatically_derived]
        impl __e::Writable for #ident {}
    }
}

/// The type of the primary key: the field's, or a tuple of them.
fn key_type(model: &Entity) -> TokenStream {
    let types = model.primary_key().map(|field| field.ty.to_token_stream());
    tuple(&types.collect::<Vec<_>>())
}

/// One item as it is, several as a tuple.
pub(super) fn tuple(items: &[TokenStream]) -> TokenStream {
    match items {
        [single] => single.clone(),
        _ => quote!((#(#items),*)),
    }
}

fn key(model: &Entity) -> TokenStream {
    let parts: Vec<_> = model
        .primary_key()
        .map(|field| {
            let ident = &field.ident;
            quote!(::core::clone::Clone::clone(&self.#ident))
        })
        .collect();
    tuple(&parts)
}

fn table(model: &Entity, entity: &str) -> TokenStream {
    let table = &model.table;
    let schema = option(model.schema.as_ref().map(|schema| quote!(#schema)));
    let columns = column::descriptions(&model.fields);
    let primary_key = model.primary_key().map(|field| position_of(model, field));
    let indexes = indexes(model);
    let role = |flag: fn(&parse::Field) -> bool| {
        let field = model.fields.iter().find(|field| flag(&field.parsed));
        option(field.map(|field| position_of(model, field)))
    };
    let version = role(|field| field.version.is_some());
    let created_at = role(|field| field.created_at.is_some());
    let updated_at = role(|field| field.updated_at.is_some());
    let deleted_at = role(|field| field.deleted_at.is_some());
    let shard_key = role(|field| field.shard_key.is_some());
    let cache = option(model.cache.as_ref().map(|cache| cached(model, cache)));
    let ident = &model.ident;
    let view = option(
        model
            .view
            .as_ref()
            .map(|_| quote!(<#ident as __e::View>::view())),
    );
    quote! {
        __e::TableDef {
            entity: #entity,
            name: #table,
            schema: #schema,
            columns: #columns,
            primary_key: ::std::vec![#(#primary_key),*],
            indexes: ::std::vec![#(#indexes),*],
            version: #version,
            created_at: #created_at,
            updated_at: #updated_at,
            deleted_at: #deleted_at,
            shard_key: #shard_key,
            cache: #cache,
            view: #view,
            relations,
        }
    }
}

/// How rows are kept.
fn cached(model: &Entity, cache: &Cache) -> TokenStream {
    let ident = &model.ident;
    let millis = |millis: u64| quote!(::core::time::Duration::from_millis(#millis));
    let ttl = millis(cache.ttl.unwrap_or_default());
    let tti = option(cache.tti.map(millis));
    let capacity = match cache.capacity {
        Capacity::Rows(rows) => quote!(__e::CacheCapacity::Rows(#rows)),
        Capacity::Bytes(bytes) => quote!(__e::CacheCapacity::Bytes(#bytes)),
    };
    let write = match cache.write {
        Write::Through => quote!(Through),
        Write::Invalidate => quote!(Invalidate),
    };
    let negative = cache.negative;
    quote! {
        __e::CacheDef {
            ttl: #ttl,
            tti: #tti,
            capacity: #capacity,
            write: __e::CacheWrite::#write,
            negative: #negative,
            read: __e::read_row::<#ident>,
        }
    }
}

/// The proof that the types of the key allow a cache. Items, which the compiler evaluates also where it only checks.
pub(super) fn cache_checks(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    let key = model.cache.iter().flat_map(|_| model.primary_key());
    key.map(|field| {
        let ty = &field.ty;
        quote_spanned!(ty.span()=> const _: () = __e::assert_cache_key::<#ty>();)
    })
}

/// The proof that rows are placed by what comes back as it was.
pub(super) fn shard_key_checks(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    let marked = |field: &&Field| field.parsed.shard_key.is_some();
    model.fields.iter().filter(marked).map(|field| {
        let ty = &field.ty;
        quote_spanned!(ty.span()=> const _: () = __e::assert_shard_key::<#ty>();)
    })
}

/// The relations' descriptions.
///
/// This and the other descriptions are named functions and not closures: the compiler counts how deep closures
/// instantiate one another, and a ring of fifty entities would be too deep.
fn relations(model: &Entity) -> TokenStream {
    let module = &model.module;
    let relations = model.relations.iter().map(|relation| {
        let marker = &relation.marker;
        quote!(<#module::#marker as __e::Relation>::def())
    });
    quote!(::std::vec![#(#relations),*])
}

fn indexes(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    let index = |columns: Vec<TokenStream>, unique: bool| quote!(__e::IndexDef { columns: ::std::vec![#(#columns),*], unique: #unique });
    let single = model.fields.iter().filter_map(move |field| {
        let unique = field.parsed.unique.is_some();
        let indexed = unique || field.parsed.index.is_some();
        indexed.then(|| index(vec![position_of(model, field)], unique))
    });
    let unique = model.uniques.iter().map(|names| (names, true));
    let plain = model.indexes.iter().map(|names| (names, false));
    let several = unique.chain(plain).map(move |(names, unique)| {
        let columns = names
            .iter()
            .filter_map(|name| model.field(name))
            .map(|field| position_of(model, field))
            .collect();
        index(columns, unique)
    });
    single.chain(several)
}

fn position_of(model: &Entity, field: &Field) -> TokenStream {
    let index = model
        .fields
        .iter()
        .position(|other| other.ident == field.ident)
        .expect("the field is one of the entity's");
    column::position(&model.fields, index)
}

pub(super) fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
