//! `UserRepository`, and its finders by unique columns.
use heck::ToPascalCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::allow_unused;
use crate::model::{Entity, Field};

/// The struct, its constructor, a finder for each unique constraint, and `Deref` to the generic repository.
pub(super) fn definition<'a>(
    model: &'a Entity,
    fields: impl Iterator<Item = &'a Field>,
    uniques: &'a [Vec<Ident>],
) -> TokenStream {
    let (entity, vis, repository) = (&model.ident, &model.vis, &model.repository);
    let single = fields
        .filter(|field| field.parsed.unique.is_some() && field.column().is_some())
        .map(|field| vec![field]);
    let several = uniques.iter().map(|names| {
        names
            .iter()
            .filter_map(|name| model.field(name))
            .collect::<Vec<_>>()
    });
    let finders = single
        .chain(several)
        .map(|columns| finder(model, &columns))
        .collect::<Vec<_>>();
    let does = match model.view {
        None => "Reads and writes",
        Some(_) => "Reads",
    };
    let doc = format!(" {does} rows of `{}`.", model.table);
    let unused = allow_unused();
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #unused
        #vis struct #repository<'a> {
            repository: ::entourage::__private::Repository<'a, #entity>,
        }

        #unused
        impl<'a> #repository<'a> {
            /// A repository whose statements go to `executor`: a database handle, a transaction or a connection.
            #vis fn new(executor: impl ::entourage::__private::IntoExecutor<'a>) -> Self {
                Self { repository: ::entourage::__private::Repository::new(executor) }
            }

            #(#finders)*
        }

        #[automatically_derived]
        impl<'a> ::core::ops::Deref for #repository<'a> {
            type Target = ::entourage::__private::Repository<'a, #entity>;

            fn deref(&self) -> &Self::Target {
                &self.repository
            }
        }
    }
}

fn finder(model: &Entity, columns: &[&Field]) -> TokenStream {
    let (entity, vis) = (&model.ident, &model.vis);
    let names: Vec<_> = columns.iter().map(|field| field.name.as_str()).collect();
    let finder = format_ident!("find_by_{}", names.join("_and_"));
    let doc = format!(
        " Finds the row with this {}.",
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" and ")
    );
    let operands: Vec<_> = columns.iter().map(|field| operand(field)).collect();
    let parameters = columns.iter().zip(&operands).map(|(field, operand)| {
        let ident = &field.ident;
        quote!(#ident: #operand)
    });
    let bounds = columns.iter().zip(&operands).map(|(field, operand)| {
        let base = field.base();
        quote!(#operand: ::entourage::__private::Operand<#entity, #base>)
    });
    let filter = columns
        .iter()
        .map(|field| {
            let (ident, constant) = (&field.ident, &field.constant);
            quote!(#entity::#constant.eq(#ident))
        })
        .reduce(|all, next| quote!(#all.and(#next)));
    quote! {
        #[doc = #doc]
        #[track_caller]
        #vis fn #finder<#(#operands),*>(
            &self,
            #(#parameters),*
        ) -> impl ::core::future::Future<
            Output = ::entourage::__private::Result<::core::option::Option<#entity>>,
        > + ::core::marker::Send + use<'a, #(#operands),*>
        where
            #(#bounds),*
        {
            self.repository.find_by(#filter)
        }
    }
}

/// The type parameter of a finder for what a column is compared with.
fn operand(field: &Field) -> Ident {
    format_ident!("{}Operand", field.name.to_pascal_case())
}
