//! Values and changes as bytes.
//!
//! A tag of our own for each kind of value, little-endian numbers, lengths before what has one. A serialisation crate
//! would tie the files to how it sees sea-query's enum, whose variants depend on features; these tags never change.
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;

use crate::{
    error::{Error, Result},
    result_cache::write_behind::change::{Change, Edit, Set},
    schema::{ArrayType, Value},
};

/// Marks NULL of a type.
const NULL: u8 = 0x80;

/// Bytes being written.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// A length; nothing of 4 GiB can be sent to a database either.
    pub(super) fn len(&mut self, length: usize) {
        self.u32(u32::try_from(length).unwrap_or(u32::MAX));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.0.extend(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn values(&mut self, values: &[Value]) -> Result<()> {
        self.len(values.len());
        values.iter().try_for_each(|value| self.value(value))
    }

    pub(super) fn value(&mut self, value: &Value) -> Result<()> {
        macro_rules! put {
            ($tag:literal, $value:expr, |$some:ident| $bytes:expr) => {
                match $value {
                    None => self.u8($tag | NULL),
                    Some($some) => {
                        self.u8($tag);
                        self.0.extend($bytes);
                    }
                }
            };
        }
        match value {
            Value::Bool(value) => put!(1, value, |v| [u8::from(*v)]),
            Value::TinyInt(value) => put!(2, value, |v| v.to_le_bytes()),
            Value::SmallInt(value) => put!(3, value, |v| v.to_le_bytes()),
            Value::Int(value) => put!(4, value, |v| v.to_le_bytes()),
            Value::BigInt(value) => put!(5, value, |v| v.to_le_bytes()),
            Value::TinyUnsigned(value) => put!(6, value, |v| v.to_le_bytes()),
            Value::SmallUnsigned(value) => put!(7, value, |v| v.to_le_bytes()),
            Value::Unsigned(value) => put!(8, value, |v| v.to_le_bytes()),
            Value::BigUnsigned(value) => put!(9, value, |v| v.to_le_bytes()),
            Value::Float(value) => put!(10, value, |v| v.to_le_bytes()),
            Value::Double(value) => put!(11, value, |v| v.to_le_bytes()),
            Value::String(Some(text)) => {
                self.u8(12);
                self.text(text);
            }
            Value::String(None) => self.u8(12 | NULL),
            Value::Char(value) => put!(13, value, |v| u32::from(*v).to_le_bytes()),
            Value::Bytes(value) => put!(14, value, |v| prefixed(v)),
            Value::Json(value) => put!(15, value, |v| prefixed(v.to_string().as_bytes())),
            Value::ChronoDate(value) => put!(16, value, |v| date(*v)),
            Value::ChronoTime(value) => put!(17, value, |v| time(*v)),
            Value::ChronoDateTime(value) => put!(18, value, |v| date_time(*v)),
            Value::ChronoDateTimeUtc(value) => put!(19, value, |v| date_time(v.naive_utc())),
            Value::TimeDate(value) => put!(20, value, |v| v.to_julian_day().to_le_bytes()),
            Value::TimeTime(value) => put!(21, value, |v| time_time(*v)),
            Value::TimeDateTime(value) => put!(22, value, |v| {
                let day = v.date().to_julian_day().to_le_bytes();
                day.into_iter().chain(time_time(v.time()))
            }),
            Value::TimeDateTimeWithTimeZone(value) => put!(23, value, |v| {
                let nanos = v.unix_timestamp_nanos().to_le_bytes();
                nanos
                    .into_iter()
                    .chain(v.offset().whole_seconds().to_le_bytes())
            }),
            Value::Uuid(value) => put!(24, value, |v| *v.as_bytes()),
            Value::Decimal(value) => put!(25, value, |v| v.serialize()),
            Value::Array(kind, values) => {
                let tag = array_tag(kind)?;
                self.u8(if values.is_some() { 26 } else { 26 | NULL });
                self.u8(tag);
                if let Some(values) = values {
                    self.values(values)?;
                }
            }
            other => {
                return Err(Error::unsupported(format!(
                    "a value of the kind {} cannot be journaled",
                    kind_name(other)
                )));
            }
        }
        Ok(())
    }

    pub(super) fn change(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Insert(row) => {
                self.u8(1);
                self.values(row)
            }
            Change::Update(edit) => {
                self.u8(2);
                self.edit(edit)
            }
            Change::Delete(edit) => {
                self.u8(3);
                self.edit(edit)
            }
            Change::Replace(row) => {
                self.u8(4);
                self.values(row)
            }
        }
    }

    fn edit(&mut self, edit: &Edit) -> Result<()> {
        self.len(edit.set.len());
        for (column, set) in edit.set.iter() {
            self.len(column);
            let (tag, value) = match set {
                Set::To(value) => (1, value),
                Set::Add(value) => (2, value),
            };
            self.u8(tag);
            self.value(value)?;
        }
        self.u32(edit.bumps);
        self.value(&Value::BigInt(edit.expected))?;
        match &edit.image {
            None => self.u8(0),
            Some(image) => {
                self.u8(1);
                self.values(image)?;
            }
        }
        Ok(())
    }
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(bytes);
    writer.0
}

