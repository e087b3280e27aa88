//! `NewUser`: what an insert takes.
use proc_macro2::TokenStream;
use quote::quote;

use super::{
    allow_unused, column,
    debug::{self, Debug},
};
use crate::model::{Content, Entity, Field, Given};

/// The struct and its constructor.
pub(super) fn definition(model: &Entity) -> TokenStream {
    let (vis, new) = (&model.vis, &model.new);
    let doc = format!(
        " A row of `{}` to insert. What the database or the framework makes is left out.",
        model.table
    );
    let given = || {
        model
            .fields
            .iter()
            .filter(|field| field.given() != Given::Never)
    };
    let fields = given().filter_map(field);
    let Debug {
        derive,
        implementation,
    } = debug::of(new, given());
    let constructor = constructor(model);
    let default = required(model)
        .next()
        .is_none()
        .then(|| quote!(, ::core::default::Default));
    let unused = allow_unused();
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone #derive #default)]
        #unused
        #vis struct #new {
            #(#fields)*
        }

        #implementation

        #constructor
    }
}

/// `impl NewEntity`.
pub(super) fn implementation(model: &Entity) -> TokenStream {
    let all_columns = model.fields.iter().all(|field| field.column().is_some());
    let body = if all_columns {
        let values = model.fields.iter().map(value);
        quote!(::std::vec![#(#values),*])
    } else {
        let pushed = model.fields.iter().map(|field| {
            let ident = &field.ident;
            match field.content {
                Content::Column(_) => {
                    let value = value(field);
                    quote!(values.push(#value);)
                }
                Content::Embedded { .. } => quote! {
                    values.extend(__e::embedded_values(&self.#ident).map(::core::option::Option::Some));
                },
            }
        });
        quote! {
            let mut values = ::std::vec::Vec::new();
            #(#pushed)*
            values
        }
    };
    with_body(model, &body)
}

/// `impl NewEntity` with this body of `into_values`.
pub(super) fn with_body(model: &Entity, body: &TokenStream) -> TokenStream {
    let (entity, new) = (&model.ident, &model.new);
    quote! {
        #[automatically_derived]
        impl __e::NewEntity for #new {
            type Entity = #entity;

            fn into_values(self) -> ::std::vec::Vec<::core::option::Option<__e::Value>> {
                #body
            }
        }
    }
}

fn field(field: &Field) -> Option<TokenStream> {
    let (vis, ident, ty, name) = (&field.vis, &field.ident, &field.ty, &field.name);
    let (ty, doc) = match field.given() {
        Given::Never => return None,
        Given::OrDefault => (
            quote!(::core::option::Option<#ty>),
            format!(" `{name}`; `None` takes the default."),
        ),
        Given::Nullable => (quote!(#ty), format!(" `{name}`; `None` is NULL.")),
        Given::Required => (quote!(#ty), format!(" `{name}`.")),
    };
    Some(quote! {
        #[doc = #doc]
        #vis #ident: #ty,
    })
}

fn required(model: &Entity) -> impl Iterator<Item = &Field> {
    model
        .fields
        .iter()
        .filter(|field| field.given() == Given::Required)
}

fn constructor(model: &Entity) -> TokenStream {
    let (vis, new) = (&model.vis, &model.new);
    let parameters = required(model).map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        quote!(#ident: #ty)
    });
    let too_many = (required(model).count() > 7).then(|| {
        quote! {
            #[allow(clippy::too_many_arguments, reason = "one for each column that must have a value")]
        }
    });
    let fields = model.fields.iter().filter_map(|field| {
        let ident = &field.ident;
        match field.given() {
            Given::Never => None,
            Given::Required => Some(quote!(#ident)),
            Given::OrDefault | Given::Nullable => {
                Some(quote!(#ident: ::core::option::Option::None))
            }
        }
    });
    let unused = allow_unused();
    quote! {
        #unused
        impl #new {
            /// A row with these values, defaults, and NULL for the rest.
            #too_many
            #vis fn new(#(#parameters),*) -> Self {
                Self { #(#fields),* }
            }
        }
    }
}

fn value(field: &Field) -> TokenStream {
    let ident = &field.ident;
    let to_value = column::to_value(field);
    match field.given() {
        Given::Never => quote!(::core::option::Option::None),
        Given::OrDefault => quote!(self.#ident.as_ref().map(#to_value)),
        Given::Nullable | Given::Required => {
            quote!(::core::option::Option::Some(#to_value(&self.#ident)))
        }
    }
}
