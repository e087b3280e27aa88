//! How an entity's rows are cached.
use proc_macro2::Span;
use syn::{LitInt, LitStr};

use crate::{diagnostics::Diagnostics, parse};

/// How many rows are kept unless the entity says otherwise.
const CAPACITY: u64 = 10_000;

/// What `cache(..)` means.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) span: Span,
    /// The longest a row is kept, in milliseconds; `None` if it was not given, or is wrong and was reported.
    pub(crate) ttl: Option<u64>,
    /// Whether a time to live was given at all.
    pub(crate) has_ttl: bool,
    /// The longest a row is kept unread, in milliseconds.
    pub(crate) tti: Option<u64>,
    pub(crate) tti_span: Option<Span>,
    pub(crate) capacity: Capacity,
    /// Where both capacities are given, the second one.
    pub(crate) twice: Option<Span>,
    pub(crate) write: Write,
    pub(crate) negative: bool,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Capacity {
    Rows(u64),
    Bytes(u64),
}

/// What a write does to the row that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Through,
    Invalidate,
}

/// Resolves `cache(..)`.
pub(super) fn cache(parsed: &parse::Cache, errors: &Diagnostics) -> Cache {
    let number = |literal: &LitInt| literal.base10_parse().unwrap_or(CAPACITY);
    let (rows, bytes) = (parsed.capacity.as_ref(), parsed.max_bytes.as_ref());
    Cache {
        span: parsed.span,
        ttl: parsed.ttl.as_ref().and_then(|text| time(text, errors)),
        has_ttl: parsed.ttl.is_some(),
        tti: parsed.tti.as_ref().and_then(|text| time(text, errors)),
        tti_span: parsed.tti.as_ref().map(LitStr::span),
        capacity: match (rows, bytes) {
            (None, Some(bytes)) => Capacity::Bytes(number(bytes)),
            (rows, _) => Capacity::Rows(rows.map_or(CAPACITY, number)),
        },
        twice: rows.and(bytes).map(LitInt::span),
        write: parsed
            .write
            .as_ref()
            .map_or(Write::Through, |text| write(text, errors)),
        negative: !parsed.no_negative,
    }
}

/// `500ms`, `60s`, `5m`, `2h`, `1d` in milliseconds.
fn time(text: &LitStr, errors: &Diagnostics) -> Option<u64> {
    let value = text.value();
    let digits = value.find(|sign: char| !sign.is_ascii_digit());
    let (number, unit) = value.split_at(digits.unwrap_or(value.len()));
    let unit = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let number = number.parse::<u64>().ok().filter(|number| *number > 0);
    let millis = number
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit));
    if millis.is_none() {
        errors.error(
            text.span(),
            format_args!("`{value}` is not a length of time: write a number and `ms`, `s`, `m`, `h` or `d`, such as `\"60s\"`"),
        );
    }
    millis
}

fn write(text: &LitStr, errors: &Diagnostics) -> Write {
    match text.value().as_str() {
        "through" => Write::Through,
        "invalidate" => Write::Invalidate,
        "behind" => {
            errors.error(
                text.span(),
                "`write = \"behind\"` is not available in this version; write `\"through\"`: the row is kept once it is committed",
            );
            Write::Through
        }
        other => {
            errors.error(
                text.span(),
                format_args!("`{other}` is not a way to write; write `\"through\"` (the row written is kept) or `\"invalidate\"` (it is read again)"),
            );
            Write::Through
        }
    }
}
