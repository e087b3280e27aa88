//! Rust types that can be stored in one column.
//!
//! [`ColumnValue`] ties a Rust type to its SQL type, its bind [`Value`] and its reading from a [`Cell`]. The numbers,
//! texts, dates, UUIDs, decimals, JSON and (on PostgreSQL) arrays are in the folder of this module; enums and newtypes
//! get theirs by derive.
mod array;
mod chrono;
mod decimal;
mod json;
mod number;
mod text;
mod time;
pub(crate) mod to_chrono;
mod uuid;

pub use self::json::Json;
use super::{
    cell::{Cell, Mismatch, Row},
    table::{ColumnDef, Default as ColumnDefault},
};

/// The type of an array's elements.
pub use sea_query::ArrayType;
/// A bind argument: sea-query's value, in which also NULL has a type.
pub use sea_query::Value;

/// The SQL type of a column, as far as the three databases share it; each dialect spells it its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SqlType {
    /// `BOOLEAN`.
    Bool,
    /// 16-bit integer.
    SmallInt,
    /// 32-bit integer.
    Int,
    /// 64-bit integer.
    BigInt,
    /// Single precision.
    Float,
    /// Double precision.
    Double,
    /// Exact number; 15 significant digits on SQLite, (38, 10) digits elsewhere unless declared otherwise.
    Decimal,
    /// Character data of any length (`VARCHAR(n)` where MySQL needs one for an index).
    Text,
    /// Binary data.
    Bytes,
    /// Calendar date.
    Date,
    /// Time of day with microseconds.
    Time,
    /// Date and time without a zone, with microseconds.
    DateTime,
    /// An instant with microseconds.
    Timestamp,
    /// UUID: native on PostgreSQL, 16 bytes elsewhere.
    Uuid,
    /// JSON: `jsonb` on PostgreSQL, text elsewhere.
    Json,
    /// Text restricted to these labels.
    Enum(&'static [&'static str]),
    /// A one-dimensional array of the element type (PostgreSQL); JSON text on SQLite and MySQL.
    Array(&'static SqlType),
}

impl SqlType {
    /// Whether two values of the type are equal for the database exactly when they are equal in Rust.
    ///
    /// Not so for text (collations, padding) and for decimals and floating-point numbers (scale, rounding): there the
    /// database itself is asked which rows belong together.
    pub fn compares_exactly(self) -> bool {
        !matches!(
            self,
            SqlType::Text
                | SqlType::Enum(_)
                | SqlType::Decimal
                | SqlType::Float
                | SqlType::Double
                | SqlType::Json
                | SqlType::Array(_)
        )
    }
}

/// Compiles only if a row can be placed among shards by a value of the type: one that is the same when it was written and
/// read back.
///
/// # Panics
/// At compile time, for every other type.
pub const fn assert_shard_key<T: ColumnValue>() {
    let is_exact = matches!(
        T::TYPE,
        SqlType::Bool
            | SqlType::SmallInt
            | SqlType::Int
            | SqlType::BigInt
            | SqlType::Text
            | SqlType::Enum(_)
            | SqlType::Bytes
            | SqlType::Date
            | SqlType::Uuid
    );
    assert!(
        is_exact && !T::NULLABLE,
        "a row is placed by an integer, text, an enum, a UUID, a boolean, a date or bytes, which is never NULL: other values do not come back as they were written"
    );
}

/// A Rust type that can be stored in one column.
///
/// Implemented for the usual types and for `Option` of each; `#[derive(DbEnum)]` and `#[derive(DbNewtype)]` write it
/// for one's own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a column",
    label = "not a column type",
    note = "derive `DbEnum` or `DbNewtype` for it, wrap it in `Json<..>`, or mark the field `#[entity(embedded)]`"
)]
pub trait ColumnValue: Sized + Clone + Send + Sync + 'static {
    /// The column's SQL type.
    const TYPE: SqlType;
    /// Whether NULL is a value of the type.
    const NULLABLE: bool = false;
    /// The type without its `Option`: what a filter compares with.
    type Base: ColumnValue;

    /// The bind argument for this value.
    fn to_value(&self) -> Value;
    /// NULL of this type.
    fn null() -> Value;
    /// Reads the value.
    ///
    /// # Errors
    /// A [`Mismatch`] that says what was expected.
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch>;

    /// A column of this type, without attributes. For generated code, as is the next: through the trait alone, a type
    /// that is none makes one compiler error and not one for each use.
    #[doc(hidden)]
    fn column(name: &'static str, field: &'static str) -> ColumnDef {
        ColumnDef {
            name,
            field,
            sql_type: Self::TYPE,
            nullable: Self::NULLABLE,
            default: ColumnDefault::None,
            length: None,
            sensitive: false,
        }
    }

    /// Reads the next cell of `row`.
    #[doc(hidden)]
    #[inline]
    fn read(row: &mut Row<'_, '_>) -> crate::error::Result<Self> {
        row.read()
    }
}

impl<T: ColumnValue<Base = T>> ColumnValue for Option<T> {
    const TYPE: SqlType = T::TYPE;
    const NULLABLE: bool = true;
    type Base = T;

    fn to_value(&self) -> Value {
        match self {
            Some(value) => value.to_value(),
            None => T::null(),
        }
    }

    fn null() -> Value {
        T::null()
    }

    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}
