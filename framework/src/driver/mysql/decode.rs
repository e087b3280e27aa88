//! MySQL's values as cells.
//!
//! | type | cell |
//! |---|---|
//! | integers, BOOLEAN (which is TINYINT(1)), YEAR, BIT | `Int` |
//! | the same above the largest signed 64-bit integer | `UInt` |
//! | FLOAT, DOUBLE | `Real` |
//! | DECIMAL | `Decimal` |
//! | CHAR, VARCHAR, TEXT, ENUM, SET (any character set but binary), MariaDB's JSON | `Text` |
//! | BINARY, VARBINARY, BLOB, GEOMETRY | `Bytes` |
//! | DATE, TIME, DATETIME, TIMESTAMP | `Date`, `Time`, `DateTime`, `Timestamp` |
//! | JSON of MySQL | `Json` |
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use sqlx::{
    Column as _, Decode, MySql, Row as _, Type, TypeInfo as _, ValueRef as _,
    error::BoxDynError,
    mysql::{MySqlColumn, MySqlRow, MySqlTypeInfo, MySqlValueRef},
};

use crate::{
    error::{Error, Result},
    schema::Cell,
};

/// How a column's bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Signed,
    Unsigned,
    Float,
    Double,
    Decimal,
    Text,
    Bytes,
    Date,
    Time,
    DateTime,
    Timestamp,
    Json,
}

/// The kinds of a statement's columns.
pub(super) fn kinds(columns: &[MySqlColumn]) -> Vec<Kind> {
    columns
        .iter()
        .map(|column| Kind::of(column.type_info()))
        .collect()
}

/// The cell of one column of a row.
#[inline]
pub(super) fn cell<'r>(row: &'r MySqlRow, kinds: &[Kind], index: usize) -> Result<Cell<'r>> {
    let value = row
        .try_get_raw(index)
        .map_err(super::super::server::driver_error)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    kinds[index]
        .cell(value)
        .map_err(|error| mismatch(index, &error.to_string()))
}

#[cold]
fn mismatch(index: usize, reason: &str) -> Error {
    Error::decode(format!("column {}: {reason}", index + 1))
}

impl Kind {
    fn of(type_info: &MySqlTypeInfo) -> Self {
        // By the character set: a text with a binary collation has a binary type's name.
        if <str as Type<MySql>>::compatible(type_info) {
            return Kind::Text;
        }
        match type_info.name() {
            "YEAR" | "BIT" => Kind::Unsigned,
            name if name.ends_with(" UNSIGNED") => Kind::Unsigned,
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => Kind::Signed,
            "FLOAT" => Kind::Float,
            "DOUBLE" => Kind::Double,
            "DECIMAL" => Kind::Decimal,
            "DATE" => Kind::Date,
            "TIME" => Kind::Time,
            "DATETIME" => Kind::DateTime,
            "TIMESTAMP" => Kind::Timestamp,
            "JSON" => Kind::Json,
            _ => Kind::Bytes,
        }
    }

    /// The cell for a value that is not NULL.
    fn cell(self, value: MySqlValueRef<'_>) -> Result<Cell<'_>, BoxDynError> {
        Ok(match self {
            Kind::Signed => Cell::Int(read(value)?),
            Kind::Unsigned => unsigned(read(value)?),
            Kind::Float => Cell::Real(read::<f32>(value)?.into()),
            Kind::Double => Cell::Real(read(value)?),
            Kind::Decimal => Cell::Decimal(read::<Decimal>(value)?),
            Kind::Text => Cell::Text(read(value)?),
            Kind::Bytes => Cell::Bytes(read(value)?),
            Kind::Date => Cell::Date(read::<NaiveDate>(value)?),
            Kind::Time => Cell::Time(read::<NaiveTime>(value)?),
            Kind::DateTime => Cell::DateTime(read::<NaiveDateTime>(value)?),
            Kind::Timestamp => Cell::Timestamp(read::<DateTime<Utc>>(value)?),
            Kind::Json => Cell::Json(read(value)?),
        })
    }
}

fn read<'r, T: Decode<'r, MySql>>(value: MySqlValueRef<'r>) -> Result<T, BoxDynError> {
    T::decode(value)
}

fn unsigned(value: u64) -> Cell<'static> {
    match i64::try_from(value) {
        Ok(value) => Cell::Int(value),
        Err(_) => Cell::UInt(value),
    }
}
