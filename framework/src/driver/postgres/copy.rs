//! `COPY .. FROM STDIN` in PostgreSQL's binary form.
//!
//! Values are written as the statement's column types say, not as their own: the server checks the length of what it is
//! given, and nothing else. Whoever sends the statement has made sure that its columns are of these types.
use rust_decimal::Decimal;
use sqlx::{
    Encode, Postgres,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgConnection, PgCopyIn, PgDatabaseError},
};

use super::not_encoded;
use crate::{
    driver::{CopyRows, Outcome, argument::Argument, server::Stop},
    error::{Error, ErrorKind, Result},
    schema::{SqlType, Value},
    statement::Statement,
};

/// How much is sent at once.
const BUFFER: usize = 64 * 1024;

/// The signature, no flags, no extension: PostgreSQL's manual, "COPY", "Binary Format".
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
const NULL: i32 = -1;

/// Sends the rows. An error of theirs takes back what was sent, and leaves the connection whole, unless the server has
/// refused a row meanwhile: sqlx leaves the end of that answer unread, and the next statement would take it for its own.
/// The error tells with it whether the connection can be used again.
pub(super) async fn run(
    connection: &mut PgConnection,
    statement: &Statement,
    rows: &mut dyn CopyRows,
) -> Result<Outcome, (Stop, bool)> {
    let copy = connection.copy_in_raw(statement.sql()).await;
    let mut copy = copy.map_err(|error| (error.into(), true))?;
    match send(&mut copy, &statement.plan.columns, rows).await {
        Ok(()) => {
            let finished = copy.finish().await;
            let affected = finished.map_err(|error| (error.into(), true))?;
            Ok(Outcome {
                affected,
                ..Outcome::default()
            })
        }
        Err(Stop::Ours(error)) => {
            let aborted = copy.abort("no more rows can be sent").await;
            Err((Stop::Ours(error), aborted.is_ok()))
        }
        Err(lost) => Err((lost, true)),
    }
}

/// The row of the statement, from 1, that the server's error is about, where it says so in English.
pub(super) fn row_of(error: &Error) -> Option<u64> {
    let told = std::error::Error::source(error)?
        .downcast_ref::<sqlx::Error>()?
        .as_database_error()?
        .try_downcast_ref::<PgDatabaseError>()?;
    let (_, line) = told.r#where()?.split_once(", line ")?;
    let digits = line.find(|c: char| !c.is_ascii_digit());
    line[..digits.unwrap_or(line.len())].parse().ok()
}

async fn send(
    copy: &mut PgCopyIn<&mut PgConnection>,
    types: &[SqlType],
    rows: &mut dyn CopyRows,
) -> Result<(), Stop> {
    let mut data = PgArgumentBuffer::default();
    data.reserve(BUFFER + BUFFER / 4);
    data.extend_from_slice(HEADER);
    let fields = i16::try_from(types.len()).map_err(|_| {
        Error::invalid_query("a COPY gives more columns than a table of PostgreSQL can have")
    })?;
    let mut values = Vec::new();
    while rows.next(&mut values).await? {
        for row in values.chunks_exact(types.len()) {
            data.extend_from_slice(&fields.to_be_bytes());
            for (sql_type, value) in types.iter().zip(row) {
                field(&mut data, *sql_type, value)?;
            }
            if data.len() >= BUFFER {
                copy.send(&data[..]).await?;
                data.clear();
            }
        }
        values.clear();
    }
    data.extend_from_slice(&TRAILER.to_be_bytes());
    copy.send(&data[..]).await?;
    Ok(())
}

