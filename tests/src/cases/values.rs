//! Values there and back.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use entourage::{Database, prelude::*};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use crate::models::{create, values::*};

pub(super) fn sample(id: i64) -> NewSample {
    let moment: NaiveDateTime = "2024-02-29T23:59:58.123456".parse().unwrap();
    NewSample {
        id,
        truth: true,
        small: -7,
        int: 70_000,
        big: 1 << 40,
        float: 1.5,
        double: 0.1,
        decimal: Decimal::new(12_345, 2),
        text: "Grüße, 世界 🌍 'quoted' \"twice\" \\ %_".to_owned(),
        bytes: vec![0, 1, 254, 255],
        date: moment.date(),
        time: moment.time(),
        moment,
        instant: moment.and_utc(),
        uuid: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        json: Json(json!({"a": [1, 2.5, null, "ü"], "b": {"c": true}})),
        points: Points(9),
    }
}

async fn round_trip(db: &Database, new: NewSample) -> Sample {
    let samples = SampleRepository::new(db);
    let inserted = samples.insert(new).await.unwrap();
    let read = samples.get(inserted.id).await.unwrap();
    assert_eq!(read, inserted);
    let updated = samples.update(&read).await.unwrap();
    assert_eq!(updated, read);
    assert_eq!(samples.get(read.id).await.unwrap(), read);
    read
}

pub async fn every_type_comes_back(db: &Database) {
    create(db, &[Sample::table()]).await;
    let read = round_trip(db, sample(1)).await;
    let sent = sample(1);
    assert_eq!(
        (read.truth, read.small, read.int, read.big),
        (sent.truth, sent.small, sent.int, sent.big)
    );
    assert_eq!(
        (read.float, read.double, read.decimal),
        (sent.float, sent.double, sent.decimal)
    );
    assert_eq!((read.text, read.bytes), (sent.text, sent.bytes));
    assert_eq!(
        (read.date, read.time, read.moment),
        (sent.date, sent.time, sent.moment)
    );
    assert_eq!(
        (read.instant, read.uuid, read.json),
        (sent.instant, sent.uuid, sent.json)
    );
    assert_eq!(read.points, sent.points);
}

pub async fn extremes_come_back(db: &Database) {
    create(db, &[Sample::table()]).await;
    let least = NewSample {
        truth: false,
        small: i16::MIN,
        int: i32::MIN,
        big: i64::MIN,
        float: f32::MIN_POSITIVE,
        double: f64::MIN,
        decimal: Decimal::ZERO,
        text: String::new(),
        bytes: Vec::new(),
        date: NaiveDate::from_ymd_opt(1000, 1, 1).unwrap(),
        time: NaiveTime::MIN,
        moment: "1000-01-01T00:00:00".parse().unwrap(),
        instant: DateTime::from_timestamp_micros(-1).unwrap(),
        uuid: Uuid::nil(),
        json: Json(json!(null)),
        ..sample(i64::MIN)
    };
    let read = round_trip(db, least).await;
    assert_eq!(
        (read.id, read.small, read.int, read.big),
        (i64::MIN, i16::MIN, i32::MIN, i64::MIN)
    );
    assert_eq!(
        (read.double, read.text.as_str(), read.bytes.len()),
        (f64::MIN, "", 0)
    );
    assert_eq!(read.instant.timestamp_micros(), -1);
    assert_eq!(read.json, Json(json!(null)));
    let greatest = NewSample {
        small: i16::MAX,
        int: i32::MAX,
        big: i64::MAX,
        float: 3.25e37,
        double: f64::MAX,
        decimal: Decimal::new(-99_999_999_999_999, 4),
        text: "x".repeat(60_000),
        bytes: vec![7; 100_000],
        date: NaiveDate::from_ymd_opt(9999, 12, 31).unwrap(),
        time: NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap(),
        moment: "9999-12-31T23:59:59.999999".parse().unwrap(),
        uuid: Uuid::max(),
        json: Json(json!("text")),
        points: Points(i64::MAX),
        ..sample(i64::MAX)
    };
    let read = round_trip(db, greatest).await;
    assert_eq!(
        (read.id, read.small, read.int, read.big),
        (i64::MAX, i16::MAX, i32::MAX, i64::MAX)
    );
    assert_eq!((read.float, read.double), (3.25e37, f64::MAX));
    assert_eq!(read.decimal, Decimal::new(-99_999_999_999_999, 4));
    assert_eq!((read.text.len(), read.bytes.len()), (60_000, 100_000));
    assert_eq!(
        read.time,
        NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap()
    );
    assert_eq!(
        (read.json, read.points),
        (Json(json!("text")), Points(i64::MAX))
    );
}

