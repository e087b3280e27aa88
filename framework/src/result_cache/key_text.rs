//! Keys of rows as text, as other processes and servers see them.
//!
//! One letter says what follows; the length stands before what may hold anything, so that two keys never have one text.
use crate::schema::KeyPart;

/// The key as text, one line of printable characters unless it holds text itself.
pub(super) fn write(key: &KeyPart) -> String {
    let mut out = String::new();
    put(key, &mut out);
    out
}

/// The key that [`write`] has written.
pub(super) fn read(text: &str) -> Option<KeyPart> {
    let (key, rest) = take(text)?;
    rest.is_empty().then_some(key)
}

fn put(key: &KeyPart, out: &mut String) {
    use std::fmt::Write as _;
    let written = match key {
        KeyPart::Int(value) => write!(out, "i{value};"),
        KeyPart::Uuid(value) => write!(out, "u{value:x};"),
        KeyPart::Text(text) => write!(out, "t{};{text}", text.len()),
        KeyPart::Bytes(bytes) => {
            out.push('b');
            bytes
                .iter()
                .try_for_each(|byte| write!(out, "{byte:02x}"))
                .map(|()| out.push(';'))
        }
        KeyPart::Composite(parts) => {
            let begun = write!(out, "c{};", parts.len());
            parts.iter().for_each(|part| put(part, out));
            begun
        }
    };
    written.expect("a string takes everything");
}

fn take(text: &str) -> Option<(KeyPart, &str)> {
    let kind = text.chars().next()?;
    let (head, rest) = text.get(kind.len_utf8()..)?.split_once(';')?;
    Some(match kind {
        'i' => (KeyPart::Int(head.parse().ok()?), rest),
        'u' => (KeyPart::Uuid(u128::from_str_radix(head, 16).ok()?), rest),
        't' => {
            let (text, rest) = rest.split_at_checked(head.parse().ok()?)?;
            (KeyPart::Text(text.into()), rest)
        }
        'b' => (KeyPart::Bytes(bytes(head)?), rest),
        'c' => {
            let mut parts = Vec::new();
            let mut rest = rest;
            for _ in 0..head.parse::<u8>().ok()? {
                let (part, after) = take(rest)?;
                parts.push(part);
                rest = after;
            }
            (KeyPart::Composite(parts.into()), rest)
        }
        _ => return None,
    })
}

fn bytes(hex: &str) -> Option<Box<[u8]>> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = KeyPart> {
        prop_oneof![
            any::<i64>().prop_map(KeyPart::Int),
            any::<u128>().prop_map(KeyPart::Uuid),
            ".{0,8}".prop_map(|text| KeyPart::Text(text.into())),
            "[;ctiub0-9]{0,8}".prop_map(|text| KeyPart::Text(text.into())),
            prop::collection::vec(any::<u8>(), 0..6).prop_map(|b| KeyPart::Bytes(b.into())),
        ]
    }

    fn key() -> impl Strategy<Value = KeyPart> {
        let composite = prop::collection::vec(part(), 2..5);
        prop_oneof![
            part(),
            composite.prop_map(|parts| KeyPart::Composite(parts.into())),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(key in key()) {
            prop_assert_eq!(read(&write(&key)), Some(key));
        }

        #[test]
        fn two_keys_have_two_texts(one in key(), other in key()) {
            prop_assert_eq!(one == other, write(&one) == write(&other));
        }

        #[test]
        fn what_is_no_key_is_refused(text in ".{0,16}") {
            if let Some(key) = read(&text) {
                prop_assert_eq!(read(&write(&key)), Some(key));
            }
        }
    }
}
