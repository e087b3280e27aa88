//! JSON columns: any serde type in a [`Json`], or a `serde_json::Value` as it is.
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

/// A serde type stored as JSON in one column.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> ColumnValue for Json<T> {
    const TYPE: SqlType = SqlType::Json;
    type Base = Self;

    /// # Panics
    /// If `T` cannot be written as JSON (a map with keys that are not strings, or a failing `Serialize`).
    fn to_value(&self) -> Value {
        let value = serde_json::to_value(&self.0)
            .expect("a `Json<T>` column needs a `T` that serialises to JSON");
        Value::Json(Some(Box::new(value)))
    }

    fn null() -> Value {
        Value::Json(None)
    }

    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        parse(cell).map(Self)
    }
}

impl ColumnValue for serde_json::Value {
    const TYPE: SqlType = SqlType::Json;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::Json(Some(Box::new(self.clone())))
    }

    fn null() -> Value {
        Value::Json(None)
    }

    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        parse(cell)
    }
}

fn parse<T: DeserializeOwned>(cell: &Cell<'_>) -> Result<T, Mismatch> {
    let bytes = match cell {
        Cell::Json(bytes) | Cell::Bytes(bytes) => bytes,
        Cell::Text(text) => text.as_bytes(),
        _ => return Err(Mismatch::expected("json")),
    };
    serde_json::from_slice(bytes).map_err(|error| Mismatch::invalid("json", error))
}
