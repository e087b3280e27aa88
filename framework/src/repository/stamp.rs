//! What the framework writes of itself: versions, times, client-made keys.
use chrono::Utc;

use crate::schema::{
    ColumnDefault, SqlType, TableDef, Value,
    expression::{Arithmetic, Term},
};

/// The first version of a row.
const FIRST_VERSION: i64 = 1;

/// Fills the columns of a new row that the framework keeps itself.
pub(super) fn new_row(table: &TableDef, values: &mut [Option<Value>]) {
    let mut fill = |column: Option<usize>, value: Value| {
        if let Some(column) = column
            && values[column].is_none()
        {
            values[column] = Some(value);
        }
    };
    if let Some(column) = table.version {
        fill(
            Some(column),
            integer(table.columns[column].sql_type, FIRST_VERSION),
        );
    }
    for column in [table.created_at, table.updated_at].into_iter().flatten() {
        fill(Some(column), now(table.columns[column].sql_type));
    }
    for (position, column) in table.columns.iter().enumerate() {
        if column.default == ColumnDefault::ClientUuid {
            fill(Some(position), Value::Uuid(Some(uuid::Uuid::now_v7())));
        }
    }
}

/// The columns that every change of a row sets beside the user's.
pub(super) fn changed_row(table: &TableDef) -> Vec<(usize, Term)> {
    let version = table.version.map(|column| {
        let one = Term::Value(integer(table.columns[column].sql_type, 1));
        (
            column,
            Term::Arithmetic(
                Arithmetic::Add,
                Box::new(Term::Column(column)),
                Box::new(one),
            ),
        )
    });
    let updated_at = table
        .updated_at
        .map(|column| (column, Term::Value(now(table.columns[column].sql_type))));
    version.into_iter().chain(updated_at).collect()
}

/// A whole number for an integer column.
pub(super) fn integer(sql_type: SqlType, number: i64) -> Value {
    match sql_type {
        SqlType::SmallInt => Value::SmallInt(i16::try_from(number).ok()),
        SqlType::Int => Value::Int(i32::try_from(number).ok()),
        _ => Value::BigInt(Some(number)),
    }
}

/// NULL for a column that holds moments.
pub(super) fn never(sql_type: SqlType) -> Value {
    match sql_type {
        SqlType::Date => Value::ChronoDate(None),
        SqlType::DateTime => Value::ChronoDateTime(None),
        _ => Value::ChronoDateTimeUtc(None),
    }
}

/// The present moment for a column of this type, to the microsecond that all databases keep.
pub(super) fn now(sql_type: SqlType) -> Value {
    let now = Utc::now();
    let now = chrono::DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    match sql_type {
        SqlType::Date => Value::ChronoDate(Some(now.date_naive())),
        SqlType::DateTime => Value::ChronoDateTime(Some(now.naive_utc())),
        _ => Value::ChronoDateTimeUtc(Some(now)),
    }
}
