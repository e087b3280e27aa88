//! Dates and times of the time crate, by way of the same cells as chrono's.
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use super::{Cell, ColumnValue, Mismatch, SqlType, Value, chrono as read};

fn date(value: NaiveDate) -> Result<Date, Mismatch> {
    let ordinal =
        u16::try_from(value.ordinal()).map_err(|error| Mismatch::invalid("date", error))?;
    Date::from_ordinal_date(value.year(), ordinal).map_err(|error| Mismatch::invalid("date", error))
}

fn time(value: NaiveTime) -> Result<Time, Mismatch> {
    let part = |part: u32| u8::try_from(part).map_err(|error| Mismatch::invalid("time", error));
    // A leap second, which chrono keeps in the nanoseconds, reads as the last nanosecond of its minute.
    let nanosecond = value.nanosecond().min(999_999_999);
    Time::from_hms_nano(
        part(value.hour())?,
        part(value.minute())?,
        part(value.second())?,
        nanosecond,
    )
    .map_err(|error| Mismatch::invalid("time", error))
}

fn date_time(value: NaiveDateTime) -> Result<PrimitiveDateTime, Mismatch> {
    Ok(PrimitiveDateTime::new(
        date(value.date())?,
        time(value.time())?,
    ))
}

macro_rules! time_types {
    ($($type:ty => $sql:ident, $variant:ident, |$cell:ident| $read:expr;)*) => {
        $(impl ColumnValue for $type {
            const TYPE: SqlType = SqlType::$sql;
            type Base = Self;

            fn to_value(&self) -> Value {
                Value::$variant(Some(*self))
            }

            fn null() -> Value {
                Value::$variant(None)
            }

            fn from_cell($cell: &Cell<'_>) -> Result<Self, Mismatch> {
                $read
            }
        })*
    };
}

time_types! {
    Date => Date, TimeDate, |cell| date(read::date(cell)?);
    Time => Time, TimeTime, |cell| time(read::time(cell)?);
    PrimitiveDateTime => DateTime, TimeDateTime, |cell| date_time(read::date_time(cell)?);
    OffsetDateTime => Timestamp, TimeDateTimeWithTimeZone, |cell| {
        date_time(read::timestamp(cell)?.naive_utc()).map(PrimitiveDateTime::assume_utc)
    };
}
