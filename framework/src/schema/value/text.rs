//! Text and bytes.
use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

impl ColumnValue for String {
    const TYPE: SqlType = SqlType::Text;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::String(Some(self.clone()))
    }

    fn null() -> Value {
        Value::String(None)
    }

    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Text(value) => Ok((*value).to_owned()),
            _ => Err(Mismatch::expected("text")),
        }
    }
}

impl ColumnValue for Vec<u8> {
    const TYPE: SqlType = SqlType::Bytes;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::Bytes(Some(self.clone()))
    }

    fn null() -> Value {
        Value::Bytes(None)
    }

    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bytes(value) => Ok((*value).to_vec()),
            _ => Err(Mismatch::expected("bytes")),
        }
    }
}
