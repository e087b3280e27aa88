//! The time crate's types as chrono's, which cells carry.
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// A date. The time crate's range is within chrono's.
pub(crate) fn date(date: time::Date) -> NaiveDate {
    NaiveDate::from_yo_opt(date.year(), u32::from(date.ordinal())).unwrap_or_default()
}

/// A time of day.
pub(crate) fn time(time: time::Time) -> NaiveTime {
    let (hour, minute, second, nano) = time.as_hms_nano();
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nano)
        .unwrap_or_default()
}

/// Date and time without a zone.
pub(crate) fn date_time(value: time::PrimitiveDateTime) -> NaiveDateTime {
    date(value.date()).and_time(time(value.time()))
}

/// An instant.
pub(crate) fn timestamp(value: time::OffsetDateTime) -> DateTime<Utc> {
    let utc = value.to_offset(time::UtcOffset::UTC);
    date_time(time::PrimitiveDateTime::new(utc.date(), utc.time())).and_utc()
}
