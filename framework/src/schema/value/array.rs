//! One-dimensional arrays: native on PostgreSQL, JSON text on SQLite and MySQL (filters over elements are PostgreSQL's
//! alone).
use sea_query::ArrayType;

use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

/// A type that can be the element of an array column.
pub trait ArrayElement: ColumnValue<Base = Self> {
    /// The element's type for the bind argument.
    const ELEMENT: ArrayType;
    /// The column's SQL type.
    const ARRAY: SqlType;
    /// Reads the element from a JSON value, where arrays are kept as JSON.
    fn from_json(value: &serde_json::Value) -> Option<Self>;
}

macro_rules! elements {
    ($($type:ty => $variant:ident, |$json:ident| $from:expr;)*) => {
        $(impl ArrayElement for $type {
            const ELEMENT: ArrayType = ArrayType::$variant;
            const ARRAY: SqlType = SqlType::Array(&<$type as ColumnValue>::TYPE);

            fn from_json($json: &serde_json::Value) -> Option<Self> {
                $from
            }
        })*
    };
}

elements! {
    bool => Bool, |json| json.as_bool();
    i16 => SmallInt, |json| json.as_i64()?.try_into().ok();
    i32 => Int, |json| json.as_i64()?.try_into().ok();
    i64 => BigInt, |json| json.as_i64();
    f32 => Float, |json| json.as_f64().map(|value| value as f32);
    f64 => Double, |json| json.as_f64();
    String => String, |json| json.as_str().map(str::to_owned);
    uuid::Uuid => Uuid, |json| uuid::Uuid::try_parse(json.as_str()?).ok();
}

impl<T: ArrayElement> ColumnValue for Vec<T> {
    const TYPE: SqlType = T::ARRAY;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::Array(
            T::ELEMENT,
            Some(Box::new(self.iter().map(T::to_value).collect())),
        )
    }

    fn null() -> Value {
        Value::Array(T::ELEMENT, None)
    }

    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Array(cells) => cells.iter().map(T::from_cell).collect(),
            Cell::Text(text) => from_json(text.as_bytes()),
            Cell::Json(bytes) | Cell::Bytes(bytes) => from_json(bytes),
            _ => Err(Mismatch::expected("an array")),
        }
    }
}

fn from_json<T: ArrayElement>(bytes: &[u8]) -> Result<Vec<T>, Mismatch> {
    let values: Vec<serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| Mismatch::invalid("array", error))?;
    values
        .iter()
        .map(|value| {
            T::from_json(value)
                .ok_or_else(|| Mismatch::invalid("array", format!("unexpected element {value}")))
        })
        .collect()
}
