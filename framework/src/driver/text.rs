//! Values as text, for databases without a type for them.
//!
//! Dates and times are ISO 8601 of fixed width, so that texts sort as the times do; an array is a JSON array.
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::argument::Argument;
use crate::{
    error::{Error, ErrorKind, Result},
    schema::Value,
};

pub(super) fn date(value: NaiveDate) -> String {
    value.format("%Y-%m-%d").to_string()
}

pub(super) fn time(value: NaiveTime) -> String {
    value.format("%H:%M:%S%.6f").to_string()
}

pub(super) fn date_time(value: NaiveDateTime) -> String {
    value.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

pub(super) fn timestamp(value: DateTime<Utc>) -> String {
    value.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()
}

/// An array as JSON text, for databases without arrays.
pub(super) fn json_array(values: &[Value]) -> Result<String> {
    let elements: Vec<serde_json::Value> =
        values.iter().map(json_element).collect::<Result<_>>()?;
    Ok(serde_json::Value::Array(elements).to_string())
}

fn json_element(value: &Value) -> Result<serde_json::Value> {
    use serde_json::Value as Json;
    let json = match Argument::of(value)? {
        Argument::Bool(value) => value.map(Json::from),
        Argument::Int16(value) => value.map(Json::from),
        Argument::Int32(value) => value.map(Json::from),
        Argument::Int64(value) => value.map(Json::from),
        Argument::UInt64(value) => value.map(Json::from),
        // By its shortest text, so that 0.1 stays 0.1.
        Argument::Float32(value) => value.map(|value| {
            let shortest = value.to_string().parse::<f64>();
            Json::from(shortest.unwrap_or_else(|_| value.into()))
        }),
        Argument::Float64(value) => value.map(Json::from),
        Argument::Text(value) => value.map(|value| Json::from(value.into_owned())),
        Argument::Json(value) => value.cloned(),
        Argument::Uuid(value) => value.map(|value| Json::from(value.to_string())),
        Argument::Decimal(value) => value.map(|value| Json::from(value.to_string())),
        Argument::Date(value) => value.map(|value| Json::from(date(value))),
        Argument::Time(value) => value.map(|value| Json::from(time(value))),
        Argument::DateTime(value) => value.map(|value| Json::from(date_time(value))),
        Argument::Timestamp(value) => value.map(|value| Json::from(timestamp(value))),
        Argument::Bytes(_) | Argument::Array(..) => {
            return Err(Error::new(
                ErrorKind::Encode,
                "an array of bytes or of arrays cannot be kept as JSON",
            ));
        }
    };
    Ok(json.unwrap_or(Json::Null))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn arrays_become_json_text() {
        let values = [
            Value::Int(Some(-1)),
            Value::String(Some("a\"b".into())),
            Value::Uuid(Some(Uuid::nil())),
            Value::Float(Some(0.1)),
            Value::Bool(None),
        ];
        assert_eq!(
            json_array(&values).unwrap(),
            r#"[-1,"a\"b","00000000-0000-0000-0000-000000000000",0.1,null]"#
        );
        assert!(json_array(&[Value::Bytes(Some(vec![1]))]).is_err());
    }

    #[test]
    fn texts_of_times_have_a_fixed_width() {
        let at = DateTime::from_timestamp(0, 0).unwrap();
        assert_eq!(timestamp(at), "1970-01-01 00:00:00.000000+00:00");
        assert_eq!(date_time(at.naive_utc()), "1970-01-01 00:00:00.000000");
        assert_eq!(time(at.time()), "00:00:00.000000");
        assert_eq!(date(at.date_naive()), "1970-01-01");
    }
}
