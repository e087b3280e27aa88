//! Every value that goes in comes out.
use std::{fmt::Debug, ops::ControlFlow};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use super::{Scene, on_each_database, placeholders, statement};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    schema::{Cell, ColumnValue, Row, SqlType},
    statement::StatementKind,
};

on_each_database! {
    numbers
    texts_and_bytes
    dates_and_times
    uuids_decimals_and_json
    arrays
}

fn type_name(dialect: Dialect, sql_type: SqlType) -> &'static str {
    let [sqlite, postgres, mysql] = match sql_type {
        SqlType::Bool => ["BOOLEAN", "boolean", "BOOLEAN"],
        SqlType::SmallInt => ["INTEGER", "smallint", "SMALLINT"],
        SqlType::Int => ["INTEGER", "integer", "INT"],
        SqlType::BigInt => ["INTEGER", "bigint", "BIGINT"],
        SqlType::Float => ["REAL", "real", "FLOAT"],
        SqlType::Double => ["REAL", "double precision", "DOUBLE"],
        SqlType::Decimal => ["NUMERIC", "numeric", "DECIMAL(38, 10)"],
        SqlType::Text => ["TEXT", "text", "LONGTEXT"],
        SqlType::Bytes => ["BLOB", "bytea", "BLOB"],
        SqlType::Date => ["TEXT", "date", "DATE"],
        SqlType::Time => ["TEXT", "time", "TIME(6)"],
        SqlType::DateTime => ["TEXT", "timestamp", "DATETIME(6)"],
        SqlType::Timestamp => ["TEXT", "timestamptz", "TIMESTAMP(6) NULL"],
        SqlType::Uuid => ["BLOB", "uuid", "BINARY(16)"],
        SqlType::Json => ["TEXT", "jsonb", "JSON"],
        SqlType::Array(element) => [
            "TEXT",
            match element {
                SqlType::Bool => "boolean[]",
                SqlType::SmallInt => "smallint[]",
                SqlType::Int => "integer[]",
                SqlType::BigInt => "bigint[]",
                SqlType::Float => "real[]",
                SqlType::Double => "double precision[]",
                SqlType::Uuid => "uuid[]",
                _ => "text[]",
            },
            "JSON",
        ],
        SqlType::Enum(_) => ["TEXT", "text", "VARCHAR(40)"],
    };
    match dialect {
        Dialect::Sqlite => sqlite,
        Dialect::Postgres => postgres,
        Dialect::Mysql => mysql,
    }
}

/// Stores each value and NULL, and reads them back in order.
async fn round_trip<T: ColumnValue<Base = T> + PartialEq + Debug>(scene: &mut Scene, values: &[T]) {
    let connection = &mut *scene.connection;
    let dialect = connection.dialect();
    let name = type_name(dialect, T::TYPE);
    connection
        .batch(&format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (n INTEGER PRIMARY KEY, v {name})"
        ))
        .await
        .expect("the table can be made");
    connection.clear_statements().await.expect("forgets");
    let insert = placeholders(dialect, "INSERT INTO t (n, v) VALUES (?, ?)");
    let mut expected: Vec<Option<T>> = values.iter().cloned().map(Some).collect();
    expected.push(None);
    for (number, value) in expected.iter().enumerate() {
        let number = i32::try_from(number).expect("few values");
        let args = vec![number.to_value(), value.to_value()];
        let outcome = connection
            .run(
                &statement(&insert, StatementKind::Insert, args),
                &mut NoRows,
            )
            .await
            .unwrap_or_else(|error| panic!("{dialect:?} {name} {value:?}: {error:?}"));
        assert_eq!(outcome.affected, 1);
    }
    let mut found: Vec<Option<T>> = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        found.push(Row::new(cells).read()?);
        Ok(ControlFlow::Continue(()))
    };
    let select = statement("SELECT v FROM t ORDER BY n", StatementKind::Select, vec![]);
    connection
        .run(&select, &mut sink)
        .await
        .unwrap_or_else(|error| panic!("{dialect:?} {name}: {error:?}"));
    assert_eq!(found, expected, "{dialect:?} {name}");
}

