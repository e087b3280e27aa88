//! Primary keys, and keys as hash map keys.
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;

use super::{
    cell::Cell,
    value::{ColumnValue, SqlType, Value},
};

/// The type of an entity's primary key: one column value, or a tuple of up to four.
pub trait Key: Clone + Send + Sync + fmt::Debug + 'static {
    /// The key's values in the order of the key's columns.
    fn to_values(&self) -> Vec<Value>;
}

impl<T: ColumnValue<Base = T> + fmt::Debug> Key for T {
    fn to_values(&self) -> Vec<Value> {
        vec![self.to_value()]
    }
}

macro_rules! tuple_keys {
    ($(($($name:ident $index:tt),+);)*) => {
        $(impl<$($name: ColumnValue<Base = $name> + fmt::Debug),+> Key for ($($name,)+) {
            fn to_values(&self) -> Vec<Value> {
                vec![$(self.$index.to_value()),+]
            }
        })*
    };
}

tuple_keys! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

/// A key in a form that can be hashed and compared. Equal parts are equal in the database too, for the types of which
/// [`SqlType::compares_exactly`](super::SqlType::compares_exactly) holds; other types are matched by the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyPart {
    /// A boolean, or an integer that fits.
    Int(i64),
    /// A UUID.
    Uuid(u128),
    /// Text, and the text form of every other type.
    Text(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A composite key.
    Composite(Box<[KeyPart]>),
}

impl KeyPart {
    /// The key of `values`; `None` if any of them is NULL.
    pub fn from_values(values: impl IntoIterator<Item = Value>) -> Option<Self> {
        let mut values = values.into_iter();
        let first = Self::from_value(values.next()?)?;
        let Some(second) = values.next() else {
            return Some(first);
        };
        let mut parts = vec![first, Self::from_value(second)?];
        for value in values {
            parts.push(Self::from_value(value)?);
        }
        Some(KeyPart::Composite(parts.into()))
    }

    /// The key of one value; `None` for NULL.
    pub fn from_value(value: Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => KeyPart::Int(value?.into()),
            Value::TinyInt(value) => KeyPart::Int(value?.into()),
            Value::SmallInt(value) => KeyPart::Int(value?.into()),
            Value::Int(value) => KeyPart::Int(value?.into()),
            Value::BigInt(value) => KeyPart::Int(value?),
            Value::TinyUnsigned(value) => KeyPart::Int(value?.into()),
            Value::SmallUnsigned(value) => KeyPart::Int(value?.into()),
            Value::Unsigned(value) => KeyPart::Int(value?.into()),
            Value::BigUnsigned(value) => {
                let value = value?;
                i64::try_from(value)
                    .map_or_else(|_| KeyPart::Text(value.to_string().into()), KeyPart::Int)
            }
            Value::Uuid(value) => KeyPart::Uuid(value?.as_u128()),
            Value::String(value) => KeyPart::Text(value?.into()),
            Value::Bytes(value) => KeyPart::Bytes(value?.into()),
            Value::Char(value) => KeyPart::Text(value?.to_string().into()),
            Value::ChronoDate(value) => KeyPart::Text(value?.to_string().into()),
            Value::ChronoTime(value) => KeyPart::Text(value?.to_string().into()),
            Value::ChronoDateTime(value) => KeyPart::Text(value?.to_string().into()),
            Value::ChronoDateTimeUtc(value) => KeyPart::Text(value?.to_string().into()),
            Value::TimeDate(value) => KeyPart::Text(value?.to_string().into()),
            Value::TimeTime(value) => KeyPart::Text(value?.to_string().into()),
            Value::TimeDateTime(value) => KeyPart::Text(value?.to_string().into()),
            Value::TimeDateTimeWithTimeZone(value) => KeyPart::Text(value?.to_string().into()),
            Value::Decimal(value) => KeyPart::Text(value?.normalize().to_string().into()),
            Value::Float(value) => KeyPart::Text(value?.to_string().into()),
            Value::Double(value) => KeyPart::Text(value?.to_string().into()),
            Value::Json(value) => KeyPart::Text(value?.to_string().into()),
            other => KeyPart::Text(format!("{other:?}").into()),
        })
    }
}