pub async fn nulls_come_back(db: &Database) {
    create(db, &[Gap::table()]).await;
    let gaps = GapRepository::new(db);
    let empty = gaps.insert(NewGap::new(1)).await.unwrap();
    assert_eq!(gaps.get(1).await.unwrap(), empty);
    assert!(
        empty.truth.is_none()
            && empty.decimal.is_none()
            && empty.json.is_none()
            && empty.uuid.is_none()
    );
    let zoned = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let full = NewGap {
        truth: Some(true),
        small: Some(1),
        json: Some(Json(json!([]))),
        instant: DateTime::from_timestamp(5, 0),
        uuid: Some(Uuid::max()),
        zoned: Some(zoned),
        day: Some(zoned.date()),
        points: Some(Points(1)),
        ..NewGap::new(2)
    };
    let full = gaps.insert(full).await.unwrap();
    assert_eq!(
        (full.zoned, full.day, full.points),
        (Some(zoned), Some(zoned.date()), Some(Points(1)))
    );
    let emptied = gaps
        .update(&Gap {
            id: 2,
            ..empty.clone()
        })
        .await
        .unwrap();
    assert_eq!(gaps.get(2).await.unwrap(), emptied);
    assert!(emptied.zoned.is_none());
    let both = gaps
        .insert_many([
            NewGap {
                int: Some(5),
                ..NewGap::new(3)
            },
            NewGap::new(4),
        ])
        .await
        .unwrap();
    assert_eq!((both[0].int, both[1].int), (Some(5), None));
}

pub async fn every_type_compares(db: &Database) {
    create(db, &[Sample::table()]).await;
    let samples = SampleRepository::new(db);
    samples.insert(sample(1)).await.unwrap();
    let sent = sample(1);
    let filters = [
        Sample::TRUTH.is_true(),
        Sample::SMALL.eq(sent.small),
        Sample::FLOAT.eq(sent.float),
        Sample::DOUBLE.eq(sent.double),
        Sample::DECIMAL.eq(sent.decimal),
        Sample::DECIMAL.in_list([sent.decimal, Decimal::ONE]),
        Sample::TEXT.eq(sent.text.clone()),
        Sample::TEXT.in_list([sent.text, "other".to_owned()]),
        Sample::BYTES.eq(sent.bytes.clone()),
        Sample::BYTES.in_list([sent.bytes, vec![1]]),
        Sample::DATE.eq(sent.date),
        Sample::DATE.in_list([sent.date, NaiveDate::default()]),
        Sample::TIME.eq(sent.time),
        Sample::TIME.in_list([sent.time, NaiveTime::MIN]),
        Sample::MOMENT.eq(sent.moment),
        Sample::MOMENT.in_list([sent.moment, "2001-01-01T00:00:00".parse().unwrap()]),
        Sample::INSTANT.eq(sent.instant),
        Sample::INSTANT.lt(sent.instant + chrono::Duration::microseconds(1)),
        Sample::INSTANT.in_list([sent.instant, DateTime::UNIX_EPOCH]),
        Sample::UUID.eq(sent.uuid),
        Sample::UUID.in_list([sent.uuid, Uuid::nil()]),
        Sample::POINTS.eq(sent.points),
        Sample::TRUTH.in_list([true, false]),
        Sample::DOUBLE.in_list([0.1, 7.0]),
    ];
    for (number, filter) in filters.into_iter().enumerate() {
        let shown = format!("{number} {filter:?}");
        assert_eq!(
            samples
                .filter(filter)
                .count()
                .await
                .map_err(|e| format!("{e:?}")),
            Ok(1),
            "{shown}"
        );
    }
    assert_eq!(samples.filter(Sample::INT.eq(1)).count().await.unwrap(), 0);
    let many = (0..70_000).map(Uuid::from_u128).chain([sent.uuid]);
    assert_eq!(
        samples
            .filter(Sample::UUID.in_list(many))
            .count()
            .await
            .unwrap(),
        1
    );
}