fn date(date: NaiveDate) -> [u8; 4] {
    use chrono::Datelike;
    date.num_days_from_ce().to_le_bytes()
}

fn time(time: NaiveTime) -> impl IntoIterator<Item = u8> {
    use chrono::Timelike;
    let seconds = time.num_seconds_from_midnight().to_le_bytes();
    seconds.into_iter().chain(time.nanosecond().to_le_bytes())
}

fn date_time(both: NaiveDateTime) -> impl IntoIterator<Item = u8> {
    date(both.date()).into_iter().chain(time(both.time()))
}

fn time_time(time: ::time::Time) -> impl IntoIterator<Item = u8> {
    let (hour, minute, second, nano) = time.as_hms_nano();
    [hour, minute, second].into_iter().chain(nano.to_le_bytes())
}

/// The kinds of element that columns can have.
fn array_tag(kind: &ArrayType) -> Result<u8> {
    Ok(match kind {
        ArrayType::Bool => 1,
        ArrayType::SmallInt => 3,
        ArrayType::Int => 4,
        ArrayType::BigInt => 5,
        ArrayType::Float => 10,
        ArrayType::Double => 11,
        ArrayType::String => 12,
        ArrayType::Uuid => 24,
        other => {
            return Err(Error::unsupported(format!(
                "an array of the kind {other:?} cannot be journaled"
            )));
        }
    })
}

fn array_type(tag: u8) -> Option<ArrayType> {
    Some(match tag {
        1 => ArrayType::Bool,
        3 => ArrayType::SmallInt,
        4 => ArrayType::Int,
        5 => ArrayType::BigInt,
        10 => ArrayType::Float,
        11 => ArrayType::Double,
        12 => ArrayType::String,
        24 => ArrayType::Uuid,
        _ => return None,
    })
}

/// The variant's name, without the value.
fn kind_name(value: &Value) -> String {
    let text = format!("{value:?}");
    text.split('(').next().unwrap_or_default().to_owned()
}

