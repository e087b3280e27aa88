//! Primary keys, and keys as hash map keys.
use std::fmt;

use super::value::{ColumnValue, Value};

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
    /// A boolean or any integer.
    Int(i128),
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
            Value::BigInt(value) => KeyPart::Int(value?.into()),
            Value::TinyUnsigned(value) => KeyPart::Int(value?.into()),
            Value::SmallUnsigned(value) => KeyPart::Int(value?.into()),
            Value::Unsigned(value) => KeyPart::Int(value?.into()),
            Value::BigUnsigned(value) => KeyPart::Int(value?.into()),
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
