//! Booleans, integers and floating-point numbers.
use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

impl ColumnValue for bool {
    const TYPE: SqlType = SqlType::Bool;
    type Base = Self;

    fn to_value(&self) -> Value {
        Value::Bool(Some(*self))
    }

    fn null() -> Value {
        Value::Bool(None)
    }

    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bool(value) => Ok(*value),
            // SQLite and MySQL keep booleans as integers.
            Cell::Int(0) | Cell::UInt(0) => Ok(false),
            Cell::Int(1) | Cell::UInt(1) => Ok(true),
            _ => Err(Mismatch::expected("a boolean")),
        }
    }
}

macro_rules! integer {
    ($($type:ty => $sql:ident, $variant:ident as $wire:ty, $name:literal;)*) => {
        $(impl ColumnValue for $type {
            const TYPE: SqlType = SqlType::$sql;
            type Base = Self;

            fn to_value(&self) -> Value {
                Value::$variant(Some(<$wire>::from(*self)))
            }

            fn null() -> Value {
                Value::$variant(None)
            }

            #[inline]
            fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
                let out_of_range = || Mismatch::invalid($name, "the number is out of range");
                match cell {
                    Cell::Int(value) => Self::try_from(*value).map_err(|_| out_of_range()),
                    Cell::UInt(value) => Self::try_from(*value).map_err(|_| out_of_range()),
                    // A sum of integers is NUMERIC on PostgreSQL and MySQL.
                    Cell::Decimal(value) if value.is_integer() => Self::try_from(*value).map_err(|_| out_of_range()),
                    _ => Err(Mismatch::expected($name)),
                }
            }
        })*
    };
}

integer! {
    i8 => SmallInt, SmallInt as i16, "8-bit integer";
    i16 => SmallInt, SmallInt as i16, "16-bit integer";
    i32 => Int, Int as i32, "32-bit integer";
    i64 => BigInt, BigInt as i64, "64-bit integer";
    u8 => SmallInt, SmallInt as i16, "8-bit unsigned integer";
    u16 => Int, Int as i32, "16-bit unsigned integer";
    u32 => BigInt, BigInt as i64, "32-bit unsigned integer";
}

macro_rules! float {
    ($($type:ty => $sql:ident, $variant:ident, $name:literal;)*) => {
        $(impl ColumnValue for $type {
            const TYPE: SqlType = SqlType::$sql;
            type Base = Self;

            fn to_value(&self) -> Value {
                Value::$variant(Some(*self))
            }

            fn null() -> Value {
                Value::$variant(None)
            }

            #[inline]
            fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
                match cell {
                    Cell::Real(value) => Ok(*value as $type),
                    // SQLite may store a whole number as an integer; an average is NUMERIC elsewhere.
                    Cell::Int(value) => Ok(*value as $type),
                    Cell::Decimal(value) => f64::try_from(*value)
                        .map(|value| value as $type)
                        .map_err(|error| Mismatch::invalid($name, error)),
                    _ => Err(Mismatch::expected($name)),
                }
            }
        })*
    };
}

float! {
    f32 => Float, Float, "single-precision number";
    f64 => Double, Double, "double-precision number";
}
