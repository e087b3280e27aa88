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

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[entity(table = "things", cache(ttl = "1h"))]
    struct Thing {
        #[entity(primary_key)]
        id: i64,
        flag: bool,
        small: Option<i16>,
        ratio: f64,
        text: Option<String>,
        bytes: Vec<u8>,
        day: Option<NaiveDate>,
        at: Option<DateTime<Utc>>,
        price: Decimal,
        json: Option<serde_json::Value>,
        key: uuid::Uuid,
    }

    fn thing() -> impl Strategy<Value = Thing> {
        let first = (
            any::<i64>(),
            any::<bool>(),
            any::<Option<i16>>(),
            -1e300..1e300,
            any::<Option<String>>(),
            prop::collection::vec(any::<u8>(), 0..40),
        );
        let instant = (-60_000_000_000_i64..200_000_000_000, 0_u32..1_000_000_000);
        let json = prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(|text| serde_json::json!({ "a": [text, null] })),
        ];
        let second = (
            prop::option::of(instant),
            (any::<i64>(), 0_u32..28),
            prop::option::of(json),
            any::<u128>(),
        );
        (first, second).prop_map(
            |((id, flag, small, ratio, text, bytes), (at, price, json, key))| {
                let at = at.and_then(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos));
                Thing {
                    id,
                    flag,
                    small,
                    ratio,
                    text,
                    bytes,
                    day: at.map(|at| at.date_naive()),
                    at,
                    price: Decimal::new(price.0, price.1),
                    json,
                    key: uuid::Uuid::from_u128(key),
                }
            },
        )
    }

    fn thing_of(bytes: &[u8]) -> Option<Thing> {
        let row = read(bytes, Thing::table())?;
        let thing: Arc<Thing> = row.into_any().downcast().ok()?;
        Some(Arc::unwrap_or_clone(thing))
    }

    proptest! {
        #[test]
        fn a_row_comes_back_as_it_was(thing in thing()) {
            let bytes = write(&thing, Thing::table()).unwrap();
            prop_assert_eq!(thing_of(&bytes), Some(thing));
        }

        #[test]
        fn what_is_damaged_is_no_row_and_no_panic(
            thing in thing(),
            at in any::<usize>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = write(&thing, Thing::table()).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = thing_of(&bytes);
            let _ = thing_of(&bytes[..at]);
        }
    }

    #[test]
    fn another_version_is_no_row() {
        let thing = Thing {
            id: 1,
            flag: true,
            small: None,
            ratio: 0.5,
            text: None,
            bytes: Vec::new(),
            day: None,
            at: None,
            price: Decimal::new(10, 1),
            json: None,
            key: uuid::Uuid::nil(),
        };
        let mut bytes = write(&thing, Thing::table()).unwrap();
        assert!(thing_of(&bytes).is_some());
        bytes[0] += 1;
        assert_eq!(thing_of(&bytes), None);
        assert_eq!(thing_of(&[]), None);
    }
}
