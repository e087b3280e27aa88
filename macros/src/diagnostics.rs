//! The errors of one derive: collected, not thrown, so that the user sees all of them at once.
use std::{cell::RefCell, fmt::Display};

use proc_macro2::Span;

/// Collects errors; must be asked for them by [`Diagnostics::finish`].
#[derive(Debug)]
pub(crate) struct Diagnostics {
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self {
            errors: RefCell::new(Some(Vec::new())),
        }
    }
}

impl Diagnostics {
    /// Adds an error at the token that the user has to change.
    pub(crate) fn error(&self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds an error at all of `tokens`.
    pub(crate) fn error_at(&self, tokens: impl quote::ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error that a parser made.
    pub(crate) fn push(&self, error: syn::Error) {
        self.errors
            .borrow_mut()
            .as_mut()
            .expect("errors are added before `finish`, which takes `self`")
            .push(error);
    }

    /// All errors in one, if there are any.
    pub(crate) fn finish(self) -> syn::Result<()> {
        let errors = self.errors.take().unwrap_or_default();
        match errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        }) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        assert!(
            self.errors.get_mut().is_none() || std::thread::panicking(),
            "the errors of a derive were never reported"
        );
    }
}

/// `; did you mean `x`?` for the one of `known` that `wrong` is a slip of, or nothing.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(wrong, known) {
        Some(right) => format!("; did you mean `{right}`?"),
        None => String::new(),
    }
}

fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    let slips = (length / 3).max(1);
    known
        .into_iter()
        .map(|right| (strsim::damerau_levenshtein(wrong, right), right))
        .filter(|(distance, right)| *distance <= slips || (length >= 3 && right.starts_with(wrong)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, right)| right)
}

/// "`a`, `b` and `c`".
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.pop() {
        None => "none".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}
