//! Relations as types: `user::Posts`, and what they are.
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{PathArguments, Type, Visibility, ext::IdentExt, spanned::Spanned};

use super::allow_unused;
use crate::graph::number;
use crate::model::{Arity, Entity, OnDelete, Relation, RelationKind, Side};

/// The module with one unit struct for each relation, if there are any.
pub(super) fn module(model: &Entity) -> Option<TokenStream> {
    if model.relations.is_empty() {
        return None;
    }
    let (vis, module) = (&model.vis, &model.module);
    let inner = one_module_down(vis);
    let doc = format!(" The relations of [`{}`] as types.", model.ident);
    let unused = allow_unused();
    let markers = model.relations.iter().map(|relation| {
        let marker = &relation.marker;
        let doc = format!(" The type of `{}`.", path(model, relation));
        quote! {
            #[doc = #doc]
            #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug, ::core::cmp::PartialEq, ::core::cmp::Eq)]
            #inner struct #marker;
        }
    });
    Some(quote! {
        #[doc = #doc]
        #unused
        #vis mod #module {
            #(#markers)*
        }
    })
}

/// `impl Relation` for each relation.
pub(super) fn implementations(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    model.relations.iter().map(move |relation| {
        let definition = definition(model, relation);
        implementation(
            model,
            relation,
            &quote! {
                fn define() -> __e::RelationDef {
                    #definition
                }
                static DEFINITION: __e::LazyLock<__e::RelationDef> = __e::LazyLock::new(define);
                &DEFINITION
            },
        )
    })
}

/// `impl Relation` with this body of `def`.
pub(super) fn implementation(
    model: &Entity,
    relation: &Relation,
    body: &TokenStream,
) -> TokenStream {
    let (entity, module) = (&model.ident, &model.module);
    let (marker, target) = (&relation.marker, &relation.target);
    let arity = match relation.arity {
        Arity::One => quote!(__e::One),
        Arity::Maybe => quote!(__e::Maybe),
        Arity::Many => quote!(__e::Many),
    };
    let to = quote_spanned!(target.span()=> type To = #target;);
    let number = number(&relation.constant.to_string());
    let unloaded = unloaded(model, relation);
    quote! {
        #unloaded

        #[automatically_derived]
        impl __e::RelationNamed<#number> for #entity {
            type Relation = #module::#marker;
        }

        #[automatically_derived]
        impl __e::Relation for #module::#marker {
            type From = #entity;
            #to
            type Arity = #arity;

            fn def() -> &'static __e::RelationDef {
                #body
            }
        }
    }
}

/// What the compiler says where the relation is read and was not loaded. A trait's message can name types, but no const;
/// so each relation has a trait of its own, which nothing implements.
fn unloaded(model: &Entity, relation: &Relation) -> TokenStream {
    let module = &model.module;
    // Without the position of the relation's name, which is not what has to change.
    let marker = format_ident!("{}", relation.marker, span = Span::call_site());
    let path = path(model, relation);
    let message =
        format!("relation `{path}` was not loaded here; add `.with({path})` to the query");
    let note = format!("rows in hand get it by `repository.load(rows, {path})`");
    let condition = format_ident!("{marker}AreLoadedBy");
    quote! {
        #[diagnostic::on_unimplemented(
            message = #message,
            label = "not loaded by the query that produced this value",
            note = #note
        )]
        pub trait #condition {
            type Value;
        }

        #[automatically_derived]
        impl<I> __e::Unloaded<I> for #module::#marker
        where
            __e::ThisQuery<I>: #condition,
        {
            type Value = <__e::ThisQuery<I> as #condition>::Value;
        }
    }
}

/// What must hold for each relation, and is known only to the compiler: that keys have the same types, and that a
/// foreign key is what it looks like.
pub(super) fn checks(model: &Entity) -> impl Iterator<Item = TokenStream> + '_ {
    model.relations.iter().map(|relation| {
        let span = key_span(relation);
        let keys = match &relation.through {
            Some(through) => {
                let target = &relation.target;
                let from = columns(&through.entity, &through.from);
                let to = columns(&through.entity, &through.to);
                let key = side_columns(&relation.from);
                quote_spanned! {span=>
                    __e::points_at(#key, #from);
                    __e::points_at_key_of::<#target, _>(#to);
                }
            }
            None => agreement(relation, span),
        };
        let nullability = nullability(model, relation);
        quote! {
            const _: () = {
                #keys
                #(#nullability)*
            };
        }
    })
}

