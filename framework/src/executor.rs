//! The one seam that every statement of the framework passes.
//!
//! [`Executor`] is implemented by the database handle, by transactions and by borrowed sqlx connections. Routing,
//! caches, observation and transactions attach here, so nothing goes uncounted.
pub(crate) mod explain;
mod handle;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod lent;
mod meter;
pub mod sharding;
pub(crate) mod watch;
pub mod written;

use std::{fmt, panic::Location};

use async_trait::async_trait;

pub use handle::{ExecutorHandle, IntoExecutor};
use sharding::Sharding;
use written::RowCache;

use crate::{
    dialect::{Capabilities, Dialect},
    driver::{self, CopyRows, Outcome, RowSender, RowSink},
    error::{Error, Result},
    statement::Statement,
};

/// Something that runs statements.
#[async_trait]
pub trait Executor: Send + Sync + fmt::Debug {
    /// The dialect statements are rendered in.
    fn dialect(&self) -> Dialect;

    /// What the server can do.
    fn capabilities(&self) -> Capabilities;

    /// Runs one statement and hands its rows to `sink`.
    ///
    /// # Errors
    /// The database's error with the statement's table and call site, a connection error, or the sink's own.
    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome>;

    /// Runs one statement and sends its rows at the consumer's pace.
    ///
    /// # Errors
    /// As [`run`](Executor::run).
    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome>;

    /// Whether [`copy`](Executor::copy) works here: inside a transaction of a PostgreSQL database handle.
    fn copies(&self) -> bool {
        false
    }

    /// Runs one `COPY .. FROM STDIN` with the rows that `rows` gives, as [`Connection::copy`](driver::Connection::copy).
    ///
    /// # Errors
    /// As [`run`](Executor::run), or the error of `rows`; [`Unsupported`](crate::ErrorKind::Unsupported) where it does
    /// not work.
    ///
    /// # Cancellation
    /// A future dropped midway closes the connection, and the server takes back what it was given.
    async fn copy(&self, statement: &Statement, _rows: &mut dyn CopyRows) -> Result<Outcome> {
        Err(driver::no_copy(statement))
    }

    /// Whether statements run inside a transaction: one after the other, on one connection.
    fn in_transaction(&self) -> bool;

    /// Whether nobody else can write to any row before the transaction ends, so that a row lock has nothing to add:
    /// SQLite's transactions that began by taking the lock for writing.
    fn locks_database(&self) -> bool {
        false
    }

    /// Begins a unit of reads that see the database as it was at one moment: a transaction that only reads, on a database
    /// handle. `None` if all statements of the executor do so anyway.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) inside a transaction whose statements each see what was committed
    /// before them, and on a connection of which that is not known; a connection error.
    async fn snapshot(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Option<Box<dyn AtomicScope + '_>>> {
        Err(
            Error::unsupported("it is not known whether reads of this connection are consistent")
                .with_hint("begin a transaction of your own at `REPEATABLE READ`")
                .at(call_site),
        )
    }

    /// Begins a unit of several statements that happen together or not at all: a transaction on a database handle, a
    /// savepoint inside a transaction. Dropped without [`AtomicScope::commit`], it is rolled back. `call_site` is the
    /// user's call that needs it.
    ///
    /// # Errors
    /// A connection error, or the database's refusal.
    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>>;

    /// The rows that are kept for reads through this executor. None inside a transaction, which sees what others do not.
    fn cache(&self) -> Option<&dyn RowCache> {
        None
    }

    /// Where there are several servers to read from: an executor that reads from one of them, for statements that belong
    /// together. `is_kept` if what is read is kept for others, who must see every write that is known of. If that server
    /// fails, the rest is read from one that has at least as much.
    ///
    /// `None` if this executor reads from one server anyway.
    fn together(&self, _is_kept: bool) -> Option<ExecutorHandle<'_>> {
        None
    }

    /// How rows are spread over several databases, if they are. An executor that hands everything on to another one hands
    /// this on too: by it, rows are kept out of databases that they do not belong in.
    fn sharding(&self) -> Option<Sharding<'_>> {
        None
    }

    /// Tells the observers something the user should know.
    fn warn(&self, message: &str);
}

/// A unit of several statements, see [`Executor::atomic`].
#[async_trait]
pub trait AtomicScope: Send + Sync {
    /// Where the unit's statements go.
    fn executor(&self) -> &dyn Executor;

    /// Makes them permanent (inside a transaction: as far as the transaction is).
    ///
    /// # Errors
    /// The database's error; nothing is kept then.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Takes them back. Dropping the scope does so too, later.
    ///
    /// # Errors
    /// A connection error; the server takes them back then.
    async fn rollback(self: Box<Self>) -> Result<()>;
}
