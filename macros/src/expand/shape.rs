//! `#[derive(Shape)]`: what is loaded, and the struct made of it.
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use super::hidden;
use crate::model::{ColumnRef, Shape, ShapeField, ShapeValue};

/// Everything that `#[derive(Shape)]` writes.
pub(crate) fn shape(model: &Shape) -> TokenStream {
    let Some(entity) = &model.entity else {
        return TokenStream::new();
    };
    let (columns, column_names) = columns(entity, &model.fields);
    let (includes, include_names) = includes(entity, &model.fields);
    let fields = model.fields.iter().enumerate().map(|(index, field)| {
        let ident = &field.ident;
        let value = value(&model.fields, index, field);
        quote!(#ident: #value)
    });
    let whole = quote!(Self { #(#fields),* });
    let parts = model
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| is_part(field));
    let parts: Vec<_> = parts.collect();
    let plan = |value| {
        quote! {
            __e::plan::<#entity, _, _, _, _>(#columns, #includes, |#column_names, #include_names| #value)
        }
    };
    if parts.is_empty() {
        return with_body(model, entity, &plan(whole));
    }
    // Each part is put beside what was there before it, and the last one makes the struct.
    let mut body = plan(quote!((#column_names, #include_names)));
    let mut names = quote!((#column_names, #include_names));
    for (place, (index, field)) in parts.iter().enumerate() {
        let (name, ty, args) = (binding(*index, field), &field.ty, args_of(field));
        let value = match place + 1 == parts.len() {
            true => whole.clone(),
            false => quote!((#names, #name)),
        };
        body = quote_spanned! {field.type_span()=>
            __e::flatten::<#entity, _, _, _, _>(#body, __e::PhantomData::<#ty>, #args, |#names, #name| #value)
        };
        names = quote!((#names, #name));
    }
    with_body(model, entity, &body)
}

/// What the field's own shape takes.
fn args_of(field: &ShapeField) -> TokenStream {
    match &field.parsed.args {
        Some(args) => args.to_token_stream(),
        None => quote_spanned!(field.type_span()=> ()),
    }
}

/// Whether the field is a shape of the same row.
fn is_part(field: &ShapeField) -> bool {
    matches!(field.value, ShapeValue::Flattened)
}

/// `impl Shape` with this body of `plan`.
pub(super) fn with_body(model: &Shape, entity: &Type, body: &TokenStream) -> TokenStream {
    let ident = &model.ident;
    let (ty, parameter, borrow) = match &model.args {
        None => (quote!(()), quote!((): ()), TokenStream::new()),
        Some((place, ty)) => {
            // The word as the user's expressions know it.
            let args = Ident::new("args", *place);
            let borrow = quote!(let #args = &#args;);
            (quote!(#ty), quote!(#args: #ty), borrow)
        }
    };
    hidden(&quote! {
        #[automatically_derived]
        impl __e::Shape<#entity> for #ident {
            type Args = #ty;

            fn plan(#parameter) -> impl __e::IncludeList<#entity, Output = Self> {
                #borrow
                #body
            }
        }
    })
}

/// The columns of the entity as a list, and the names of their values as one.
fn columns(entity: &Type, fields: &[ShapeField]) -> (TokenStream, TokenStream) {
    let own: Vec<_> = fields
        .iter()
        .enumerate()
        .filter_map(|(index, field)| match &field.value {
            ShapeValue::Column(column) => Some((column_of(entity, column), binding(index, field))),
            ShapeValue::Embedded(constant) => {
                let ty = &field.ty;
                let columns = quote_spanned! {field.type_span()=>
                    __e::embedded(#entity::#constant, __e::PhantomData::<fn() -> #ty>)
                };
                Some((columns, binding(index, field)))
            }
            _ => None,
        })
        .collect();
    (
        list(own.iter().map(|(column, _)| column)),
        list(own.iter().map(|(_, name)| name)),
    )
}

/// The includes as a list, the last field first, and the names of what they load as one.
fn includes(entity: &Type, fields: &[ShapeField]) -> (TokenStream, TokenStream) {
    let mut nodes = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        match &field.value {
            ShapeValue::Column(_) | ShapeValue::Embedded(_) | ShapeValue::Flattened => {}
            ShapeValue::Rows { relation, shape } => {
                let args = args_of(field);
                let rows = quote_spanned! {field.type_span()=>
                    __e::include(#entity::#relation, __e::PhantomData::<#shape>, #args)
                };
                nodes.push((scoped(rows, field), binding(index, field)));
            }
            ShapeValue::Figure {
                kind,
                relation,
                column,
            } => {
                let method = Ident::new(kind.keyword(), relation.span());
                let figure = quote!(__e::RelationFilters::#method(#entity::#relation, #column));
                nodes.push((scoped(figure, field), binding(index, field)));
            }
            ShapeValue::Related { relation, .. } => {
                let first = related(fields, relation).next().map(|(index, _)| index);
                if first == Some(index) {
                    let columns = list(
                        related(fields, relation).map(|(_, column)| column_of(entity, column)),
                    );
                    let name = shared(relation);
                    let node = quote_spanned! {field.type_span()=>
                        __e::columns(#entity::#relation, #columns)
                    };
                    nodes.push((node, name));
                }
            }
        }
    }
    nodes.reverse();
    (
        list(nodes.iter().map(|(node, _)| node)),
        list(nodes.iter().map(|(_, name)| name)),
    )
}

/// The fields that are columns of the row that `relation` leads to.
fn related<'a>(
    fields: &'a [ShapeField],
    relation: &'a Ident,
) -> impl DoubleEndedIterator<Item = (usize, &'a ColumnRef)> {
    fields
        .iter()
        .enumerate()
        .filter_map(move |(index, field)| match &field.value {
            ShapeValue::Related {
                relation: other,
                column,
            } if other == relation => Some((index, column)),
            _ => None,
        })
}

/// The include with what the field says of its rows.
fn scoped(include: TokenStream, field: &ShapeField) -> TokenStream {
    let parsed = &field.parsed;
    let calls = [
        ("filter", &parsed.filter),
        ("order_by", &parsed.order_by),
        ("limit", &parsed.limit),
        ("offset", &parsed.offset),
    ];
    let calls = calls.into_iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        let method = format_ident!("{name}");
        Some(quote!(.#method(#value)))
    });
    quote!(#include #(#calls)*)
}

/// The value of a field, out of what was loaded.
fn value(fields: &[ShapeField], index: usize, field: &ShapeField) -> TokenStream {
    match &field.value {
        ShapeValue::Column(_) | ShapeValue::Flattened => binding(index, field).into_token_stream(),
        ShapeValue::Rows { .. } | ShapeValue::Figure { .. } | ShapeValue::Embedded(_) => {
            let name = binding(index, field);
            quote_spanned!(field.type_span()=> #name.into_value())
        }
        ShapeValue::Related { relation, .. } => {
            let place = related(fields, relation)
                .position(|(other, _)| other == index)
                .unwrap_or_default();
            let tails = std::iter::repeat_n(Literal::usize_unsuffixed(1), place);
            let name = shared(relation);
            quote_spanned! {field.type_span()=>
                __e::pick(&#name, |row| ::core::clone::Clone::clone(&row #(.#tails)* .0))
            }
        }
    }
}

fn column_of(entity: &Type, column: &ColumnRef) -> TokenStream {
    match column {
        ColumnRef::Constant(constant) => quote!(#entity::#constant),
        ColumnRef::Expression(expression) => quote!(#expression),
    }
}

/// The name of a field's value, at the place of the field's type.
fn binding(index: usize, field: &ShapeField) -> Ident {
    format_ident!("__{index}", span = field.type_span())
}

/// The name of what was loaded for the fields that are columns of one related row.
fn shared(relation: &Ident) -> Ident {
    format_ident!("__{}", relation.to_string().to_lowercase())
}

/// `(a, (b, ()))`.
fn list(items: impl DoubleEndedIterator<Item = impl ToTokens>) -> TokenStream {
    items
        .rev()
        .fold(quote!(()), |tail, head| quote!((#head, #tail)))
}
