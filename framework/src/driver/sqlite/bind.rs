//! Bind arguments as SQLite keeps them.
//!
//! Booleans are 0 and 1, dates and times ISO 8601 text of fixed width, UUIDs 16 bytes, JSON and arrays JSON text. An
//! exact number goes as the number that a NUMERIC column would make of its text (an integer, or a real if that keeps all
//! digits), so that it also compares as a number where no column's type is at hand; else it goes as text.
use rusqlite::{
    ToSql,
    types::{ToSqlOutput, Value as Owned, ValueRef},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::{
    driver::{argument::Argument, text},
    error::{Error, Result},
    schema::Value,
};

/// Binds all arguments of a statement.
pub(super) fn bind(statement: &mut rusqlite::Statement<'_>, args: &[Value]) -> Result<()> {
    let expected = statement.parameter_count();
    if expected != args.len() {
        return Err(Error::invalid_query(format!(
            "the statement has {expected} placeholders, but {} arguments were given",
            args.len()
        )));
    }
    for (index, value) in args.iter().enumerate() {
        let argument = Encoded(encode(value)?);
        statement
            .raw_bind_parameter(index + 1, argument)
            .map_err(super::errors::database)?;
    }
    Ok(())
}

struct Encoded<'a>(ToSqlOutput<'a>);

impl ToSql for Encoded<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match &self.0 {
            ToSqlOutput::Borrowed(value) => ToSqlOutput::Borrowed(*value),
            ToSqlOutput::Owned(value) => ToSqlOutput::Borrowed(value.into()),
            other => other.clone(),
        })
    }
}

fn encode(value: &Value) -> Result<ToSqlOutput<'_>> {
    // The usual ones without a detour.
    match value {
        Value::BigInt(Some(value)) => return Ok(borrowed(ValueRef::Integer(*value))),
        Value::String(Some(value)) => return Ok(borrowed(ValueRef::Text(value.as_bytes()))),
        _ => {}
    }
    Ok(match Argument::of(value)? {
        Argument::Bool(value) => integer(value),
        Argument::Int16(value) => integer(value),
        Argument::Int32(value) => integer(value),
        Argument::Int64(value) => integer(value),
        Argument::UInt64(Some(value)) => match i64::try_from(value) {
            Ok(value) => integer(Some(value)),
            Err(_) => {
                return Err(Error::new(
                    crate::error::ErrorKind::Encode,
                    format!("{value} is too large for an SQLite integer"),
                ));
            }
        },
        Argument::UInt64(None) => null(),
        // By its shortest text, so that 0.1 stays 0.1.
        Argument::Float32(Some(value)) => {
            let shortest = value.to_string().parse::<f64>();
            borrowed(ValueRef::Real(shortest.unwrap_or_else(|_| value.into())))
        }
        Argument::Float64(Some(value)) => borrowed(ValueRef::Real(value)),
        Argument::Float32(None) | Argument::Float64(None) => null(),
        Argument::Text(Some(value)) => match value {
            std::borrow::Cow::Borrowed(value) => borrowed(ValueRef::Text(value.as_bytes())),
            std::borrow::Cow::Owned(value) => owned(Some(value)),
        },
        Argument::Text(None) => null(),
        Argument::Bytes(Some(value)) => borrowed(ValueRef::Blob(value)),
        Argument::Bytes(None) => null(),
        Argument::Json(value) => owned(value.map(serde_json::Value::to_string)),
        Argument::Date(value) => owned(value.map(text::date)),
        Argument::Time(value) => owned(value.map(text::time)),
        Argument::DateTime(value) => owned(value.map(text::date_time)),
        Argument::Timestamp(value) => owned(value.map(text::timestamp)),
        Argument::Uuid(value) => value.map_or_else(null, |value| {
            ToSqlOutput::Owned(Owned::Blob(value.as_bytes().to_vec()))
        }),
        Argument::Decimal(value) => value.map_or_else(null, decimal),
        Argument::Array(_, values) => owned(values.map(text::json_array).transpose()?),
    })
}

fn borrowed(value: ValueRef<'_>) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(value)
}

fn null() -> ToSqlOutput<'static> {
    ToSqlOutput::Borrowed(ValueRef::Null)
}

fn integer(value: Option<impl Into<i64>>) -> ToSqlOutput<'static> {
    value.map_or_else(null, |value| borrowed(ValueRef::Integer(value.into())))
}

fn owned(value: Option<String>) -> ToSqlOutput<'static> {
    value.map_or_else(null, |value| ToSqlOutput::Owned(Owned::Text(value)))
}

fn decimal(value: Decimal) -> ToSqlOutput<'static> {
    let normal = value.normalize();
    if normal.scale() == 0
        && let Some(integer) = normal.to_i64()
    {
        return borrowed(ValueRef::Integer(integer));
    }
    let fits = normal.mantissa().unsigned_abs() < 1_000_000_000_000_000;
    match normal.to_string().parse::<f64>() {
        Ok(real) if fits => borrowed(ValueRef::Real(real)),
        _ => ToSqlOutput::Owned(Owned::Text(value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(value: Value) -> Owned {
        match encode(&value).unwrap() {
            ToSqlOutput::Borrowed(value) => value.try_into().unwrap(),
            ToSqlOutput::Owned(value) => value,
            _ => panic!("neither borrowed nor owned"),
        }
    }

    #[test]
    fn values_are_kept_in_their_documented_form() {
        let at = chrono::DateTime::from_timestamp(1_700_000_000, 1_000).unwrap();
        let cases = [
            (Value::Bool(Some(true)), Owned::Integer(1)),
            (Value::BigInt(Some(i64::MIN)), Owned::Integer(i64::MIN)),
            (Value::Float(Some(0.1)), Owned::Real(0.1)),
            (Value::Char(Some('ß')), Owned::Text("ß".into())),
            (
                Value::ChronoDateTimeUtc(Some(at)),
                Owned::Text("2023-11-14 22:13:20.000001+00:00".into()),
            ),
            (
                Value::Uuid(Some(uuid::Uuid::nil())),
                Owned::Blob(vec![0; 16]),
            ),
            (
                Value::Decimal(Some(Decimal::new(1050, 2))),
                Owned::Real(10.5),
            ),
            (
                Value::Decimal(Some(Decimal::new(700, 2))),
                Owned::Integer(7),
            ),
            (
                Value::Decimal(Some(Decimal::new(1_234_567_890_123_456_789, 10))),
                Owned::Text("123456789.0123456789".into()),
            ),
            (
                Value::Json(Some(Box::new(serde_json::json!({"a": [1]})))),
                Owned::Text(r#"{"a":[1]}"#.into()),
            ),
            (Value::Json(None), Owned::Null),
            (Value::String(None), Owned::Null),
        ];
        for (value, expected) in cases {
            assert_eq!(stored(value.clone()), expected, "{value:?}");
        }
        assert!(encode(&Value::BigUnsigned(Some(u64::MAX))).is_err());
    }
}
