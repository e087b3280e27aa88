//! UUIDs: native on PostgreSQL, 16 bytes on SQLite and MySQL, text wherever somebody stored them so.
use uuid::Uuid;

use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

impl ColumnValue for Uuid {
    const TYPE: SqlType = SqlType::Uuid;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::Uuid(Some(*self))
    }

    fn null() -> Value {
        Value::Uuid(None)
    }

    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Uuid(value) => Ok(*value),
            Cell::Bytes(bytes) => {
                Uuid::from_slice(bytes).map_err(|error| Mismatch::invalid("uuid", error))
            }
            Cell::Text(text) => {
                Uuid::try_parse(text).map_err(|error| Mismatch::invalid("uuid", error))
            }
            _ => Err(Mismatch::expected("a uuid")),
        }
    }
}