impl KeyPart {
    /// The key of the cells of columns with these types; `None` if any of them is NULL.
    ///
    /// Cells of types that [compare exactly](SqlType::compares_exactly) give the same key as the values of the entity
    /// that was read from them.
    pub fn from_cells<'c>(
        cells: impl IntoIterator<Item = (&'c Cell<'c>, SqlType)>,
    ) -> Option<Self> {
        let mut cells = cells.into_iter();
        let (cell, sql_type) = cells.next()?;
        let first = Self::from_cell(cell, sql_type)?;
        let Some((cell, sql_type)) = cells.next() else {
            return Some(first);
        };
        let mut parts = vec![first, Self::from_cell(cell, sql_type)?];
        for (cell, sql_type) in cells {
            parts.push(Self::from_cell(cell, sql_type)?);
        }
        Some(KeyPart::Composite(parts.into()))
    }

    /// The key of one cell; `None` for NULL.
    #[inline]
    pub fn from_cell(cell: &Cell<'_>, sql_type: SqlType) -> Option<Self> {
        Some(match cell {
            Cell::Null => return None,
            Cell::Int(value) => KeyPart::Int(*value),
            Cell::Bool(value) => KeyPart::Int(i64::from(*value)),
            Cell::Uuid(value) => KeyPart::Uuid(value.as_u128()),
            Cell::Text(text) if sql_type == SqlType::Uuid => match uuid::Uuid::try_parse(text) {
                Ok(value) => KeyPart::Uuid(value.as_u128()),
                Err(_) => KeyPart::Text((*text).into()),
            },
            Cell::Text(text) => KeyPart::Text((*text).into()),
            Cell::Bytes(bytes) if sql_type == SqlType::Uuid => match <[u8; 16]>::try_from(*bytes) {
                Ok(bytes) => KeyPart::Uuid(u128::from_be_bytes(bytes)),
                Err(_) => KeyPart::Bytes((*bytes).into()),
            },
            Cell::Bytes(bytes) => KeyPart::Bytes((*bytes).into()),
            _ => Self::from_value(Value::from_cell(cell, sql_type)?)?,
        })
    }

    /// The key as bind arguments for columns of these types.
    pub fn to_values(&self, types: &[SqlType]) -> Vec<Value> {
        match self {
            KeyPart::Composite(parts) => parts
                .iter()
                .zip(types)
                .map(|(part, &sql_type)| part.to_value(sql_type))
                .collect(),
            part => types
                .first()
                .map(|&sql_type| part.to_value(sql_type))
                .into_iter()
                .collect(),
        }
    }

    fn to_value(&self, sql_type: SqlType) -> Value {
        match self {
            KeyPart::Int(value) if sql_type == SqlType::Bool => Value::Bool(Some(*value != 0)),
            KeyPart::Int(value) => Value::BigInt(Some(*value)),
            KeyPart::Uuid(value) => Value::Uuid(Some(uuid::Uuid::from_u128(*value))),
            KeyPart::Bytes(bytes) => Value::Bytes(Some(bytes.to_vec())),
            KeyPart::Text(text) => text_value(text, sql_type),
            KeyPart::Composite(_) => Value::String(None),
        }
    }
}

/// The value whose text form is `text`.
fn text_value(text: &str, sql_type: SqlType) -> Value {
    let cell = Cell::Text(text);
    let value = match sql_type {
        SqlType::Date => NaiveDate::from_cell(&cell).map(|value| value.to_value()),
        SqlType::Time => NaiveTime::from_cell(&cell).map(|value| value.to_value()),
        SqlType::DateTime => NaiveDateTime::from_cell(&cell).map(|value| value.to_value()),
        SqlType::Timestamp => {
            let zoned = text.trim_end_matches(" UTC");
            DateTime::<Utc>::from_cell(&Cell::Text(zoned)).map(|value| value.to_value())
        }
        SqlType::Decimal => Decimal::from_cell(&cell).map(|value| value.to_value()),
        SqlType::Float | SqlType::Double => return Value::Double(text.parse().ok()),
        _ => return Value::String(Some(text.to_owned())),
    };
    value.unwrap_or_else(|_| Value::String(Some(text.to_owned())))
}

/// Values from cells.
trait FromCell: Sized {
    fn from_cell(cell: &Cell<'_>, sql_type: SqlType) -> Option<Self>;
}

impl FromCell for Value {
    fn from_cell(cell: &Cell<'_>, sql_type: SqlType) -> Option<Self> {
        Some(match cell {
            Cell::Null | Cell::Array(_) => return None,
            Cell::Bool(value) => value.to_value(),
            Cell::Int(value) => value.to_value(),
            Cell::UInt(value) => Value::BigUnsigned(Some(*value)),
            Cell::Real(value) if sql_type == SqlType::Decimal => {
                Decimal::from_cell(&Cell::Real(*value)).ok()?.to_value()
            }
            Cell::Real(value) => value.to_value(),
            Cell::Text(text) => text_value(text, sql_type),
            Cell::Bytes(bytes) => Value::Bytes(Some(bytes.to_vec())),
            Cell::Date(value) => value.to_value(),
            Cell::Time(value) => value.to_value(),
            Cell::DateTime(value) => value.to_value(),
            Cell::Timestamp(value) => value.to_value(),
            Cell::Uuid(value) => value.to_value(),
            Cell::Decimal(value) => value.to_value(),
            Cell::Json(bytes) => Value::Bytes(Some(bytes.to_vec())),
        })
    }
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPart::Int(value) => write!(f, "{value}"),
            KeyPart::Uuid(value) => write!(f, "{}", uuid::Uuid::from_u128(*value)),
            KeyPart::Text(value) => write!(f, "{value:?}"),
            KeyPart::Bytes(value) => write!(f, "{} bytes", value.len()),
            KeyPart::Composite(parts) => {
                f.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{part}")?;
                }
                f.write_str(")")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_width_make_the_same_key() {
        assert_eq!(
            KeyPart::from_value(Value::Int(Some(7))),
            KeyPart::from_value(Value::BigInt(Some(7)))
        );
    }

    #[test]
    fn any_null_part_makes_no_key() {
        assert_eq!(
            KeyPart::from_values([Value::Int(Some(1)), Value::String(None)]),
            None
        );
    }

    #[test]
    fn a_composite_key_is_shown_as_a_tuple() {
        let key = (1_i64, "a".to_owned()).to_values();
        assert_eq!(KeyPart::from_values(key).unwrap().to_string(), "(1, \"a\")");
    }
}
