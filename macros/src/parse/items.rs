//! The common form of all attributes: a list of `name`, `name = expression` and `name(..)`, read against a grammar.
//!
//! A mistake in one item does not hide the others: the reader reports it and goes on after the next comma.
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Expr, Ident, Lit, LitInt, LitStr, Token, Type,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
    token,
};

use super::grammar::Grammar;
use crate::diagnostics::{Diagnostics, did_you_mean, listed};

/// One item of an attribute.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What follows an item's name.
#[derive(Debug)]
pub(crate) enum Value {
    Nothing,
    Expression(Expr),
    List(TokenStream),
}

/// The items of one place, each taken out by the name it is known by.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    items: Vec<Item>,
    grammar: &'static Grammar,
    errors: &'a Diagnostics,
}

impl<'a> Items<'a> {
    /// The items of all `#[attribute(..)]` in `attributes`.
    pub(crate) fn of(
        attributes: &[Attribute],
        attribute: &str,
        grammar: &'static Grammar,
        errors: &'a Diagnostics,
    ) -> Self {
        let mut items = Vec::new();
        for found in attributes
            .iter()
            .filter(|found| found.path().is_ident(attribute))
        {
            match found.meta.require_list() {
                Ok(list) => items.extend(read(list.tokens.clone(), errors)),
                Err(_) => errors.error_at(
                    found,
                    format_args!(
                        "`#[{attribute}]` takes a list, such as `#[{attribute}({})]`",
                        grammar.forms[0].1
                    ),
                ),
            }
        }
        Self::checked(items, grammar, errors)
    }

    /// The items still to be read from `input`.
    pub(crate) fn rest(
        input: ParseStream<'_>,
        grammar: &'static Grammar,
        errors: &'a Diagnostics,
    ) -> Self {
        Self::checked(read_from(input, errors), grammar, errors)
    }

    fn checked(items: Vec<Item>, grammar: &'static Grammar, errors: &'a Diagnostics) -> Self {
        let mut kept: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            let name = item.name.to_string();
            let known = grammar.forms.iter().any(|(known, _)| *known == name);
            let repeated = kept.iter().any(|earlier| earlier.name == item.name);
            if !known {
                errors.error(item.name.span(), unknown(&name, grammar));
            } else if repeated && !grammar.repeatable.contains(&name.as_str()) {
                errors.error(
                    item.name.span(),
                    format_args!("`{name}` is given twice; keep one of them"),
                );
            } else {
                kept.push(item);
            }
        }
        Self {
            items: kept,
            grammar,
            errors,
        }
    }

    fn take(&mut self, name: &str) -> Option<Item> {
        let at = self.items.iter().position(|item| item.name == name)?;
        Some(self.items.remove(at))
    }

    /// `name`.
    pub(crate) fn flag(&mut self, name: &str) -> Option<Span> {
        let item = self.take(name)?;
        let span = item.name.span();
        match item.value {
            Value::Nothing => {}
            value => self.errors.error_at(
                value,
                format_args!("`{name}` takes no value: write `{}`", self.form(name)),
            ),
        }
        Some(span)
    }

    /// `name = "text"`.
    pub(crate) fn text(&mut self, name: &str) -> Option<LitStr> {
        match self.literal(name)? {
            (_, Some(Lit::Str(text))) if !text.value().is_empty() => Some(text),
            (span, Some(Lit::Str(_))) => {
                self.wrong(span, name, "a text that is not empty");
                None
            }
            (span, _) => {
                self.wrong(span, name, "a text in quotes");
                None
            }
        }
    }

    /// `name = 50`, up to `most`.
    pub(crate) fn number(&mut self, name: &str, most: u64) -> Option<LitInt> {
        let fits = |number: &LitInt| {
            number
                .base10_parse()
                .is_ok_and(|number: u64| number <= most)
        };
        match self.literal(name)? {
            (_, Some(Lit::Int(number))) if fits(&number) => Some(number),
            (span, _) => {
                self.wrong(span, name, "a whole number");
                None
            }
        }
    }

    /// `name = expression`.
    pub(crate) fn expression(&mut self, name: &str) -> Option<Expr> {
        let item = self.take(name)?;
        match item.value {
            Value::Expression(expression) => Some(expression),
            _ => {
                self.wrong(item.name.span(), name, "an expression");
                None
            }
        }
    }

    /// Whatever follows the name, with the place of the name.
    pub(crate) fn value(&mut self, name: &str) -> Option<(Span, Value)> {
        let item = self.take(name)?;
        Some((item.name.span(), item.value))
    }

    /// `name = Type`.
    pub(crate) fn named_type(&mut self, name: &str) -> Option<Type> {
        let expression = self.expression(name)?;
        match syn::parse2(expression.to_token_stream()) {
            Ok(named) => Some(named),
            Err(_) => {
                self.wrong_at(&expression, name, "a type");
                None
            }
        }
    }

    /// `name = Type`, with the place of the name.
    pub(crate) fn placed_type(&mut self, name: &str) -> Option<(Span, Type)> {
        let span = self.place_of(name)?;
        Some((span, self.named_type(name)?))
    }

    /// `name = word`.
    pub(crate) fn word(&mut self, name: &str) -> Option<Ident> {
        let expression = self.expression(name)?;
        let word = ident_of(&expression);
        if word.is_none() {
            self.wrong_at(&expression, name, "one word");
        }
        word
    }

    /// `name = word`, with the place of the name.
    pub(crate) fn placed_word(&mut self, name: &str) -> Option<(Span, Ident)> {
        let span = self.place_of(name)?;
        Some((span, self.word(name)?))
    }

    fn place_of(&self, name: &str) -> Option<Span> {
        let item = self.items.iter().find(|item| item.name == name)?;
        Some(item.name.span())
    }

    /// `name = word`, or `name` alone for `default`; with the place of the name.
    pub(crate) fn word_or(&mut self, name: &str, default: &Ident) -> Option<(Span, Ident)> {
        let item = self.items.iter().find(|item| item.name == name)?;
        match item.value {
            Value::Nothing => Some((self.flag(name)?, default.clone())),
            _ => self.placed_word(name),
        }
    }

    /// `name = field` or `name = (field, field)`.
    pub(crate) fn fields(&mut self, name: &str) -> Option<Vec<Ident>> {
        let expression = self.expression(name)?;
        let fields = fields_of(&expression);
        if fields.is_none() {
            self.wrong_at(
                &expression,
                name,
                "a field's name, or several in parentheses",
            );
        }
        fields
    }

    /// The fields of a flag that may also be a list: every `name(field, field)` and `name = (field, field)`.
    pub(crate) fn field_lists(&mut self, name: &str) -> Vec<Vec<Ident>> {
        let mut lists = Vec::new();
        while let Some(item) = self.take(name) {
            let list = match &item.value {
                Value::List(tokens) => idents.parse2(tokens.clone()).ok(),
                Value::Expression(expression) => fields_of(expression),
                Value::Nothing => None,
            };
            match list {
                Some(list) if !list.is_empty() => lists.push(list),
                _ => self.wrong(item.name.span(), name, "a list of fields"),
            }
        }
        lists
    }

    /// The contents of every `name(..)`, with the name.
    pub(crate) fn lists(&mut self, name: &str) -> Vec<(Ident, TokenStream)> {
        let mut lists = Vec::new();
        while let Some(item) = self.take(name) {
            match item.value {
                Value::List(tokens) => lists.push((item.name, tokens)),
                _ => self.wrong(item.name.span(), name, "its parts in parentheses"),
            }
        }
        lists
    }

    fn literal(&mut self, name: &str) -> Option<(Span, Option<Lit>)> {
        let item = self.take(name)?;
        let span = match &item.value {
            Value::Nothing => item.name.span(),
            value => first_span(value),
        };
        let mut value = item.value;
        // What a macro was given as `$x:literal`.
        while let Value::Expression(Expr::Group(group)) = value {
            value = Value::Expression(*group.expr);
        }
        Some(match value {
            Value::Expression(Expr::Lit(literal)) => (span, Some(literal.lit)),
            _ => (span, None),
        })
    }

    fn form(&self, name: &str) -> &'static str {
        self.grammar.form(name)
    }

    fn wrong(&self, span: Span, name: &str, wanted: &str) {
        let form = self.form(name);
        self.errors.error(
            span,
            format_args!("`{name}` takes {wanted}: write `{form}`"),
        );
    }

    fn wrong_at(&self, tokens: impl ToTokens, name: &str, wanted: &str) {
        let form = self.form(name);
        self.errors.error_at(
            tokens,
            format_args!("`{name}` takes {wanted}: write `{form}`"),
        );
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Value::Nothing => {}
            Value::Expression(expression) => expression.to_tokens(tokens),
            Value::List(list) => list.to_tokens(tokens),
        }
    }
}

