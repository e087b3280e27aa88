//! A row as bytes: one for the version, then MessagePack with named fields.
use std::{borrow::Cow, sync::Arc};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::schema::{CachedRow, Cell, Row, TableDef, Value};

const VERSION: u8 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    columns: Vec<Column<'a>>,
}

/// A value as the database would send it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Column<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Real(f64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
    #[serde(with = "serde_bytes")]
    Bytes(Vec<u8>),
    Date(NaiveDate),
    Time(NaiveTime),
    DateTime(NaiveDateTime),
    Timestamp(DateTime<Utc>),
    Uuid(uuid::Bytes),
    /// As text: its digits, and how many there are behind the point.
    Decimal(Cow<'a, str>),
    Json(Cow<'a, str>),
    Array(Vec<Column<'a>>),
}

/// The row as bytes; nothing if it cannot be written.
pub(super) fn write(row: &dyn CachedRow, table: &TableDef) -> Option<Vec<u8>> {
    let values: Vec<Value> = (0..table.columns.len())
        .map(|at| row.column_value(at))
        .collect();
    let stored = Stored {
        columns: values.iter().map(Column::of).collect(),
    };
    let mut bytes = vec![VERSION];
    rmp_serde::encode::write_named(&mut bytes, &stored).ok()?;
    Some(bytes)
}

/// The row that was written; nothing if it is of another version, or damaged.
pub(super) fn read(bytes: &[u8], table: &TableDef) -> Option<Arc<dyn CachedRow>> {
    let (&VERSION, bytes) = bytes.split_first()? else {
        return None;
    };
    let stored: Stored<'_> = rmp_serde::from_slice(bytes).ok()?;
    if stored.columns.len() != table.columns.len() {
        return None;
    }
    let cells: Option<Vec<Cell<'_>>> = stored.columns.iter().map(Column::cell).collect();
    (table.cache?.read)(&mut Row::new(&cells?)).ok()
}

impl<'a> Column<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Json(Some(json)) => Column::Json(json.to_string().into()),
            Value::Array(_, Some(values)) => Column::Array(values.iter().map(Column::of).collect()),
            value => match Cell::from_value(value, "") {
                Cell::Null => Column::Null,
                Cell::Bool(value) => Column::Bool(value),
                Cell::Int(value) => Column::Int(value),
                Cell::UInt(value) => Column::UInt(value),
                Cell::Real(value) => Column::Real(value),
                Cell::Text(text) => Column::Text(text.into()),
                Cell::Bytes(bytes) => Column::Bytes(bytes.to_vec()),
                Cell::Date(date) => Column::Date(date),
                Cell::Time(time) => Column::Time(time),
                Cell::DateTime(time) => Column::DateTime(time),
                Cell::Timestamp(time) => Column::Timestamp(time),
                Cell::Uuid(uuid) => Column::Uuid(uuid.into_bytes()),
                Cell::Decimal(decimal) => Column::Decimal(decimal.to_string().into()),
                // Only values of JSON and arrays become these.
                Cell::Json(_) | Cell::Array(_) => Column::Null,
            },
        }
    }

    fn cell(&self) -> Option<Cell<'_>> {
        Some(match self {
            Column::Null => Cell::Null,
            Column::Bool(value) => Cell::Bool(*value),
            Column::Int(value) => Cell::Int(*value),
            Column::UInt(value) => Cell::UInt(*value),
            Column::Real(value) => Cell::Real(*value),
            Column::Text(text) => Cell::Text(text),
            Column::Bytes(bytes) => Cell::Bytes(bytes),
            Column::Date(date) => Cell::Date(*date),
            Column::Time(time) => Cell::Time(*time),
            Column::DateTime(time) => Cell::DateTime(*time),
            Column::Timestamp(time) => Cell::Timestamp(*time),
            Column::Uuid(bytes) => Cell::Uuid(uuid::Uuid::from_bytes(*bytes)),
            Column::Decimal(text) => Cell::Decimal(text.parse::<Decimal>().ok()?),
            Column::Json(text) => Cell::Json(text.as_bytes()),
            Column::Array(columns) => {
                let cells: Option<Vec<_>> = columns.iter().map(Column::cell).collect();
                Cell::Array(cells?.into())
            }
        })
    }
}
