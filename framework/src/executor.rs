//! The one seam that every statement of the framework passes.
//!
//! [`Executor`] is implemented by the database handle, by transactions and by borrowed sqlx connections. Routing,
//! caches, observation and transactions attach here, so nothing goes uncounted.
mod handle;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod lent;
pub(crate) mod watch;

use std::{fmt, panic::Location};

use async_trait::async_trait;

pub use handle::{ExecutorHandle, IntoExecutor};

use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::Result,
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

    /// Whether statements run inside a transaction: one after the other, on one connection.
    fn in_transaction(&self) -> bool;

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
