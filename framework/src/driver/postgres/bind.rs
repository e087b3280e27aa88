//! Bind arguments in PostgreSQL's binary form, by sqlx's encoders.
//!
//! NULL keeps its type. An enum goes as text: a native enum column needs a cast in the statement.
use rust_decimal::Decimal;
use sea_query::ArrayType;
use sqlx::{
    Arguments as _, Encode, Postgres, Type,
    postgres::{PgArguments, PgHasArrayType},
    types::Json,
};

use super::not_encoded;
use crate::{
    driver::argument::Argument,
    error::{Error, ErrorKind, Result},
    schema::Value,
};

/// All arguments of a statement.
pub(super) fn arguments(values: &[Value]) -> Result<PgArguments> {
    let mut out = PgArguments::default();
    out.reserve(values.len(), values.len() * 16);
    for value in values {
        push(&mut out, Argument::of(value)?)?;
    }
    Ok(out)
}

fn push(out: &mut PgArguments, argument: Argument<'_>) -> Result<()> {
    match argument {
        Argument::Bool(value) => out.add(value),
        Argument::Int16(value) => out.add(value),
        Argument::Int32(value) => out.add(value),
        Argument::Int64(value) => out.add(value),
        Argument::UInt64(value) => out.add(value.map(signed).transpose()?),
        Argument::Float32(value) => out.add(value),
        Argument::Float64(value) => out.add(value),
        Argument::Text(value) => out.add(value.as_deref()),
        Argument::Bytes(value) => out.add(value),
        Argument::Json(value) => out.add(value.map(Json)),
        Argument::Date(value) => out.add(value),
        Argument::Time(value) => out.add(value),
        Argument::DateTime(value) => out.add(value),
        Argument::Timestamp(value) => out.add(value),
        Argument::Uuid(value) => out.add(value),
        Argument::Decimal(value) => out.add(value),
        Argument::Array(element, values) => return array(out, element, values),
    }
    .map_err(not_encoded)
}

fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| {
        Error::new(
            ErrorKind::Encode,
            format!("{value} is too large for a bigint"),
        )
    })
}

fn array(out: &mut PgArguments, element: &ArrayType, values: Option<&[Value]>) -> Result<()> {
    match element {
        ArrayType::Bool => add(out, values, |argument| match argument {
            Argument::Bool(value) => Some(value),
            _ => None,
        }),
        ArrayType::TinyInt | ArrayType::SmallInt | ArrayType::TinyUnsigned => {
            add(out, values, |argument| match argument {
                Argument::Int16(value) => Some(value),
                _ => None,
            })
        }
        ArrayType::Int | ArrayType::SmallUnsigned => add(out, values, |argument| match argument {
            Argument::Int32(value) => Some(value),
            _ => None,
        }),
        ArrayType::BigInt | ArrayType::Unsigned => add(out, values, |argument| match argument {
            Argument::Int64(value) => Some(value),
            _ => None,
        }),
        ArrayType::BigUnsigned => add(out, values, |argument| match argument {
            Argument::UInt64(value) => Some(value.map(Decimal::from)),
            _ => None,
        }),
        ArrayType::Float => add(out, values, |argument| match argument {
            Argument::Float32(value) => Some(value),
            _ => None,
        }),
        ArrayType::Double => add(out, values, |argument| match argument {
            Argument::Float64(value) => Some(value),
            _ => None,
        }),
        ArrayType::String | ArrayType::Char | ArrayType::Enum(_) => {
            add(out, values, |argument| match argument {
                Argument::Text(value) => Some(value),
                _ => None,
            })
        }
        ArrayType::Bytes => add(out, values, |argument| match argument {
            Argument::Bytes(value) => Some(value),
            _ => None,
        }),
        ArrayType::Json => add(out, values, |argument| match argument {
            Argument::Json(value) => Some(value.map(Json)),
            _ => None,
        }),
        ArrayType::ChronoDate | ArrayType::TimeDate => {
            add(out, values, |argument| match argument {
                Argument::Date(value) => Some(value),
                _ => None,
            })
        }
        ArrayType::ChronoTime | ArrayType::TimeTime => {
            add(out, values, |argument| match argument {
                Argument::Time(value) => Some(value),
                _ => None,
            })
        }
        ArrayType::ChronoDateTime | ArrayType::TimeDateTime => {
            add(out, values, |argument| match argument {
                Argument::DateTime(value) => Some(value),
                _ => None,
            })
        }
        ArrayType::ChronoDateTimeUtc
        | ArrayType::ChronoDateTimeLocal
        | ArrayType::ChronoDateTimeWithTimeZone
        | ArrayType::TimeDateTimeWithTimeZone => add(out, values, |argument| match argument {
            Argument::Timestamp(value) => Some(value),
            _ => None,
        }),
        ArrayType::Uuid => add(out, values, |argument| match argument {
            Argument::Uuid(value) => Some(value),
            _ => None,
        }),
        ArrayType::Decimal => add(out, values, |argument| match argument {
            Argument::Decimal(value) => Some(value),
            _ => None,
        }),
        #[allow(
            unreachable_patterns,
            reason = "another crate of the build may switch on more of sea-query's variants"
        )]
        other => Err(Error::new(
            ErrorKind::Encode,
            format!("an array of {other:?} cannot be a bind argument"),
        )),
    }
}

/// Adds an array whose elements are all what `pick` picks.
fn add<'v, T>(
    out: &mut PgArguments,
    values: Option<&'v [Value]>,
    pick: impl Fn(Argument<'v>) -> Option<Option<T>>,
) -> Result<()>
where
    T: for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType,
{
    let elements = match values {
        None => None,
        Some(values) => {
            let mut elements: Vec<Option<T>> = Vec::with_capacity(values.len());
            for value in values {
                let element = pick(Argument::of(value)?);
                elements.push(element.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Encode,
                        "an array's elements are not all of its declared type",
                    )
                })?);
            }
            Some(elements)
        }
    };
    out.add(elements).map_err(not_encoded)
}
