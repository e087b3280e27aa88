//! What the derives write, as snapshots with the input beside it, and what they say about wrong input.
mod embedded;
mod entity;
mod errors;
mod relations;
mod shapes;
mod values;
mod views;

use proc_macro2::TokenStream;

/// The input and what a derive makes of it, both laid out for reading.
fn shown(input: &TokenStream, expand: fn(TokenStream) -> TokenStream) -> String {
    let pretty = |tokens: TokenStream| {
        let file = syn::parse2(tokens).expect("the code is well-formed");
        prettyplease::unparse(&file)
    };
    format!(
        "{}\n// ---- becomes ----\n\n{}",
        pretty(input.clone()),
        pretty(expand(input.clone()))
    )
}

/// The messages of a derive that refuses its input, one a line.
fn messages(input: TokenStream, expand: fn(TokenStream) -> TokenStream) -> String {
    let file: syn::File = syn::parse2(expand(input)).expect("the code is well-formed");
    file.items
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
                Some(item.mac.parse_body::<syn::LitStr>().ok()?.value())
            }
            _ => None,
        })
        .collect::<Vec<_>>()
        .join("\n")
}
