//! A database value on its way into Rust, and the row cursor that generated code reads.
//!
//! Drivers turn each column of a row into a borrowed [`Cell`], once, by a decision made per statement; entities read
//! the cells in order through [`Row`]. Nothing above the drivers knows a driver's row type, and no column is ever
//! looked up by name.
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::value::{ColumnValue, Value, to_chrono};
use crate::error::{Error, Result};

/// One value of one row, borrowed from the driver's buffer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell<'r> {
    /// SQL NULL.
    Null,
    /// A boolean, where the database has the type.
    Bool(bool),
    /// Any signed integer.
    Int(i64),
    /// An unsigned 64-bit integer (MySQL only).
    UInt(u64),
    /// A single- or double-precision number.
    Real(f64),
    /// Character data, enum labels, and anything else with a text form.
    Text(&'r str),
    /// Binary data.
    Bytes(&'r [u8]),
    /// A calendar date.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
    /// Date and time without a zone.
    DateTime(NaiveDateTime),
    /// An instant.
    Timestamp(DateTime<Utc>),
    /// A UUID, where the database has the type.
    Uuid(Uuid),
    /// An exact number.
    Decimal(Decimal),
    /// JSON text.
    Json(&'r [u8]),
    /// A one-dimensional array (PostgreSQL only).
    Array(Box<[Cell<'r>]>),
}

impl Cell<'_> {
    /// The cell's kind, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Cell::Null => "NULL",
            Cell::Bool(_) => "a boolean",
            Cell::Int(_) | Cell::UInt(_) => "an integer",
            Cell::Real(_) => "a floating-point number",
            Cell::Text(_) => "text",
            Cell::Bytes(_) => "bytes",
            Cell::Date(_) => "a date",
            Cell::Time(_) => "a time",
            Cell::DateTime(_) => "a date and time without zone",
            Cell::Timestamp(_) => "a timestamp",
            Cell::Uuid(_) => "a uuid",
            Cell::Decimal(_) => "a decimal",
            Cell::Json(_) => "json",
            Cell::Array(_) => "an array",
        }
    }

    /// The cell that a database would return for a bind argument. `json` is the text of a JSON value, kept by the
    /// caller.
    pub fn from_value<'v>(value: &'v Value, json: &'v str) -> Cell<'v> {
        match value {
            Value::Bool(Some(value)) => Cell::Bool(*value),
            Value::TinyInt(Some(value)) => Cell::Int((*value).into()),
            Value::SmallInt(Some(value)) => Cell::Int((*value).into()),
            Value::Int(Some(value)) => Cell::Int((*value).into()),
            Value::BigInt(Some(value)) => Cell::Int(*value),
            Value::TinyUnsigned(Some(value)) => Cell::Int((*value).into()),
            Value::SmallUnsigned(Some(value)) => Cell::Int((*value).into()),
            Value::Unsigned(Some(value)) => Cell::Int((*value).into()),
            Value::BigUnsigned(Some(value)) => Cell::UInt(*value),
            Value::Float(Some(value)) => Cell::Real((*value).into()),
            Value::Double(Some(value)) => Cell::Real(*value),
            Value::String(Some(value)) => Cell::Text(value),
            Value::Bytes(Some(value)) => Cell::Bytes(value),
            Value::Json(Some(_)) => Cell::Json(json.as_bytes()),
            Value::ChronoDate(Some(value)) => Cell::Date(*value),
            Value::ChronoTime(Some(value)) => Cell::Time(*value),
            Value::ChronoDateTime(Some(value)) => Cell::DateTime(*value),
            Value::ChronoDateTimeUtc(Some(value)) => Cell::Timestamp(*value),
            Value::TimeDate(Some(value)) => Cell::Date(to_chrono::date(*value)),
            Value::TimeTime(Some(value)) => Cell::Time(to_chrono::time(*value)),
            Value::TimeDateTime(Some(value)) => Cell::DateTime(to_chrono::date_time(*value)),
            Value::TimeDateTimeWithTimeZone(Some(value)) => {
                Cell::Timestamp(to_chrono::timestamp(*value))
            }
            Value::Uuid(Some(value)) => Cell::Uuid(*value),
            Value::Decimal(Some(value)) => Cell::Decimal(*value),
            Value::Array(_, Some(values)) => Cell::Array(
                values
                    .iter()
                    .map(|value| Cell::from_value(value, json))
                    .collect(),
            ),
            _ => Cell::Null,
        }
    }

    /// The size of the value in bytes: text, bytes and JSON by length, everything else by its width.
    pub fn size(&self) -> usize {
        match self {
            Cell::Null => 0,
            Cell::Bool(_) => 1,
            Cell::Int(_) | Cell::UInt(_) | Cell::Real(_) => 8,
            Cell::Text(text) => text.len(),
            Cell::Bytes(bytes) | Cell::Json(bytes) => bytes.len(),
            Cell::Date(_) => 4,
            Cell::Time(_) | Cell::DateTime(_) | Cell::Timestamp(_) => 8,
            Cell::Uuid(_) | Cell::Decimal(_) => 16,
            Cell::Array(cells) => cells.iter().map(Cell::size).sum(),
        }
    }

    /// Whether the cell is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }
}

/// A cursor over the cells of one row.
///
/// Entities read their columns in the order of their table definition; whoever calls them has put the columns in that
/// order.
#[derive(Debug)]
pub struct Row<'a, 'r> {
    cells: &'a [Cell<'r>],
    at: usize,
}

