//! `Debug` of the structs beside an entity: derived, unless a column must stay out of logs. Which columns an embedded struct
//! has is known to its type alone.
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::model::Field;

/// How a struct gets its `Debug`: the word in its `derive`, or else an impl.
pub(super) struct Debug {
    pub(super) derive: TokenStream,
    pub(super) implementation: TokenStream,
}

/// `Debug` of the struct `name` with the given fields; those marked `sensitive` are left out.
pub(super) fn of<'a>(name: &Ident, fields: impl Iterator<Item = &'a Field>) -> Debug {
    let sensitive = |field: &Field| field.column().is_some_and(|column| column.sensitive);
    let (hidden, shown): (Vec<_>, Vec<_>) = fields.partition(|field| sensitive(field));
    let embedded: Vec<_> = shown
        .iter()
        .filter(|field| field.column().is_none())
        .map(|field| {
            let base = field.base();
            quote!(::entourage::__private::is_sensitive::<#base>())
        })
        .collect();
    if hidden.is_empty() && embedded.is_empty() {
        return Debug {
            derive: quote!(, ::core::fmt::Debug),
            implementation: TokenStream::new(),
        };
    }
    let text = name.to_string();
    let shown = shown.iter().map(|field| {
        let (ident, name, base) = (&field.ident, &field.name, field.base());
        let add = quote!(debug.field(#name, &self.#ident););
        match field.column() {
            Some(_) => add,
            None => quote!(if !::entourage::__private::is_sensitive::<#base>() { #add }),
        }
    });
    let end = match hidden.is_empty() {
        true => quote! {
            if #(#embedded)||* {
                debug.finish_non_exhaustive()
            } else {
                debug.finish()
            }
        },
        false => quote!(debug.finish_non_exhaustive()),
    };
    Debug {
        derive: TokenStream::new(),
        implementation: quote! {
            #[automatically_derived]
            impl ::core::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    let mut debug = f.debug_struct(#text);
                    #(#shown)*
                    #end
                }
            }
        },
    }
}
