//! What sqlx's errors mean, apart from those that the database reports.
use std::time::Duration;

use super::refusal;
use crate::{
    driver::ConnectOptions,
    error::{Error, ErrorKind, Result},
};

/// Why a statement ended before its time.
pub(in crate::driver) enum Stop {
    /// The sink's error, or one of this crate.
    Ours(Error),
    /// An error of the database or of the connection to it.
    Driver(sqlx::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Ours(error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Stop::Driver(error)
    }
}

/// The error for one that the database did not report.
pub(in crate::driver) fn driver_error(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        sqlx::Error::Io(cause) => (
            ErrorKind::Connection,
            format!("the connection was lost: {cause}"),
        ),
        sqlx::Error::Tls(cause) => (
            ErrorKind::Connection,
            format!("the encrypted connection failed: {cause}"),
        ),
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => (
            ErrorKind::Connection,
            format!("the connection is out of step: {error}"),
        ),
        sqlx::Error::Configuration(_) => (ErrorKind::Configuration, error.to_string()),
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => {
            (ErrorKind::Encode, error.to_string())
        }
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => (ErrorKind::Decode, error.to_string()),
        _ => (ErrorKind::Database, error.to_string()),
    };
    Error::new(kind, message).with_source(error)
}

/// Opens a connection within the options' time.
pub(in crate::driver) async fn timed_connect<C>(
    options: &ConnectOptions,
    opening: impl Future<Output = Result<C, sqlx::Error>>,
    database_error: fn(sqlx::Error) -> Error,
) -> Result<C> {
    let timeout = options.get_connect_timeout();
    match tokio::time::timeout(timeout, opening).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(could_not_connect(options, database_error(error))),
        Err(_) => Err(no_answer(options, timeout)),
    }
}

fn no_answer(options: &ConnectOptions, timeout: Duration) -> Error {
    let message = format!("could not connect to {options}: no answer within {timeout:?}");
    Error::new(ErrorKind::Connection, message)
}

/// Names the server in an error that came while connecting to it.
fn could_not_connect(options: &ConnectOptions, error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::Authentication => ErrorKind::Authentication,
        ErrorKind::Configuration => ErrorKind::Configuration,
        _ => ErrorKind::Connection,
    };
    let cause = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<sqlx::Error>())
        .map(|source| match source {
            sqlx::Error::Io(cause) => cause.to_string(),
            sqlx::Error::Tls(cause) => cause.to_string(),
            _ => error.to_string(),
        });
    let cause = cause.unwrap_or_else(|| error.to_string());
    if let Some(refused) = refusal::refused(options, &cause) {
        return refused.with_source(error);
    }
    Error::new(kind, format!("could not connect to {options}: {cause}")).with_source(error)
}
