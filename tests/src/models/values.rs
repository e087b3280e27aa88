//! One column of every type, with and without NULL.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use entourage::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbNewtype)]
pub struct Points(pub i64);

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "samples")]
pub struct Sample {
    #[entity(primary_key)]
    pub id: i64,
    pub truth: bool,
    pub small: i16,
    pub int: i32,
    pub big: i64,
    pub float: f32,
    pub double: f64,
    pub decimal: Decimal,
    pub text: String,
    pub bytes: Vec<u8>,
    pub date: NaiveDate,
    pub time: NaiveTime,
    pub moment: NaiveDateTime,
    pub instant: DateTime<Utc>,
    pub uuid: Uuid,
    pub json: Json<serde_json::Value>,
    pub points: Points,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "gaps")]
pub struct Gap {
    #[entity(primary_key)]
    pub id: i64,
    pub truth: Option<bool>,
    pub small: Option<i16>,
    pub int: Option<i32>,
    pub big: Option<i64>,
    pub float: Option<f32>,
    pub double: Option<f64>,
    pub decimal: Option<Decimal>,
    pub text: Option<String>,
    pub bytes: Option<Vec<u8>>,
    pub date: Option<NaiveDate>,
    pub time: Option<NaiveTime>,
    pub moment: Option<NaiveDateTime>,
    pub instant: Option<DateTime<Utc>>,
    pub uuid: Option<Uuid>,
    pub json: Option<Json<serde_json::Value>>,
    pub points: Option<Points>,
    pub zoned: Option<time::OffsetDateTime>,
    pub day: Option<time::Date>,
}