async fn numbers(scene: &mut Scene) {
    round_trip(scene, &[true, false]).await;
    round_trip(scene, &[0_i16, -1, i16::MIN, i16::MAX]).await;
    round_trip(scene, &[0_i32, -1, i32::MIN, i32::MAX]).await;
    round_trip(scene, &[0_i64, -1, i64::MIN, i64::MAX]).await;
    round_trip(scene, &[0_i8, i8::MIN, i8::MAX]).await;
    round_trip(scene, &[0_u8, u8::MAX]).await;
    round_trip(scene, &[0_u16, u16::MAX]).await;
    round_trip(scene, &[0_u32, u32::MAX]).await;
    round_trip(scene, &[0.0_f32, 0.1, -1.5, 1234.5]).await;
    round_trip(scene, &[0.0_f64, 0.1, -1e300, 1e-300, f64::MAX]).await;
}

async fn texts_and_bytes(scene: &mut Scene) {
    let long = "é".repeat(100_000);
    let texts = [
        "",
        "a",
        "Ünïcödé 🦀 \u{0}".trim_end_matches('\0'),
        "'\"\\?$1",
        &long,
    ];
    round_trip(scene, &texts.map(str::to_owned)).await;
    round_trip(scene, &[vec![], vec![0_u8, 255, 39], vec![7_u8; 60_000]]).await;
}

async fn dates_and_times(scene: &mut Scene) {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
    let clock = |hour, minute, micro| {
        NaiveTime::from_hms_micro_opt(hour, minute, 59, micro).expect("a time")
    };
    let days = [
        day(2024, 2, 29),
        day(1970, 1, 1),
        day(9999, 12, 31),
        day(1000, 1, 1),
    ];
    round_trip(scene, &days).await;
    let times = [NaiveTime::MIN, clock(23, 59, 999_999), clock(1, 2, 3)];
    round_trip(scene, &times).await;
    let date_times: Vec<_> = days
        .iter()
        .map(|day| day.and_time(clock(23, 59, 120_000)))
        .collect();
    round_trip(scene, &date_times).await;
    // MySQL's TIMESTAMP reaches from 1970 to 2038.
    let instants: Vec<DateTime<Utc>> = [(1, 0), (1_700_000_000, 123_456_000), (2_147_483_647, 0)]
        .into_iter()
        .map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).expect("an instant"))
        .collect();
    round_trip(scene, &instants).await;
    let instants: Vec<time::OffsetDateTime> = [1_i64, 1_700_000_000]
        .into_iter()
        .map(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).expect("an instant"))
        .collect();
    round_trip(scene, &instants).await;
    let days = instants.iter().map(|at| at.date()).collect::<Vec<_>>();
    round_trip(scene, &days).await;
}

async fn uuids_decimals_and_json(scene: &mut Scene) {
    round_trip(
        scene,
        &[Uuid::nil(), Uuid::max(), Uuid::from_u128(1 << 100)],
    )
    .await;
    let decimals = [
        "0",
        "1.5",
        "-0.0001",
        "12345678901.2345",
        "-99999",
        "100000000",
    ];
    let decimals = decimals.map(|text| text.parse::<Decimal>().expect("a decimal"));
    round_trip(scene, &decimals).await;
    let jsons = [
        json!({"a": [1, null, "é"], "b": {"c": true}}),
        json!([]),
        json!("x"),
        json!(1),
    ];
    round_trip(scene, &jsons).await;
}

async fn arrays(scene: &mut Scene) {
    round_trip(scene, &[vec![], vec![true, false]]).await;
    round_trip(scene, &[vec![], vec![1_i16, -1], vec![i16::MIN, i16::MAX]]).await;
    round_trip(scene, &[vec![1_i32, -1], vec![i32::MIN, i32::MAX]]).await;
    round_trip(scene, &[vec![1_i64, -1], vec![i64::MIN, i64::MAX]]).await;
    round_trip(scene, &[vec![0.5_f32, -1.25], vec![]]).await;
    round_trip(scene, &[vec![0.1_f64, -1e10], vec![]]).await;
    round_trip(scene, &[vec!["a".to_owned(), "\"é,{}".to_owned()], vec![]]).await;
    round_trip(scene, &[vec![Uuid::nil(), Uuid::max()], vec![]]).await;
}
