//! PostgreSQL's binary values as cells.
//!
//! | type | cell |
//! |---|---|
//! | boolean | `Bool` |
//! | smallint, integer, bigint, oid | `Int` |
//! | real, double precision | `Real` |
//! | text, varchar, char, name, citext, xml, enums | `Text` |
//! | bytea | `Bytes` |
//! | date, time, timestamp, timestamptz | `Date`, `Time`, `DateTime`, `Timestamp` |
//! | uuid | `Uuid` |
//! | numeric | `Decimal` |
//! | json, jsonb | `Json` |
//! | arrays of one dimension | `Array` |
//! | domains | as their base type |
//! | types of extensions | `Text` if they are UTF-8, else `Bytes` |
//! | anything else (interval, inet, ranges, ..) | `Bytes`, as sent: cast it to text in the statement |
use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use sqlx::{
    Column as _, Row as _, TypeInfo as _, ValueRef as _,
    postgres::{PgColumn, PgRow, PgTypeInfo, PgTypeKind},
};
use uuid::Uuid;

use super::{array, numeric};
use crate::{
    error::{Error, Result},
    schema::Cell,
};

/// How a column's bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
    Numeric,
    Json,
    Jsonb,
    Array,
    Extension,
}

/// The kinds of a statement's columns.
pub(super) fn kinds(columns: &[PgColumn]) -> Vec<Kind> {
    columns
        .iter()
        .map(|column| Kind::of(column.type_info()))
        .collect()
}

/// The cell of one column of a row.
#[inline]
pub(super) fn cell<'r>(row: &'r PgRow, kinds: &[Kind], index: usize) -> Result<Cell<'r>> {
    let value = row
        .try_get_raw(index)
        .map_err(super::super::server::driver_error)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let bytes = value
        .as_bytes()
        .map_err(|error| mismatch(index, &error.to_string()))?;
    kinds[index]
        .cell(bytes)
        .map_err(|reason| mismatch(index, reason))
}

#[cold]
fn mismatch(index: usize, reason: &str) -> Error {
    Error::decode(format!("column {}: {reason}", index + 1))
}

impl Kind {
    fn of(type_info: &PgTypeInfo) -> Self {
        match type_info.kind() {
            PgTypeKind::Enum(_) => return Kind::Text,
            PgTypeKind::Array(_) => return Kind::Array,
            PgTypeKind::Domain(base) => return Kind::of(base),
            PgTypeKind::Simple | PgTypeKind::Pseudo => {}
            PgTypeKind::Composite(_) | PgTypeKind::Range(_) => return Kind::Bytes,
        }
        match type_info.oid() {
            Some(oid) => Kind::of_oid(oid.0),
            None if type_info.name().eq_ignore_ascii_case("citext") => Kind::Text,
            None => Kind::Extension,
        }
    }

    /// By the numbers of pg_type.dat, which never change.
    pub(super) fn of_oid(oid: u32) -> Self {
        match oid {
            16 => Kind::Bool,
            21 => Kind::Int2,
            23 => Kind::Int4,
            20 => Kind::Int8,
            26 => Kind::Oid,
            700 => Kind::Float4,
            701 => Kind::Float8,
            // "char", name, text, xml, unknown, bpchar, varchar, cstring
            18 | 19 | 25 | 142 | 705 | 1042 | 1043 | 2275 => Kind::Text,
            17 => Kind::Bytes,
            1082 => Kind::Date,
            1083 => Kind::Time,
            1114 => Kind::Timestamp,
            1184 => Kind::TimestampTz,
            2950 => Kind::Uuid,
            1700 => Kind::Numeric,
            114 => Kind::Json,
            3802 => Kind::Jsonb,
            // The first number that is not built in.
            16384.. => Kind::Extension,
            _ => Kind::Bytes,
        }
    }

