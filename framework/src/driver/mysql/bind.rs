//! Bind arguments in MySQL's binary form, by sqlx's encoders.
//!
//! UUIDs go as 16 bytes, JSON and arrays as JSON text, instants as UTC.
use sqlx::{Arguments as _, mysql::MySqlArguments};

use super::not_encoded;
use crate::{
    driver::{argument::Argument, text::json_array},
    error::Result,
    schema::Value,
};

/// All arguments of a statement.
pub(super) fn arguments(values: &[Value]) -> Result<MySqlArguments> {
    let mut out = MySqlArguments::default();
    out.reserve(values.len(), values.len() * 16);
    for value in values {
        push(&mut out, Argument::of(value)?)?;
    }
    Ok(out)
}

fn push(out: &mut MySqlArguments, argument: Argument<'_>) -> Result<()> {
    match argument {
        Argument::Bool(value) => out.add(value),
        Argument::Int16(value) => out.add(value),
        Argument::Int32(value) => out.add(value),
        Argument::Int64(value) => out.add(value),
        Argument::UInt64(value) => out.add(value),
        Argument::Float32(value) => out.add(value),
        Argument::Float64(value) => out.add(value),
        Argument::Text(value) => out.add(value.as_deref()),
        Argument::Bytes(value) => out.add(value),
        Argument::Json(value) => out.add(value.map(serde_json::Value::to_string)),
        Argument::Date(value) => out.add(value),
        Argument::Time(value) => out.add(value),
        Argument::DateTime(value) => out.add(value),
        // As DATETIME: sent as TIMESTAMP, an instant outside 1970 to 2038 arrives as NULL. Sessions are in UTC.
        Argument::Timestamp(value) => out.add(value.map(|at| at.naive_utc())),
        Argument::Uuid(value) => out.add(value),
        Argument::Decimal(value) => out.add(value),
        Argument::Array(_, values) => out.add(values.map(json_array).transpose()?),
    }
    .map_err(not_encoded)
}
