//! Dates and times of the chrono crate. Where a database keeps them as text, the ISO 8601 forms are read.
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::{Cell, ColumnValue, Mismatch, SqlType, Value};

pub(super) fn date(cell: &Cell<'_>) -> Result<NaiveDate, Mismatch> {
    match cell {
        Cell::Date(value) => Ok(*value),
        Cell::DateTime(value) => Ok(value.date()),
        Cell::Text(text) => {
            let day = text.get(..10).unwrap_or(text);
            NaiveDate::parse_from_str(day, "%Y-%m-%d")
                .map_err(|error| Mismatch::invalid("date", error))
        }
        _ => Err(Mismatch::expected("a date")),
    }
}

pub(super) fn time(cell: &Cell<'_>) -> Result<NaiveTime, Mismatch> {
    match cell {
        Cell::Time(value) => Ok(*value),
        Cell::Text(text) => NaiveTime::parse_from_str(text, "%H:%M:%S%.f")
            .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
            .map_err(|error| Mismatch::invalid("time", error)),
        _ => Err(Mismatch::expected("a time")),
    }
}

pub(super) fn date_time(cell: &Cell<'_>) -> Result<NaiveDateTime, Mismatch> {
    match cell {
        Cell::DateTime(value) => Ok(*value),
        Cell::Timestamp(value) => Ok(value.naive_utc()),
        Cell::Date(value) => Ok(value.and_time(NaiveTime::MIN)),
        Cell::Text(text) => parse_naive(text),
        _ => Err(Mismatch::expected("a date and time")),
    }
}

pub(super) fn timestamp(cell: &Cell<'_>) -> Result<DateTime<Utc>, Mismatch> {
    match cell {
        Cell::Timestamp(value) => Ok(*value),
        Cell::DateTime(value) => Ok(value.and_utc()),
        Cell::Text(text) => parse_zoned(text),
        _ => Err(Mismatch::expected("a timestamp")),
    }
}

fn parse_naive(text: &str) -> Result<NaiveDateTime, Mismatch> {
    let separator = if text.as_bytes().get(10) == Some(&b'T') {
        "%Y-%m-%dT%H:%M:%S%.f"
    } else {
        "%Y-%m-%d %H:%M:%S%.f"
    };
    match NaiveDateTime::parse_from_str(text, separator) {
        Ok(value) => Ok(value),
        Err(error) => match text.len() {
            10 => date(&Cell::Text(text)).map(|day| day.and_time(NaiveTime::MIN)),
            _ => parse_offset(text)
                .map(|value| value.naive_utc())
                .ok_or_else(|| Mismatch::invalid("date and time", error)),
        },
    }
}

fn parse_zoned(text: &str) -> Result<DateTime<Utc>, Mismatch> {
    match parse_offset(text) {
        Some(value) => Ok(value.to_utc()),
        // Without an offset, text in a timestamp column is UTC: SQLite's CURRENT_TIMESTAMP writes it so.
        None => parse_naive(text).map(|value| value.and_utc()),
    }
}

fn parse_offset(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"))
        .ok()
}

macro_rules! chrono_types {
    ($($type:ty => $sql:ident, $variant:ident, $read:path;)*) => {
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
                $read(cell)
            }
        })*
    };
}

chrono_types! {
    NaiveDate => Date, ChronoDate, date;
    NaiveTime => Time, ChronoTime, time;
    NaiveDateTime => DateTime, ChronoDateTime, date_time;
    DateTime<Utc> => Timestamp, ChronoDateTimeUtc, timestamp;
}

impl ColumnValue for DateTime<FixedOffset> {
    const TYPE: SqlType = SqlType::Timestamp;
    type Base = Self;

    /// The instant is kept, the offset is not: no database of the three stores it.
    fn to_value(&self) -> Value {
        Value::ChronoDateTimeUtc(Some(self.to_utc()))
    }

    fn null() -> Value {
        Value::ChronoDateTimeUtc(None)
    }

    fn from_cell(cell: &Cell<'_>) -> Result<Self, Mismatch> {
        timestamp(cell).map(|value| value.fixed_offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_of_an_instant_agree() {
        let expected = NaiveDate::from_ymd_opt(2024, 5, 6)
            .unwrap()
            .and_hms_opt(7, 8, 9)
            .unwrap()
            .and_utc();
        for text in [
            "2024-05-06 07:08:09",
            "2024-05-06T07:08:09Z",
            "2024-05-06 09:08:09+02:00",
            "2024-05-06 07:08:09.000000+00:00",
        ] {
            assert_eq!(timestamp(&Cell::Text(text)), Ok(expected), "{text}");
        }
        assert_eq!(
            date_time(&Cell::Text("2024-05-06")).unwrap().to_string(),
            "2024-05-06 00:00:00"
        );
    }

    #[test]
    fn a_text_that_is_no_date_is_refused_with_a_reason() {
        assert!(date(&Cell::Text("yesterday")).is_err());
        assert!(timestamp(&Cell::Text("soon")).is_err());
    }
}