fn agreement(relation: &Relation, span: Span) -> TokenStream {
    let from = side_columns(&relation.from);
    match (relation.kind, &relation.to) {
        (RelationKind::BelongsTo, Side::PrimaryKey(target)) => {
            quote_spanned!(span=> __e::points_at_key_of::<#target, _>(#from);)
        }
        (RelationKind::BelongsTo, to) => {
            let to = side_columns(to);
            quote_spanned!(span=> __e::points_at(#to, #from);)
        }
        (_, to) => {
            let to = side_columns(to);
            quote_spanned!(span=> __e::points_at(#from, #to);)
        }
    }
}

/// An alias may hide an `Option`: then the relation's type would be a wrong promise.
fn nullability<'a>(
    model: &'a Entity,
    relation: &'a Relation,
) -> impl Iterator<Item = TokenStream> + 'a {
    let names = match (&relation.from, relation.arity) {
        (Side::Fields(_, names), Arity::One) => &names[..],
        _ => &[],
    };
    names
        .iter()
        .filter_map(|name| model.field(name))
        .map(|field| {
            let ty = &field.ty;
            let message = format!(
                "the foreign key `{}` may be NULL; write its type as `Option<..>`, or declare the relation `optional`",
                field.ident
            );
            quote_spanned!(ty.span()=> ::core::assert!(!<#ty as __e::ColumnValue>::NULLABLE, #message);)
        })
}

fn definition(model: &Entity, relation: &Relation) -> TokenStream {
    let name = relation.name.unraw().to_string();
    let path = path(model, relation);
    let (entity, target) = (&model.ident, &relation.target);
    let cardinality = match relation.kind {
        RelationKind::BelongsTo => quote!(BelongsTo),
        RelationKind::HasOne => quote!(HasOne),
        RelationKind::HasMany => quote!(HasMany),
        RelationKind::ManyToMany => quote!(ManyToMany),
    };
    let from = positions(&relation.from);
    let to = positions(&relation.to);
    let through = through(relation);
    let on_delete = match relation.on_delete {
        OnDelete::NoAction => quote!(NoAction),
        OnDelete::Restrict => quote!(Restrict),
        OnDelete::Cascade => quote!(Cascade),
        OnDelete::SetNull => quote!(SetNull),
    };
    let filter = match &relation.filter {
        Some(filter) => quote!(__e::filter::<#target>(#filter)),
        None => quote!(::core::option::Option::None),
    };
    let order = match &relation.order_by {
        Some(order) => quote!(__e::order::<#target>(#order)),
        None => quote!(::std::vec![]),
    };
    quote! {
        __e::RelationDef {
            name: #name,
            path: #path,
            cardinality: __e::Cardinality::#cardinality,
            source: <#entity as __e::Entity>::table,
            target: <#target as __e::Entity>::table,
            from: #from,
            to: #to,
            through: #through,
            on_delete: __e::OnDelete::#on_delete,
            filter: #filter,
            order: #order,
        }
    }
}

fn through(relation: &Relation) -> TokenStream {
    let Some(through) = &relation.through else {
        return quote!(::core::option::Option::None);
    };
    let entity = &through.entity;
    let from = columns(entity, &through.from);
    let to = columns(entity, &through.to);
    quote! {
        ::core::option::Option::Some(__e::ThroughDef {
            table: <#entity as __e::Entity>::table,
            from: __e::positions(#from),
            to: __e::positions(#to),
        })
    }
}

fn positions(side: &Side) -> TokenStream {
    match side {
        Side::Fields(owner, names) => {
            let columns = columns(owner, names);
            quote!(__e::positions(#columns))
        }
        Side::PrimaryKey(owner) => quote!(__e::primary_key::<#owner>()),
    }
}

fn side_columns(side: &Side) -> TokenStream {
    match side {
        Side::Fields(owner, names) => columns(owner, names),
        Side::PrimaryKey(_) => TokenStream::new(),
    }
}

/// `Post::AUTHOR_ID`, or a tuple of such.
fn columns(owner: &Type, names: &[Ident]) -> TokenStream {
    let owner = qualified(owner);
    let constants = names
        .iter()
        .map(crate::model::constant)
        .map(|constant| quote!(#owner::#constant));
    match names.len() {
        1 => quote!(#(#constants)*),
        _ => quote!((#(#constants),*)),
    }
}

fn qualified(owner: &Type) -> TokenStream {
    match owner {
        Type::Path(path)
            if path.qself.is_none()
                && path
                    .path
                    .segments
                    .iter()
                    .all(|segment| matches!(segment.arguments, PathArguments::None)) =>
        {
            quote!(#owner)
        }
        _ => quote!(<#owner>),
    }
}

fn path(model: &Entity, relation: &Relation) -> String {
    format!("{}::{}", model.ident, relation.constant)
}

fn key_span(relation: &Relation) -> Span {
    let parsed = &relation.parsed;
    [&parsed.foreign_key, &parsed.to_key, &parsed.from_key]
        .into_iter()
        .flatten()
        .find_map(|names| names.first())
        .map_or(relation.name.span(), Ident::span)
}

/// The visibility that means the same one module further in.
fn one_module_down(vis: &Visibility) -> TokenStream {
    match vis {
        Visibility::Public(_) => quote!(pub),
        Visibility::Inherited => quote!(pub(super)),
        Visibility::Restricted(restricted) => {
            let path = &restricted.path;
            let first = path
                .segments
                .first()
                .map(|segment| segment.ident.to_string());
            match first.as_deref() {
                Some("self") => quote!(pub(super)),
                Some("super") => quote!(pub(in super::#path)),
                _ => quote!(#vis),
            }
        }
    }
}
