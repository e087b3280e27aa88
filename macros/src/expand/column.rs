//! Columns: their descriptions, and their positions among fields of which some are several columns wide.
use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::{Column, Content, Entity, Field};

/// The position of the first column of the field at `index`: a number, plus the widths of the embedded structs before.
pub(super) fn position(fields: &[Field], index: usize) -> TokenStream {
    let before = &fields[..index];
    let columns = before
        .iter()
        .filter(|field| field.column().is_some())
        .count();
    let columns = Literal::usize_unsuffixed(columns);
    let widths = before
        .iter()
        .filter(|field| field.column().is_none())
        .map(width);
    quote!(#columns #(+ #widths)*)
}

/// How many columns a field of an embedded struct takes.
pub(super) fn width(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote!(<#ty as __e::Embedded>::WIDTH)
}

/// The descriptions of all columns, as a `Vec`.
pub(super) fn descriptions(fields: &[Field]) -> TokenStream {
    let is_embedded = |field: &Field| field.column().is_none();
    if !fields.iter().any(is_embedded) {
        let columns = fields.iter().filter_map(described);
        return quote!(::std::vec![#(#columns),*]);
    }
    let parts = fields
        .chunk_by(|first, second| !is_embedded(first) && !is_embedded(second))
        .map(|chunk| match &chunk[0].content {
            Content::Embedded { prefix } => {
                let (ty, name) = (&chunk[0].ty, &chunk[0].name);
                quote!(__e::embed::<#ty>(#name, #prefix))
            }
            Content::Column(_) => {
                let columns = chunk.iter().filter_map(described);
                quote!(::std::vec![#(#columns),*])
            }
        });
    quote!([#(#parts),*].concat())
}

/// That a key marked `generated` has a type which can be, told by a mere check too: the columns' description is a
/// function, whose constants are looked at only when code is generated.
pub(super) fn generated_checks(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    let is_composite = model.primary_key().count() > 1;
    model.fields.iter().filter_map(move |field| {
        let (generated, ty) = (field.parsed.generated?, &field.ty);
        // No database counts these.
        let check = match is_composite || field.parsed.shard_key.is_some() {
            true => quote_spanned!(generated=> __e::generated_here),
            false => quote_spanned!(generated=> __e::generated),
        };
        Some(quote_spanned!(generated=> const _: __e::ColumnDefault = #check::<#ty>();))
    })
}

fn described(field: &Field) -> Option<TokenStream> {
    Some(description(field, field.column()?))
}

fn description(field: &Field, column: &Column) -> TokenStream {
    let (ty, name) = (&field.ty, &field.name);
    let sql = &column.name;
    let plain = quote_spanned!(ty.span()=> <#ty as __e::ColumnValue>::column(#sql, #name));
    let mut changed = TokenStream::new();
    if let Some(generated) = field.parsed.generated {
        changed.extend(quote_spanned!(generated=> default: const { __e::generated::<#ty>() },));
    } else if let Some(default) = &column.default {
        changed.extend(quote!(default: __e::ColumnDefault::Sql(#default),));
    }
    if let Some(length) = &column.length {
        changed.extend(quote!(length: ::core::option::Option::Some(#length),));
    }
    if column.sensitive {
        changed.extend(quote!(sensitive: true,));
    }
    if changed.is_empty() {
        return plain;
    }
    quote!(__e::ColumnDef { #changed ..#plain })
}

/// The struct read from a row, field by field.
pub(super) fn decoded(fields: &[Field]) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let (ident, ty) = (&field.ident, &field.ty);
        match &field.content {
            Content::Column(_) => {
                let read = quote_spanned!(ty.span()=> <#ty as __e::ColumnValue>::read);
                quote!(#ident: #read(row)?)
            }
            Content::Embedded { .. } => quote!(#ident: <#ty as __e::Embedded>::decode(row)?),
        }
    });
    quote!(::core::result::Result::Ok(Self { #(#fields),* }))
}

/// A `match` on `column` that finds the value of each column of `fields`.
pub(super) fn values(owner: &str, fields: &[Field]) -> TokenStream {
    by_position(
        owner,
        fields,
        &|field| {
            let ident = &field.ident;
            let to_value = to_value(field);
            quote!(#to_value(&self.#ident))
        },
        &|field| {
            let ident = &field.ident;
            quote!(__e::Embedded::value(&self.#ident, column))
        },
    )
}

/// A `match` on `column` that finds NULL of each column of `fields`.
pub(super) fn nulls(owner: &str, fields: &[Field]) -> TokenStream {
    by_position(
        owner,
        fields,
        &|field| {
            let ty = &field.ty;
            quote!(<#ty as __e::ColumnValue>::null())
        },
        &|field| {
            let ty = &field.ty;
            quote!(<#ty as __e::Embedded>::null(column))
        },
    )
}

/// The function that makes a field's bind argument.
pub(super) fn to_value(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote_spanned!(ty.span()=> <#ty as __e::ColumnValue>::to_value)
}

type Arm<'a> = &'a dyn Fn(&Field) -> TokenStream;

/// Counts columns up to the first embedded struct, then goes on with the positions after it.
fn by_position(owner: &str, fields: &[Field], column: Arm<'_>, embedded: Arm<'_>) -> TokenStream {
    let plain = fields
        .iter()
        .take_while(|field| field.column().is_some())
        .count();
    let positions = (0..plain).map(Literal::usize_unsuffixed);
    let values = fields[..plain].iter().map(column);
    let rest = match fields[plain..].split_first() {
        None => quote!(column => __e::no_column(#owner, column),),
        Some((first, rest)) => {
            let (width, inside) = (width(first), embedded(first));
            let plain = Literal::usize_unsuffixed(plain);
            let outside = by_position(owner, rest, column, embedded);
            quote! {
                column => match column - #plain {
                    column if column < #width => #inside,
                    column => {
                        let column = column - #width;
                        #outside
                    }
                },
            }
        }
    };
    quote! {
        match column {
            #(#positions => #values,)*
            #rest
        }
    }
}
