//! Bind arguments in a form that all three drivers understand.
//!
//! sea-query's value has several variants for one thing (two date crates, eight widths of integers). This is the one
//! place that knows them; a driver binds an [`Argument`] and keeps NULL's type.
use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use sea_query::{ArrayType, OptionEnum};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use crate::{
    error::{Error, ErrorKind, Result},
    schema::Value,
};

/// One bind argument; `None` is NULL of the type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument<'a> {
    Bool(Option<bool>),
    Int16(Option<i16>),
    Int32(Option<i32>),
    Int64(Option<i64>),
    UInt64(Option<u64>),
    Float32(Option<f32>),
    Float64(Option<f64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<&'a [u8]>),
    Json(Option<&'a serde_json::Value>),
    Date(Option<NaiveDate>),
    Time(Option<NaiveTime>),
    DateTime(Option<NaiveDateTime>),
    Timestamp(Option<DateTime<Utc>>),
    Uuid(Option<Uuid>),
    Decimal(Option<Decimal>),
    Array(&'a ArrayType, Option<&'a [Value]>),
}

impl<'a> Argument<'a> {
    /// The argument for a value.
    pub(super) fn of(value: &'a Value) -> Result<Self> {
        Ok(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::TinyInt(value) => Self::Int16(value.map(i16::from)),
            Value::SmallInt(value) => Self::Int16(*value),
            Value::Int(value) => Self::Int32(*value),
            Value::BigInt(value) => Self::Int64(*value),
            Value::TinyUnsigned(value) => Self::Int16(value.map(i16::from)),
            Value::SmallUnsigned(value) => Self::Int32(value.map(i32::from)),
            Value::Unsigned(value) => Self::Int64(value.map(i64::from)),
            Value::BigUnsigned(value) => Self::UInt64(*value),
            Value::Float(value) => Self::Float32(*value),
            Value::Double(value) => Self::Float64(*value),
            Value::String(value) => Self::Text(value.as_deref().map(Cow::Borrowed)),
            Value::Enum(OptionEnum::Some(value)) => Self::Text(Some(Cow::Borrowed(&value.value))),
            Value::Enum(OptionEnum::None(_)) => Self::Text(None),
            Value::Char(value) => Self::Text(value.map(|char| Cow::Owned(char.into()))),
            Value::Bytes(value) => Self::Bytes(value.as_deref()),
            Value::Json(value) => Self::Json(value.as_deref()),
            Value::ChronoDate(value) => Self::Date(*value),
            Value::ChronoTime(value) => Self::Time(*value),
            Value::ChronoDateTime(value) => Self::DateTime(*value),
            Value::ChronoDateTimeUtc(value) => Self::Timestamp(*value),
            Value::ChronoDateTimeLocal(value) => Self::Timestamp(value.map(|at| at.to_utc())),
            Value::ChronoDateTimeWithTimeZone(value) => {
                Self::Timestamp(value.map(|at| at.to_utc()))
            }
            Value::TimeDate(value) => Self::Date(value.map(date).transpose()?),
            Value::TimeTime(value) => Self::Time(value.map(time_of_day)),
            Value::TimeDateTime(value) => Self::DateTime(value.map(date_time).transpose()?),
            Value::TimeDateTimeWithTimeZone(value) => {
                Self::Timestamp(value.map(timestamp).transpose()?)
            }
            Value::Uuid(value) => Self::Uuid(*value),
            Value::Decimal(value) => Self::Decimal(*value),
            Value::Array(element, values) => {
                Self::Array(element, values.as_ref().map(|values| values.as_slice()))
            }
            #[allow(
                unreachable_patterns,
                reason = "another crate of the build may switch on more of sea-query's variants"
            )]
            other => {
                return Err(Error::new(
                    ErrorKind::Encode,
                    format!(
                        "a bind argument of type {:?} is not supported",
                        other.array_type()
                    ),
                ));
            }
        })
    }
}

fn date(value: time::Date) -> Result<NaiveDate> {
    NaiveDate::from_yo_opt(value.year(), value.ordinal().into())
        .ok_or_else(|| Error::new(ErrorKind::Encode, "the year of a date is out of range"))
}

fn time_of_day(value: time::Time) -> NaiveTime {
    let (hour, minute, second, nano) = value.as_hms_nano();
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nano)
        .expect("both crates count a day's time alike")
}

fn date_time(value: PrimitiveDateTime) -> Result<NaiveDateTime> {
    Ok(date(value.date())?.and_time(time_of_day(value.time())))
}

fn timestamp(value: OffsetDateTime) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp(value.unix_timestamp(), value.nanosecond())
        .ok_or_else(|| Error::new(ErrorKind::Encode, "the year of a timestamp is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_date_crates_bind_the_same() {
        let chrono = DateTime::from_timestamp(1_700_000_000, 123_456_000).unwrap();
        let time = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_000).unwrap();
        assert_eq!(
            Argument::of(&Value::ChronoDateTimeUtc(Some(chrono))).unwrap(),
            Argument::of(&Value::TimeDateTimeWithTimeZone(Some(time))).unwrap()
        );
        let naive = PrimitiveDateTime::new(time.date(), time.time());
        assert_eq!(
            Argument::of(&Value::ChronoDateTime(Some(chrono.naive_utc()))).unwrap(),
            Argument::of(&Value::TimeDateTime(Some(naive))).unwrap()
        );
    }

    #[test]
    fn null_keeps_its_type() {
        let null = Value::SmallInt(None);
        assert_eq!(Argument::of(&null).unwrap(), Argument::Int16(None));
        let null = Value::Enum(OptionEnum::None("mood".into()));
        assert_eq!(Argument::of(&null).unwrap(), Argument::Text(None));
    }
}
