//! `Graph![User: POSTS[COMMENTS, AUTHOR], PROFILE]`: the type of a graph, by the names of its relations.
//!
//! A const's type has no name in a type's place, so relations are found through their entity: the derive says which
//! relation each name stands for, and the name is a number on the level of types, because text cannot be.
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Error, Result, Token, Type, bracketed,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token::Bracket,
};

/// The number of a relation's name: FNV-1a, 64 bits wide.
pub(crate) fn number(name: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

pub(crate) fn graph(input: TokenStream) -> TokenStream {
    match syn::parse2::<Graph>(input) {
        Ok(graph) => graph.entity_with(&graph.relations),
        Err(error) => error.into_compile_error(),
    }
}

struct Graph {
    entity: Type,
    relations: Relations,
}

type Relations = Punctuated<Loaded, Token![,]>;

struct Loaded {
    name: Ident,
    below: Option<Relations>,
}

impl Parse for Graph {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let entity: Type = input.parse()?;
        if input.is_empty() {
            let message = "name the relations: `Graph![User: POSTS, PROFILE]`";
            return Err(Error::new_spanned(entity, message));
        }
        input.parse::<Token![:]>()?;
        Ok(Self {
            entity,
            relations: Punctuated::parse_terminated(input)?,
        })
    }
}

impl Parse for Loaded {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        let below = if input.peek(Bracket) {
            let inner;
            bracketed!(inner in input);
            Some(Punctuated::parse_terminated(&inner)?)
        } else {
            None
        };
        Ok(Self { name, below })
    }
}

impl Graph {
    fn entity_with(&self, relations: &Relations) -> TokenStream {
        let entity = &self.entity;
        with(&quote!(#entity), relations)
    }
}

/// `With<entity, list>`, the relation that was asked for last at the list's head.
fn with(entity: &TokenStream, relations: &Relations) -> TokenStream {
    let list = relations.iter().fold(quote!(()), |tail, loaded| {
        let name = &loaded.name;
        let number = number(&name.to_string());
        let relation = quote_spanned! {name.span()=>
            <#entity as ::entourage::__private::RelationNamed<#number>>::Relation
        };
        let target = quote!(<#relation as ::entourage::__private::Relation>::To);
        let child = match &loaded.below {
            Some(below) => with(&target, below),
            None => target,
        };
        quote! {
            (
                ::entourage::eager::Loaded<
                    #relation,
                    <<#relation as ::entourage::__private::Relation>::Arity
                        as ::entourage::__private::Arity>::Of<#child>,
                >,
                #tail,
            )
        }
    });
    quote!(::entourage::eager::With<#entity, #list>)
}