    /// The cell for a value that is not NULL.
    #[inline]
    pub(super) fn cell(self, bytes: &[u8]) -> Result<Cell<'_>, &'static str> {
        Ok(match self {
            Kind::Bool => Cell::Bool(fixed::<1>(bytes)?[0] != 0),
            Kind::Int2 => Cell::Int(i16::from_be_bytes(fixed(bytes)?).into()),
            Kind::Int4 => Cell::Int(i32::from_be_bytes(fixed(bytes)?).into()),
            Kind::Int8 => Cell::Int(i64::from_be_bytes(fixed(bytes)?)),
            Kind::Oid => Cell::Int(u32::from_be_bytes(fixed(bytes)?).into()),
            Kind::Float4 => Cell::Real(f32::from_be_bytes(fixed(bytes)?).into()),
            Kind::Float8 => Cell::Real(f64::from_be_bytes(fixed(bytes)?)),
            Kind::Text => {
                Cell::Text(std::str::from_utf8(bytes).map_err(|_| "the text is not UTF-8")?)
            }
            Kind::Bytes => Cell::Bytes(bytes),
            Kind::Date => Cell::Date(date(i32::from_be_bytes(fixed(bytes)?))?),
            Kind::Time => Cell::Time(time(i64::from_be_bytes(fixed(bytes)?))?),
            Kind::Timestamp => {
                Cell::DateTime(instant(i64::from_be_bytes(fixed(bytes)?))?.naive_utc())
            }
            Kind::TimestampTz => Cell::Timestamp(instant(i64::from_be_bytes(fixed(bytes)?))?),
            Kind::Uuid => Cell::Uuid(Uuid::from_bytes(fixed(bytes)?)),
            Kind::Numeric => Cell::Decimal(numeric::decode(bytes)?),
            Kind::Json => Cell::Json(bytes),
            // One byte of version, then the text.
            Kind::Jsonb => Cell::Json(bytes.get(1..).ok_or("the jsonb value is empty")?),
            Kind::Array => Cell::Array(array::decode(bytes)?),
            Kind::Extension => match std::str::from_utf8(bytes) {
                Ok(text) => Cell::Text(text),
                Err(_) => Cell::Bytes(bytes),
            },
        })
    }
}

#[inline]
pub(super) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], &'static str> {
    bytes
        .try_into()
        .map_err(|_| "the value has another length than its type")
}

/// The days and microseconds are counted from here.
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");
const EPOCH_MICROS: i64 = 946_684_800_000_000;

fn date(days: i32) -> Result<NaiveDate, &'static str> {
    let count = Days::new(days.unsigned_abs().into());
    match days {
        i32::MIN | i32::MAX => None,
        0.. => EPOCH.checked_add_days(count),
        _ => EPOCH.checked_sub_days(count),
    }
    .ok_or("the date is infinite or out of range")
}

fn time(micros: i64) -> Result<NaiveTime, &'static str> {
    let seconds = u32::try_from(micros / 1_000_000);
    let nanos = u32::try_from(micros % 1_000_000 * 1_000);
    match (seconds, nanos) {
        // PostgreSQL has a 24:00:00, the last instant of its day.
        (Ok(86_400), Ok(0)) => NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999),
        (Ok(seconds), Ok(nanos)) => NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos),
        _ => None,
    }
    .ok_or("the time is out of range")
}

fn instant(micros: i64) -> Result<DateTime<chrono::Utc>, &'static str> {
    match micros {
        i64::MIN | i64::MAX => None,
        _ => micros
            .checked_add(EPOCH_MICROS)
            .and_then(DateTime::from_timestamp_micros),
    }
    .ok_or("the timestamp is infinite or out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_count_from_2000() {
        assert_eq!(date(0).unwrap().to_string(), "2000-01-01");
        assert_eq!(date(-10_957).unwrap().to_string(), "1970-01-01");
        assert!(date(i32::MAX).is_err());
        assert_eq!(time(86_399_999_999).unwrap().to_string(), "23:59:59.999999");
        assert!(time(86_400_000_000).is_ok());
        assert!(time(-1).is_err());
        assert_eq!(instant(-EPOCH_MICROS).unwrap().timestamp(), 0);
        assert!(instant(i64::MAX).is_err());
    }

    #[test]
    fn a_value_of_the_wrong_length_is_refused() {
        assert!(Kind::Int4.cell(&[0, 0]).is_err());
        assert!(Kind::Jsonb.cell(&[]).is_err());
        assert!(Kind::Text.cell(&[0xff]).is_err());
        assert_eq!(Kind::Jsonb.cell(b"\x01{}"), Ok(Cell::Json(b"{}")));
        assert_eq!(Kind::Extension.cell(b"a"), Ok(Cell::Text("a")));
    }
}
