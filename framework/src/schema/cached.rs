//! How an entity's rows are kept in the result cache, and a row as the cache holds it.
//!
//! Plain data that `#[entity(cache(..))]` fills in. The layers that load and write rows work without types, so a kept
//! row is an object that tells its columns.
use std::{any::Any, fmt, sync::Arc, time::Duration};

use super::{
    cell::Row,
    entity::{self, Entity},
    value::{ColumnValue, SqlType, Value},
};
use crate::error::Result;

/// How the rows of one entity are kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheDef {
    /// How long a row is kept at most.
    pub ttl: Duration,
    /// How long a row is kept that nobody reads.
    pub tti: Option<Duration>,
    /// How much is kept.
    pub capacity: CacheCapacity,
    /// What a write does to the row that is kept.
    pub write: CacheWrite,
    /// Whether it is kept too that a key has no row.
    pub negative: bool,
    /// Reads a row from its columns, in the table's order.
    pub read: fn(&mut Row<'_, '_>) -> Result<Arc<dyn CachedRow>>,
}

/// How much is kept of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheCapacity {
    /// So many rows.
    Rows(u64),
    /// Rows of so many bytes in all, counted by the size of their values.
    Bytes(u64),
}

/// What a write does to the row that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheWrite {
    /// The row as it was written takes its place, once it is committed.
    #[default]
    Through,
    /// It is dropped, and read again by whoever asks next: for tables whose values the database changes by itself.
    Invalidate,
}

/// A row that is kept.
pub trait CachedRow: Send + Sync + 'static {
    /// The value of the column at `position` of the table.
    fn column_value(&self, position: usize) -> Value;

    /// The entity.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<E: Entity> CachedRow for E {
    fn column_value(&self, position: usize) -> Value {
        self.value(position)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl fmt::Debug for dyn CachedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedRow")
    }
}

/// Reads an entity as a row to keep; what [`CacheDef::read`] is made of.
///
/// # Errors
/// A decode error.
pub fn read_row<E: Entity>(row: &mut Row<'_, '_>) -> Result<Arc<dyn CachedRow>> {
    Ok(Arc::new(entity::read::<E>(row)?))
}

impl SqlType {
    /// Whether a value of the type, as it is given, is the one value that the database compares equal to it. Rows are
    /// kept by keys of such types only: another spelling of one key would be another entry, which no write would find.
    ///
    /// Narrower than [`compares_exactly`](SqlType::compares_exactly): a database rounds times to microseconds.
    pub const fn is_cache_key(self) -> bool {
        matches!(
            self,
            SqlType::Bool
                | SqlType::SmallInt
                | SqlType::Int
                | SqlType::BigInt
                | SqlType::Bytes
                | SqlType::Date
                | SqlType::Uuid
        )
    }

    /// Whether the database gives back `value` exactly as it was written.
    ///
    /// Not so for decimals (scale), single precision, JSON (order, numbers) and arrays, and for times finer than
    /// microseconds.
    pub(crate) fn comes_back(self, value: &Value) -> bool {
        match self {
            SqlType::Decimal | SqlType::Float | SqlType::Json | SqlType::Array(_) => false,
            SqlType::Time | SqlType::DateTime | SqlType::Timestamp => in_microseconds(value),
            _ => true,
        }
    }
}

fn in_microseconds(value: &Value) -> bool {
    use chrono::Timelike;
    let nanos = match value {
        Value::ChronoTime(Some(time)) => time.nanosecond(),
        Value::ChronoDateTime(Some(time)) => time.nanosecond(),
        Value::ChronoDateTimeUtc(Some(time)) => time.nanosecond(),
        Value::TimeTime(Some(time)) => time.nanosecond(),
        Value::TimeDateTime(Some(time)) => time.nanosecond(),
        Value::TimeDateTimeWithTimeZone(Some(time)) => time.nanosecond(),
        _ => 0,
    };
    nanos.is_multiple_of(1_000)
}

/// Compiles only for the type of a key column by which rows can be kept.
///
/// # Panics
/// At compile time, for every other type.
pub const fn assert_cache_key<T: ColumnValue>() {
    assert!(
        T::TYPE.is_cache_key(),
        "an entity is cached by a key of integers, booleans, dates, UUIDs or bytes: the database compares other types by rules of its own"
    );
}
