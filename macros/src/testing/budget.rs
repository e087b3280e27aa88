//! `#[query_budget(3)]`: a function that may send so many statements.
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Expr, ItemFn, parse2};

pub(crate) fn budget(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let budget = match parse2::<Expr>(arguments.clone()) {
        Ok(budget) if !matches!(budget, Expr::Assign(_)) => budget,
        _ => {
            let message = "write the number of statements: `#[query_budget(3)]`";
            return refuse(&arguments, item, message);
        }
    };
    let Ok(mut function) = parse2::<ItemFn>(item.clone()) else {
        return refuse(&arguments, item, "`#[query_budget]` goes on a function");
    };
    let block = &function.block;
    let returns = match &function.sig.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, of) => quote!(#of),
    };
    let run = if function.sig.asyncness.is_some() {
        quote! {
            let __value: #returns = __scope.run(async move #block).await;
        }
    } else {
        // Another attribute has made it a blocking function already: `#[tokio::test]` above this one.
        quote! {
            let __value: #returns = __scope.run_blocking(move || #block);
        }
    };
    function.block = Box::new(syn::parse_quote! {{
        #[allow(unused_imports, reason = "only one of the two answers for a value")]
        use ::entourage::testing::NoError as _;
        let __scope = ::entourage::observe::Scope::new();
        #run
        ::entourage::testing::Check::budget(#budget)
            .check(&__scope, ::entourage::testing::Probe(&__value).error());
        __value
    }});
    function.into_token_stream()
}

/// The error, and the function as it was, so that nothing else seems to be missing.
fn refuse(arguments: &TokenStream, item: TokenStream, message: &str) -> TokenStream {
    let error = match arguments.is_empty() {
        true => Error::new(proc_macro2::Span::call_site(), message),
        false => Error::new_spanned(arguments, message),
    };
    let error = error.into_compile_error();
    quote!(#error #item)
}