impl<'a, 'r> Row<'a, 'r> {
    /// A cursor at the first of `cells`.
    pub fn new(cells: &'a [Cell<'r>]) -> Self {
        Self { cells, at: 0 }
    }

    /// Reads the next cell as a `T` and moves on.
    ///
    /// # Errors
    /// A [`Decode`](crate::ErrorKind::Decode) error that names the column's position, what was found and what was
    /// wanted.
    #[inline]
    pub fn read<T: ColumnValue>(&mut self) -> Result<T> {
        let at = self.at;
        match self.cells.get(at) {
            Some(cell) => match T::from_cell(cell) {
                Ok(value) => {
                    self.at = at + 1;
                    Ok(value)
                }
                Err(mismatch) => Err(mismatch.into_error(at, cell)),
            },
            None => Err(missing(at)),
        }
    }

    /// The next cell, without moving on.
    #[inline]
    pub fn peek(&self) -> Option<&'a Cell<'r>> {
        self.cells.get(self.at)
    }

    /// The cell `ahead` places after the next one, without moving on.
    #[inline]
    pub fn peek_at(&self, ahead: usize) -> Option<&'a Cell<'r>> {
        self.cells.get(self.at + ahead)
    }

    /// Leaves out the next `count` cells.
    #[inline]
    pub fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// How many cells have been read or skipped.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The cells not yet read.
    pub fn rest(&self) -> &'a [Cell<'r>] {
        self.cells.get(self.at..).unwrap_or_default()
    }
}

#[cold]
fn missing(at: usize) -> Error {
    Error::decode(format!("the row has no column {} (it has {at})", at + 1))
}

/// Why a cell is not a `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    expected: &'static str,
    reason: Option<String>,
}

impl Mismatch {
    /// The cell is of another kind than `expected`.
    pub fn expected(expected: &'static str) -> Self {
        Self {
            expected,
            reason: None,
        }
    }

    /// The cell is of a fitting kind, but its value is not valid: `reason`.
    pub fn invalid(expected: &'static str, reason: impl std::fmt::Display) -> Self {
        Self {
            expected,
            reason: Some(reason.to_string()),
        }
    }

    #[cold]
    fn into_error(self, at: usize, cell: &Cell<'_>) -> Error {
        let found = cell.kind();
        let position = at + 1;
        Error::decode(match self.reason {
            None => format!(
                "column {position}: expected {}, found {found}",
                self.expected
            ),
            Some(reason) => format!(
                "column {position}: {found} is not a valid {}: {reason}",
                self.expected
            ),
        })
    }
}
