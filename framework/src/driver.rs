//! Connections, behind one object-safe trait, and rows as neutral cells.
//!
//! This folder is the only home of sqlx and rusqlite. A driver sends a [`Statement`], turns each row into borrowed
//! [`Cell`]s by a decision made once per statement, and hands them to a [`RowSink`]. It knows nothing of pools,
//! transactions in progress elsewhere, caches or observers.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod argument;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod cells;
#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
mod disabled;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod failure;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) mod lent;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(not(feature = "postgres"))]
mod no_notices;
#[cfg(not(feature = "tls-rustls"))]
mod no_tls;
mod options;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "tls-rustls")]
mod rustls;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
mod session;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(any(feature = "sqlite", feature = "mysql"))]
mod text;
mod tls;
pub mod url;

#[cfg(not(feature = "mysql"))]
use disabled as mysql;
#[cfg(not(feature = "postgres"))]
use disabled as postgres;
#[cfg(not(feature = "sqlite"))]
use disabled as sqlite;
#[cfg(not(feature = "postgres"))]
use no_notices as notices;
#[cfg(not(feature = "tls-rustls"))]
use no_tls as rustls;
#[cfg(feature = "postgres")]
use postgres as notices;

use std::{fmt, ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, Result},
    schema::{Cell, Value},
    statement::Statement,
    statement_cache::StatementCounters,
};

pub use options::{ConnectOptions, OpenMode, StatementMode};
pub use session::{JournalMode, SqlMode, Synchronous, SynchronousCommit};
pub use tls::TlsMode;

/// Opens a connection, whatever stands between us and the server.
///
/// # Errors
/// A [`Configuration`](crate::ErrorKind::Configuration) error for options that do not fit, or a server that does not encrypt
/// or is not whom the options ask for;
/// [`Authentication`](crate::ErrorKind::Authentication) if the server refuses user, password or database;
/// [`Connection`](crate::ErrorKind::Connection) with the real cause if it cannot be reached or does not answer within
/// [`connect_timeout`](ConnectOptions::connect_timeout). No error shows the password.
pub async fn connect(options: &ConnectOptions) -> Result<Box<dyn Connection>> {
    connect_counted(options, &Arc::default(), false).await
}

/// The same for a connection whose prepared statements are counted by `counters`. If `look`, looks whether a pooler is in
/// between that the [`StatementMode`] does not fit.
///
/// # Errors
/// As [`connect`]; [`Configuration`](crate::ErrorKind::Configuration) for a pooler that would mix up answers.
pub(crate) async fn connect_counted(
    options: &ConnectOptions,
    counters: &Arc<StatementCounters>,
    look: bool,
) -> Result<Box<dyn Connection>> {
    options.validate()?;
    match options.dialect() {
        Dialect::Sqlite => sqlite::connect(options, counters, look).await,
        Dialect::Postgres => postgres::connect(options, counters, look).await,
        Dialect::Mysql => mysql::connect(options, counters, look).await,
    }
}

/// Opens two connections to a PostgreSQL server that carry notices between its sessions, over `channel`. What is notified
/// from now on, by anybody, is heard.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn notifications(
    options: &ConnectOptions,
    channel: &str,
) -> Result<(Box<dyn Notifier>, Box<dyn Notifications>)> {
    options.validate()?;
    notices::notifications(options, channel).await
}

/// Notifies all sessions that listen.
#[async_trait]
pub(crate) trait Notifier: Send {
    /// Notifies them of each of `payloads`, in this order; of less than 8000 bytes each.
    ///
    /// # Errors
    /// A connection error.
    async fn notify(&mut self, payloads: Vec<String>) -> Result<()>;
}

/// Hears what sessions were notified of.
#[async_trait]
pub(crate) trait Notifications: Send {
    /// The next notice. Safe to cancel.
    ///
    /// # Errors
    /// A connection error; nothing is heard any more then.
    async fn next(&mut self) -> Result<String>;
}

/// Takes rows as they arrive.
pub trait RowSink: Send {
    /// Takes the names of the columns, before the first row. Only those who read columns by name need it.
    ///
    /// # Errors
    /// An error ends the statement and is what the statement returns.
    fn columns(&mut self, _names: &mut dyn Iterator<Item = &str>) -> Result<()> {
        Ok(())
    }

    /// Which columns of a row are wanted, and in what order; all by default. The row's first cell is shown before the
    /// others are decoded, and [`row`](RowSink::row) gets the cells of the columns named here.
    ///
    /// # Errors
    /// An error ends the statement and is what the statement returns.
    fn pick(&mut self, _first: &Cell<'_>) -> Result<Option<&[usize]>> {
        Ok(None)
    }