/// A value after its length.
fn field(data: &mut PgArgumentBuffer, sql_type: SqlType, value: &Value) -> Result<()> {
    let start = data.len();
    data.extend_from_slice(&NULL.to_be_bytes());
    let body = data.len();
    if encode(data, sql_type, value)? {
        let length = i32::try_from(data.len() - body)
            .map_err(|_| Error::new(ErrorKind::Encode, "a value has more than 2 GiB"))?;
        data[start..body].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Writes the value as one of the type; false for NULL.
fn encode(data: &mut PgArgumentBuffer, sql_type: SqlType, value: &Value) -> Result<bool> {
    match (sql_type, Argument::of(value)?) {
        (SqlType::Bool, Argument::Bool(value)) => fixed(data, value, |value| [u8::from(value)]),
        (SqlType::SmallInt | SqlType::Int | SqlType::BigInt, argument) => {
            return integer(data, sql_type, argument);
        }
        (SqlType::Float, Argument::Float32(value)) => fixed(data, value, f32::to_be_bytes),
        (SqlType::Double, Argument::Float64(value)) => fixed(data, value, f64::to_be_bytes),
        (SqlType::Double, Argument::Float32(value)) => {
            fixed(data, value, |value| f64::from(value).to_be_bytes())
        }
        (SqlType::Text | SqlType::Enum(_), Argument::Text(value)) => {
            bytes(data, value.as_deref().map(str::as_bytes))
        }
        (SqlType::Bytes, Argument::Bytes(value)) => bytes(data, value),
        (SqlType::Uuid, Argument::Uuid(value)) => fixed(data, value, uuid::Uuid::into_bytes),
        (SqlType::Json, Argument::Json(value)) => match value {
            None => Ok(false),
            Some(value) => {
                // The version of jsonb's form.
                data.push(1);
                serde_json::to_writer(&mut **data, value)
                    .map(|()| true)
                    .map_err(Into::into)
            }
        },
        (SqlType::Decimal, Argument::Decimal(value)) => by_sqlx::<Decimal>(data, value),
        (SqlType::Date, Argument::Date(value)) => by_sqlx(data, value),
        (SqlType::Time, Argument::Time(value)) => by_sqlx(data, value),
        (SqlType::DateTime, Argument::DateTime(value)) => by_sqlx(data, value),
        (SqlType::Timestamp, Argument::Timestamp(value)) => by_sqlx(data, value),
        (SqlType::Array(element), Argument::Array(_, values)) => {
            return values.map_or(Ok(false), |values| array(data, *element, values));
        }
        (sql_type, _) => return Err(other_type(sql_type)),
    }
    .map_err(not_encoded)
}

fn by_sqlx<T: for<'q> Encode<'q, Postgres>>(
    data: &mut PgArgumentBuffer,
    value: Option<T>,
) -> Result<bool, BoxDynError> {
    match value {
        None => Ok(false),
        Some(value) => Ok(matches!(value.encode(data)?, IsNull::No)),
    }
}

fn fixed<T, const N: usize>(
    data: &mut PgArgumentBuffer,
    value: Option<T>,
    to_bytes: impl FnOnce(T) -> [u8; N],
) -> Result<bool, BoxDynError> {
    bytes(data, value.map(to_bytes).as_ref().map(<[u8; N]>::as_slice))
}

fn bytes(data: &mut PgArgumentBuffer, value: Option<&[u8]>) -> Result<bool, BoxDynError> {
    if let Some(value) = value {
        data.extend_from_slice(value);
    }
    Ok(value.is_some())
}

/// An integer in the width of its column.
fn integer(data: &mut PgArgumentBuffer, sql_type: SqlType, argument: Argument<'_>) -> Result<bool> {
    let number = match argument {
        Argument::Int16(number) => number.map(i128::from),
        Argument::Int32(number) => number.map(i128::from),
        Argument::Int64(number) => number.map(i128::from),
        Argument::UInt64(number) => number.map(i128::from),
        _ => return Err(other_type(sql_type)),
    };
    let Some(number) = number else {
        return Ok(false);
    };
    let too_large = |name: &str| {
        Error::new(
            ErrorKind::Encode,
            format!("{number} is out of the range of a {name}"),
        )
    };
    match sql_type {
        SqlType::SmallInt => {
            let number = i16::try_from(number).map_err(|_| too_large("smallint"))?;
            data.extend_from_slice(&number.to_be_bytes());
        }
        SqlType::Int => {
            let number = i32::try_from(number).map_err(|_| too_large("integer"))?;
            data.extend_from_slice(&number.to_be_bytes());
        }
        _ => {
            let number = i64::try_from(number).map_err(|_| too_large("bigint"))?;
            data.extend_from_slice(&number.to_be_bytes());
        }
    }
    Ok(true)
}

/// One dimension from 1: number of dimensions, whether there are NULLs, the element's type, length, lower bound, and each
/// element after its length.
fn array(data: &mut PgArgumentBuffer, element: SqlType, values: &[Value]) -> Result<bool> {
    let oid: i32 = match element {
        SqlType::Bool => 16,
        SqlType::SmallInt => 21,
        SqlType::Int => 23,
        SqlType::BigInt => 20,
        SqlType::Float => 700,
        SqlType::Double => 701,
        SqlType::Text => 25,
        SqlType::Uuid => 2950,
        other => return Err(other_type(other)),
    };
    let length = i32::try_from(values.len())
        .map_err(|_| Error::new(ErrorKind::Encode, "an array has too many elements"))?;
    let dimensions = i32::from(length > 0);
    for number in [dimensions, 0, oid] {
        data.extend_from_slice(&number.to_be_bytes());
    }
    if dimensions > 0 {
        for number in [length, 1] {
            data.extend_from_slice(&number.to_be_bytes());
        }
    }
    for value in values {
        field(data, element, value)?;
    }
    Ok(true)
}

#[cold]
fn other_type(sql_type: SqlType) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("a value is of another type than its column, {sql_type:?}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(sql_type: SqlType, value: Value) -> Vec<u8> {
        let mut data = PgArgumentBuffer::default();
        field(&mut data, sql_type, &value).unwrap();
        data.to_vec()
    }

    #[test]
    fn integers_have_the_width_of_their_column() {
        let seven = Value::SmallInt(Some(7));
        assert_eq!(
            written(SqlType::SmallInt, seven.clone()),
            [0, 0, 0, 2, 0, 7]
        );
        let wide = written(SqlType::BigInt, seven);
        assert_eq!(wide, [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7]);
        let mut data = PgArgumentBuffer::default();
        let large = Value::BigInt(Some(70_000));
        let error = field(&mut data, SqlType::SmallInt, &large).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("70000"), "{error}");
    }

    #[test]
    fn null_is_a_length_alone() {
        let nulls = [
            (SqlType::BigInt, Value::BigInt(None)),
            (SqlType::Text, Value::String(None)),
            (SqlType::Decimal, Value::Decimal(None)),
            (SqlType::Json, Value::Json(None)),
            (SqlType::Timestamp, Value::ChronoDateTimeUtc(None)),
        ];
        for (sql_type, value) in nulls {
            assert_eq!(written(sql_type, value), [255; 4], "{sql_type:?}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let mut data = PgArgumentBuffer::default();
        let text = Value::String(Some("1".to_owned()));
        let error = field(&mut data, SqlType::BigInt, &text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
    }
}