/// `field` or `(field, field)`.
fn fields_of(expression: &Expr) -> Option<Vec<Ident>> {
    match expression {
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().map(ident_of).collect(),
        Expr::Paren(inner) => ident_of(&inner.expr).map(|field| vec![field]),
        single => ident_of(single).map(|field| vec![field]),
    }
}

fn unknown(name: &str, grammar: &Grammar) -> String {
    if let Some((_, place)) = grammar.elsewhere.iter().find(|(known, _)| *known == name) {
        return format!("`{name}` {place}");
    }
    let known = || grammar.forms.iter().map(|(known, _)| *known);
    match did_you_mean(name, known()) {
        nothing if nothing.is_empty() => format!(
            "unknown attribute `{name}`; {} takes {}",
            grammar.place,
            listed(known())
        ),
        suggestion => format!("unknown attribute `{name}`{suggestion}"),
    }
}

fn first_span(tokens: &impl ToTokens) -> Span {
    syn::Error::new_spanned(tokens, "").span()
}

fn ident_of(expression: &Expr) -> Option<Ident> {
    match expression {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    }
}

fn idents(input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let list = input.parse_terminated(Ident::parse_any, Token![,])?;
    Ok(list.into_iter().collect())
}

fn read(tokens: TokenStream, errors: &Diagnostics) -> Vec<Item> {
    let reader = |input: ParseStream<'_>| Ok(read_from(input, errors));
    reader.parse2(tokens).unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    })
}

fn read_from(input: ParseStream<'_>, errors: &Diagnostics) -> Vec<Item> {
    let mut items = Vec::new();
    while !input.is_empty() {
        match item(input) {
            Ok(item) => items.push(item),
            Err(error) => {
                errors.push(error);
                skip_item(input);
            }
        }
        if !input.is_empty()
            && let Err(error) = input.parse::<Token![,]>()
        {
            errors.push(error);
            skip_item(input);
            // The comma itself, or nothing at the end.
            let _ = input.parse::<Token![,]>();
        }
    }
    items
}

fn item(input: ParseStream<'_>) -> syn::Result<Item> {
    if input.peek(syn::Lit) {
        return Err(input.error("expected the name of an attribute"));
    }
    let name = input.call(Ident::parse_any)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        Value::Expression(input.parse()?)
    } else if input.peek(token::Paren) {
        let list;
        parenthesized!(list in input);
        Value::List(list.parse()?)
    } else {
        Value::Nothing
    };
    Ok(Item { name, value })
}

fn skip_item(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        // Any token tree parses; the loop ends at a comma or at the end.
        let _ = input.parse::<TokenTree>();
    }
}
