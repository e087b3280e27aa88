//! Exact numbers. SQLite keeps them as NUMERIC: exact to 15 significant digits, without their scale.
use std::str::FromStr;

use rust_decimal::Decimal;

use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

impl ColumnValue for Decimal {
    const TYPE: SqlType = SqlType::Decimal;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::Decimal(Some(*self))
    }

    fn null() -> Value {
        Value::Decimal(None)
    }

    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        let invalid = |error: rust_decimal::Error| Mismatch::invalid("decimal", error);
        match cell {
            Cell::Decimal(value) => Ok(*value),
            Cell::Int(value) => Ok(Decimal::from(*value)),
            Cell::UInt(value) => Ok(Decimal::from(*value)),
            // The shortest text that reads back as the same double is what was stored, up to 15 digits.
            Cell::Real(value) => Decimal::from_str(&value.to_string())
                .or_else(|_| Decimal::from_scientific(&format!("{value:e}")))
                .map_err(invalid),
            Cell::Text(text) => Decimal::from_str(text).map_err(invalid),
            _ => Err(Mismatch::expected("a decimal")),
        }
    }
}
