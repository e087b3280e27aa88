//! `within!({ crate } { check } { observed } { body })`: the body as a future within a scope, checked when it has ended.
//! With `{ asks }` at the end the check asks the database about the statements, with their arguments, before it judges.
//!
//! The body runs in an `async` block, so that the scope is the task's while it runs. A `?` in it must still leave the
//! user's function: if there is one, its error is returned, unmasked and unchecked.
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::Error;

pub(crate) fn within(input: TokenStream) -> TokenStream {
    let mut groups = input.clone().into_iter().filter_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    let parts = (groups.next(), groups.next(), groups.next(), groups.next());
    let asks = groups.next().is_some();
    let (Some(root), Some(check), Some(observed), Some(body)) = parts else {
        return Error::new_spanned(input, "`within!` is called by the assertions only")
            .into_compile_error();
    };
    let run = if returns_early(body.clone()) {
        quote! {
            match __scope.run(async { ::core::result::Result::Ok({ #body }) }).await {
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(error) => return ::core::result::Result::Err(error),
            }
        }
    } else {
        quote!(__scope.run(async { #body }).await)
    };
    if asks {
        return quote! {{
            #[allow(unused_imports, reason = "only one of the two answers for a value")]
            use #root::testing::NoError as _;
            let __observed = #observed;
            let __check = #check;
            let __scope = #root::observe::Observed::scope(__observed).keeping_arguments();
            let __value = #run;
            let __failure = __check.look(__observed, &__scope).await;
            __check.check(__failure, #root::testing::Probe(&__value).error());
            __value
        }};
    }
    quote! {{
        #[allow(unused_imports, reason = "only one of the two answers for a value")]
        use #root::testing::NoError as _;
        let __scope = #root::observe::Observed::scope(#observed);
        let __value = #run;
        #check.check(&__scope, #root::testing::Probe(&__value).error());
        __value
    }}
}

/// Whether there is a `?` in `body` that leaves it: one outside of closures, `async` blocks and macros of its own cannot
/// be told from one inside without parsing, so any `?` counts that is no part of `?Sized`.
fn returns_early(body: TokenStream) -> bool {
    let mut before = None;
    for token in body {
        match &token {
            TokenTree::Group(group) if !is_async(before.as_ref()) && inside(group) => return true,
            TokenTree::Punct(mark) if mark.as_char() == '?' && before.is_some() => return true,
            _ => {}
        }
        before = Some(token);
    }
    false
}

fn inside(group: &Group) -> bool {
    returns_early(group.stream())
}

/// An `async` block has a result of its own.
fn is_async(before: Option<&TokenTree>) -> bool {
    match before {
        Some(TokenTree::Ident(word)) => word == "async" || word == "move",
        _ => false,
    }
}
