//! What a type's text tells about it. Only what is certain is decided here; the rest is left to the compiler.
use proc_macro2::Ident;
use syn::{GenericArgument, PathArguments, Type};

/// What kind of column a type makes, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An integer that fits a column.
    Integer,
    /// An integer that no column of all three databases holds.
    WideInteger,
    /// A UUID.
    Uuid,
    /// Text.
    Text,
    /// Date and time, with or without zone.
    Time,
    /// Another of the built-in types.
    Other,
    /// A type of the user's.
    Unknown,
}

/// The kind of a type without its `Option`.
pub(crate) fn kind(ty: &Type) -> Kind {
    match last_word(ty).map(Ident::to_string).as_deref() {
        Some("i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32") => Kind::Integer,
        Some("u64" | "usize" | "isize" | "u128" | "i128") => Kind::WideInteger,
        Some("Uuid") => Kind::Uuid,
        Some("String") => Kind::Text,
        Some("DateTime" | "NaiveDateTime" | "OffsetDateTime" | "PrimitiveDateTime") => Kind::Time,
        Some(
            "bool" | "f32" | "f64" | "Vec" | "Decimal" | "NaiveDate" | "NaiveTime" | "Json"
            | "Option",
        ) => Kind::Other,
        _ => Kind::Unknown,
    }
}

/// `T` of `Option<T>`.
pub(crate) fn option_inner(ty: &Type) -> Option<&Type> {
    argument(ty, &["Option"])
}

fn argument<'a>(ty: &'a Type, containers: &[&str]) -> Option<&'a Type> {
    let path = match ty {
        Type::Path(path) => path,
        // What a macro was given as `$ty:ty`.
        Type::Group(group) => return argument(&group.elem, containers),
        Type::Paren(paren) => return argument(&paren.elem, containers),
        _ => return None,
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner))
            if containers.iter().any(|container| last.ident == container) =>
        {
            Some(inner)
        }
        _ => None,
    }
}

/// `T` of `Vec<T>` and `Option<T>`; every other type itself.
pub(crate) fn contained(ty: &Type) -> &Type {
    argument(ty, &["Vec", "Option"]).unwrap_or(ty)
}

/// The last word of a type's path: `Post` of `crate::blog::Post`.
pub(crate) fn last_word(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => last_word(&group.elem),
        _ => None,
    }
}
