//! Cursors: places between rows, as text for clients.
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::keyset::Keyset;
use crate::{
    error::{Error, Result},
    schema::{KeyPart, SqlType, Value},
};

/// A place between rows: the order's values of the row beside it. Opaque text for clients; it holds those values in
/// the clear, and nothing of it is trusted but its form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let cursor = Self(text.to_owned());
        cursor.plain().map(|_| cursor)
    }
}

impl Cursor {
    /// Hexadecimal JSON: letters and digits alone, so that it can stand in a URL as it is.
    pub(super) fn of(place: &[Option<KeyPart>]) -> Self {
        let plain: Vec<serde_json::Value> = place.iter().map(json_of).collect();
        let json = serde_json::Value::Array(plain).to_string();
        Self(json.bytes().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The place as the keyset's columns take it.
    pub(super) fn values(&self, keyset: &Keyset) -> Result<Vec<Option<Value>>> {
        let other = || {
            Error::invalid_query("the cursor belongs to a query with another order")
                .with_hint("start again with `Page::first(n)` when the order changes")
        };
        let plain = self.plain()?;
        let types: Vec<SqlType> = keyset.types().collect();
        if plain.len() != types.len() {
            return Err(other());
        }
        let value = |(json, sql_type): (&serde_json::Value, SqlType)| match json {
            serde_json::Value::Null => Ok(None),
            json => value_of(json, sql_type).map(Some).ok_or_else(other),
        };
        plain.iter().zip(types).map(value).collect()
    }

    fn plain(&self) -> Result<Vec<serde_json::Value>> {
        let invalid = || {
            Error::invalid_query(format!("{:?} is not a cursor", self.0))
                .with_hint("pass on the text of `PageOf::next` unchanged")
        };
        let pairs = self.0.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        serde_json::from_slice(&bytes.ok_or_else(invalid)?).map_err(|_| invalid())
    }
}

fn json_of(key: &Option<KeyPart>) -> serde_json::Value {
    match key {
        None => serde_json::Value::Null,
        Some(KeyPart::Int(value)) => (*value).into(),
        Some(KeyPart::Uuid(value)) => uuid::Uuid::from_u128(*value).to_string().into(),
        Some(KeyPart::Text(value)) => value.to_string().into(),
        Some(KeyPart::Bytes(bytes)) => bytes
            .iter()
            .map(|&byte| serde_json::Value::from(byte))
            .collect(),
        Some(KeyPart::Composite(_)) => serde_json::Value::Null,
    }
}

fn value_of(json: &serde_json::Value, sql_type: SqlType) -> Option<Value> {
    let key = match json {
        serde_json::Value::Number(number) => KeyPart::Int(number.as_i64()?),
        serde_json::Value::String(text) if sql_type == SqlType::Uuid => {
            KeyPart::Uuid(uuid::Uuid::try_parse(text).ok()?.as_u128())
        }
        serde_json::Value::String(text) => KeyPart::Text(text.as_str().into()),
        serde_json::Value::Array(bytes) => KeyPart::Bytes(
            bytes
                .iter()
                .map(|byte| byte.as_u64()?.try_into().ok())
                .collect::<Option<Vec<u8>>>()?
                .into(),
        ),
        _ => return None,
    };
    key.to_values(&[sql_type]).pop()
}
