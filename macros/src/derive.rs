//! The derives as a whole: each runs the four stages, and turns the errors of all of them into one answer.
use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::{diagnostics::Diagnostics, expand, model, parse, validate};

pub(crate) fn entity(input: TokenStream) -> TokenStream {
    rows(input, parse::entity)
}

pub(crate) fn view(input: TokenStream) -> TokenStream {
    rows(input, parse::view)
}

/// Entities and views: they differ in what may be written, and in what they may do.
fn rows(
    input: TokenStream,
    parse: fn(&DeriveInput, &Diagnostics) -> Option<parse::Entity>,
) -> TokenStream {
    run(input, |input, errors| {
        let Some(parsed) = parse(input, errors) else {
            return Expansion::without_model(expand::fallback::foreign_entity(input));
        };
        let model = model::entity(parsed, errors);
        validate::entity(&model, errors);
        Expansion {
            sound: expand::entity(&model),
            fallback: expand::fallback::entity(model),
        }
    })
}

pub(crate) fn embedded(input: TokenStream) -> TokenStream {
    run(input, |input, errors| {
        let Some(parsed) = parse::embedded(input, errors) else {
            return Expansion::without_model(TokenStream::new());
        };
        let model = model::embedded(parsed, errors);
        validate::embedded(&model, errors);
        Expansion {
            sound: expand::embedded(&model),
            fallback: expand::fallback::embedded(&model),
        }
    })
}

pub(crate) fn db_enum(input: TokenStream) -> TokenStream {
    run(input, |input, errors| {
        let Some(parsed) = parse::db_enum(input, errors) else {
            return Expansion::without_model(expand::fallback::column_value(input));
        };
        let model = model::db_enum(parsed, errors);
        validate::db_enum(&model, errors);
        Expansion {
            sound: expand::db_enum(&model),
            fallback: expand::fallback::column_value(input),
        }
    })
}

pub(crate) fn db_newtype(input: TokenStream) -> TokenStream {
    run(input, |input, errors| {
        let Some(parsed) = parse::db_newtype(input, errors) else {
            return Expansion::without_model(expand::fallback::column_value(input));
        };
        let model = model::db_newtype(parsed);
        validate::db_newtype(&model, errors);
        Expansion {
            sound: expand::db_newtype(&model),
            fallback: expand::fallback::column_value(input),
        }
    })
}

pub(crate) fn shape(input: TokenStream) -> TokenStream {
    run(input, |input, errors| {
        let Some(parsed) = parse::shape(input, errors) else {
            return Expansion::without_model(TokenStream::new());
        };
        let model = model::shape(parsed);
        validate::shape(&model, errors);
        Expansion {
            sound: expand::shape(&model),
            fallback: expand::fallback::shape(&model),
        }
    })
}

/// What a derive writes without errors, and beside its errors.
struct Expansion {
    sound: TokenStream,
    fallback: TokenStream,
}

impl Expansion {
    /// Nothing is sound where there is no model; the errors say why.
    fn without_model(fallback: TokenStream) -> Self {
        Self {
            sound: TokenStream::new(),
            fallback,
        }
    }
}

fn run(
    input: TokenStream,
    stages: impl FnOnce(&DeriveInput, &Diagnostics) -> Expansion,
) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Diagnostics::default();
    let expansion = stages(&input, &errors);
    match errors.finish() {
        Ok(()) => expansion.sound,
        Err(error) => {
            let mut tokens = error.into_compile_error();
            tokens.extend(expansion.fallback);
            tokens
        }
    }
}