/// Bytes being read; every method is `None` where they do not fit.
#[derive(Debug)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn len(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.len()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    pub(super) fn values(&mut self) -> Option<Vec<Value>> {
        let count = self.len()?;
        // Each takes a byte at least, so a wrong count cannot ask for more memory than there are bytes.
        if count > self.0.len() {
            return None;
        }
        (0..count).map(|_| self.value()).collect()
    }

    pub(super) fn value(&mut self) -> Option<Value> {
        let tag = self.u8()?;
        let null = tag & NULL != 0;
        macro_rules! get {
            ($variant:ident, $read:expr) => {
                Value::$variant(if null { None } else { Some($read) })
            };
        }
        macro_rules! number {
            ($variant:ident, $type:ty) => {
                get!($variant, <$type>::from_le_bytes(self.array()?))
            };
        }
        Some(match tag & !NULL {
            1 => get!(Bool, self.u8()? != 0),
            2 => number!(TinyInt, i8),
            3 => number!(SmallInt, i16),
            4 => number!(Int, i32),
            5 => number!(BigInt, i64),
            6 => number!(TinyUnsigned, u8),
            7 => number!(SmallUnsigned, u16),
            8 => number!(Unsigned, u32),
            9 => number!(BigUnsigned, u64),
            10 => number!(Float, f32),
            11 => number!(Double, f64),
            12 => get!(String, self.text()?),
            13 => get!(Char, char::from_u32(self.u32()?)?),
            14 => get!(Bytes, self.bytes()?.to_vec()),
            15 => get!(Json, Box::new(serde_json::from_slice(self.bytes()?).ok()?)),
            16 => get!(ChronoDate, self.date()?),
            17 => get!(ChronoTime, self.time()?),
            18 => get!(ChronoDateTime, self.date()?.and_time(self.time()?)),
            19 => get!(ChronoDateTimeUtc, {
                let naive = self.date()?.and_time(self.time()?);
                DateTime::from_naive_utc_and_offset(naive, chrono::Utc)
            }),
            20 => get!(TimeDate, self.julian()?),
            21 => get!(TimeTime, self.time_time()?),
            22 => get!(
                TimeDateTime,
                ::time::PrimitiveDateTime::new(self.julian()?, self.time_time()?)
            ),
            23 => get!(TimeDateTimeWithTimeZone, self.offset_date_time()?),
            24 => get!(Uuid, uuid::Uuid::from_bytes(self.array()?)),
            25 => get!(Decimal, Decimal::deserialize(self.array()?)),
            26 => {
                let kind = array_type(self.u8()?)?;
                let values = if null {
                    None
                } else {
                    Some(Box::new(self.values()?))
                };
                Value::Array(kind, values)
            }
            _ => return None,
        })
    }

    fn date(&mut self) -> Option<NaiveDate> {
        NaiveDate::from_num_days_from_ce_opt(i32::from_le_bytes(self.array()?))
    }

    fn time(&mut self) -> Option<NaiveTime> {
        NaiveTime::from_num_seconds_from_midnight_opt(self.u32()?, self.u32()?)
    }

    fn julian(&mut self) -> Option<::time::Date> {
        ::time::Date::from_julian_day(i32::from_le_bytes(self.array()?)).ok()
    }

    fn time_time(&mut self) -> Option<::time::Time> {
        let [hour, minute, second] = self.array()?;
        ::time::Time::from_hms_nano(hour, minute, second, self.u32()?).ok()
    }

    fn offset_date_time(&mut self) -> Option<::time::OffsetDateTime> {
        let nanos = i128::from_le_bytes(self.array()?);
        let offset = i32::from_le_bytes(self.array()?);
        let utc = ::time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
        Some(utc.to_offset(::time::UtcOffset::from_whole_seconds(offset).ok()?))
    }

    pub(super) fn change(&mut self) -> Option<Change> {
        Some(match self.u8()? {
            1 => Change::Insert(self.values()?),
            2 => Change::Update(self.edit()?),
            3 => Change::Delete(self.edit()?),
            4 => Change::Replace(self.values()?),
            _ => return None,
        })
    }

    fn edit(&mut self) -> Option<Edit> {
        let mut edit = Edit::default();
        for _ in 0..self.len()? {
            let column = self.len()?;
            let set = match self.u8()? {
                1 => Set::To(self.value()?),
                2 => Set::Add(self.value()?),
                _ => return None,
            };
            edit.set.insert(column, set);
        }
        edit.bumps = self.u32()?;
        edit.expected = match self.value()? {
            Value::BigInt(expected) => expected,
            _ => return None,
        };
        edit.image = match self.u8()? {
            0 => None,
            1 => Some(self.values()?),
            _ => return None,
        };
        Some(edit)
    }
}

#[cfg(test)]
mod tests;