    /// Takes one row. `Break` asks for no more rows; the statement then ends without an error.
    ///
    /// # Errors
    /// An error ends the statement and is what the statement returns.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>>;
}

/// A sink for statements that return no rows, or whose rows do not matter.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRows;

impl RowSink for NoRows {
    fn row(&mut self, _: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        Ok(ControlFlow::Continue(()))
    }
}

impl<F: FnMut(&[Cell<'_>]) -> Result<ControlFlow<()>> + Send> RowSink for F {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        self(cells)
    }
}

/// Takes rows of a stream at the pace of its consumer.
#[async_trait]
pub trait RowSender: Send + 'static {
    /// Decodes one row into the sender's own buffer. `Break` asks for no more rows.
    ///
    /// # Errors
    /// An error ends the statement and is what the statement returns.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>>;

    /// Waits until the consumer has room for the buffered row. `Break` if the consumer is gone.
    async fn sent(&mut self) -> ControlFlow<()>;

    /// The same for a driver that runs on a blocking thread.
    fn sent_blocking(&mut self) -> ControlFlow<()>;
}

/// Gives the rows of a `COPY`.
#[async_trait]
pub trait CopyRows: Send {
    /// Puts the values of the next rows into `values`, row after row, in the order of the statement's columns; `false`
    /// when there are no more.
    ///
    /// # Errors
    /// An error ends the statement, takes back what it did, and is what the statement returns.
    async fn next(&mut self, values: &mut Vec<Value>) -> Result<bool>;

    /// The number by which the user knows the row with this number in the statement, for errors; both count from 1.
    fn number(&self, _row: u64) -> Option<u64> {
        None
    }
}

/// What a statement did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows handed to the sink.
    pub rows: u64,
    /// Rows changed, as the database counts them.
    pub affected: u64,
    /// The first generated key of an insert, where the protocol tells it (MySQL, SQLite).
    pub last_insert_id: Option<i64>,
    /// Whether the statement was prepared already on this connection; `None` where it is not prepared by name.
    pub prepared: Option<bool>,
}

/// One open connection.
///
/// Cancellation: a future of this trait dropped before its end leaves the connection in an unknown state, which
/// [`is_broken`](Connection::is_broken) then reports; whoever holds it must close it and not lend it again.
#[async_trait]
pub trait Connection: Send + fmt::Debug {
    /// The dialect it speaks.
    fn dialect(&self) -> Dialect;

    /// What the server can do.
    fn capabilities(&self) -> Capabilities;

    /// Runs one statement and hands its rows to `sink`.
    ///
    /// # Errors
    /// The database's error, classified; a connection error; or the sink's own.
    async fn run(&mut self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome>;

    /// Runs one statement and sends its rows at the consumer's pace, with flat memory.
    ///
    /// # Errors
    /// As [`run`](Connection::run).
    async fn stream(
        &mut self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> Result<Outcome>;

    /// Runs one `COPY .. FROM STDIN` in binary form, with the rows that `rows` gives, all or none. The plan's
    /// [`columns`](crate::statement::Plan::columns) are the types of the columns that it gives.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where there is no COPY: on all databases but PostgreSQL. The
    /// database's error, classified; a connection error; the error of `rows`.
    async fn copy(&mut self, statement: &Statement, _rows: &mut dyn CopyRows) -> Result<Outcome> {
        Err(no_copy(statement))
    }

    /// Runs text without arguments and without preparing it: BEGIN, COMMIT, settings, scripts of several statements.
    ///
    /// # Errors
    /// The database's error, classified, or a connection error.
    async fn batch(&mut self, sql: &str) -> Result<()>;

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// A connection error if there is none.
    async fn ping(&mut self) -> Result<()>;

    /// Whether the connection must not be used again: lost, or cancelled in the middle of a statement.
    fn is_broken(&self) -> bool;

    /// Forgets every prepared statement (after a schema change).
    ///
    /// # Errors
    /// A connection error.
    async fn clear_statements(&mut self) -> Result<()>;

    /// Closes the connection in order.
    async fn close(self: Box<Self>);
}

/// The error of a connection, or of what stands before one, that takes no rows by COPY.
pub(crate) fn no_copy(statement: &Statement) -> Error {
    Error::unsupported("rows cannot be copied through this connection")
        .with_hint("insert them by `VALUES`")
        .at(statement.call_site)
}
