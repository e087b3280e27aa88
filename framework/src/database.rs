//! The handle on a database: what programs hold, and what everything else is reached from.
//!
//! It composes the layers below: connections from the pool, by what a statement needs; events to the observers;
//! transactions.
mod builder;
pub mod schema;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;

use std::{fmt, panic::Location, sync::Arc};

use async_trait::async_trait;

use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::Result,
    executor::{
        AtomicScope, Executor, ExecutorHandle, IntoExecutor,
        watch::{self, Place, Watch},
    },
    observe::{Observer, Observers, Recording},
    pool::{Access, Pool, PoolStats},
    statement::{Statement, StatementKind},
    transaction::{Origin, Transaction, TransactionBuilder},
};

pub use builder::DatabaseBuilder;
pub use schema::{Drift, DriftKind, SchemaReport};

/// A database. Cheap to clone; all clones share one pool.
///
/// ```
/// # async fn run() -> entourage::Result<()> {
/// use entourage::Database;
///
/// let db = Database::connect("sqlite::memory:").await?;
/// db.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)").await?;
/// let tx = db.begin().await?;
/// tx.execute_script("INSERT INTO notes (text) VALUES ('hello')").await?;
/// tx.commit().await?;
/// db.close().await;
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    origin: Origin,
    /// What it is connected to, without the password.
    target: String,
}

impl Database {
    /// Connects to the database of a URL: `sqlite://file.db`, `sqlite::memory:`, `postgres://…`, `mysql://…`.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for a URL that has no meaning; the reason why no
    /// connection could be opened.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder().url(url).connect().await
    }

    /// A database handle with more settings than a URL has.
    pub fn builder() -> DatabaseBuilder {
        DatabaseBuilder::default()
    }

    pub(crate) fn new(pool: Pool, observers: Arc<Observers>, target: String) -> Self {
        let origin = Origin { pool, observers };
        Self(Arc::new(Inner { origin, target }))
    }

    /// The dialect it speaks.
    pub fn dialect(&self) -> Dialect {
        self.pool().dialect()
    }

    /// What the server can do.
    pub fn capabilities(&self) -> Capabilities {
        self.pool().capabilities()
    }

    /// What its pool is doing and has done.
    pub fn pool_stats(&self) -> PoolStats {
        self.pool().stats()
    }

    /// Records every statement from now on, until the recording is dropped.
    ///
    /// ```
    /// # async fn run() -> entourage::Result<()> {
    /// # use entourage::Database;
    /// let db = Database::connect("sqlite::memory:").await?;
    /// let recording = db.recorded();
    /// db.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY)").await?;
    /// assert_eq!(recording.statements().len(), 1);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn recorded(&self) -> Recording {
        Recording::start(self.observers())
    }

    /// Tells `observer` of everything from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.observers().add(observer);
    }

    /// Its observers, to remove one.
    pub fn observers(&self) -> &Arc<Observers> {
        &self.0.origin.observers
    }

    /// Begins a transaction with the database's own defaults; see [`Database::transaction`] for options.
    ///
    /// # Errors
    /// A [`Timeout`](crate::ErrorKind::Timeout) or connection error; the database's refusal.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction>> + Send + use<> {
        self.transaction().begin()
    }

    /// A transaction to be begun, with options: isolation, access, retry.
    #[track_caller]
    pub fn transaction(&self) -> TransactionBuilder {
        TransactionBuilder::new(self.0.origin.clone(), Location::caller())
    }

    /// Runs text of one or several statements without arguments: schemas, seeds. Whether they happen together is up to
    /// the text, and to the database.
    ///
    /// # Errors
    /// The database's, for the first statement that fails.
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        let call_site = Location::caller();
        async move {
            let mut connection = self.pool().acquire(Access::Write, call_site).await?;
            // A script that fails may leave a transaction open.
            connection.begin_cleanup("ROLLBACK");
            let place = self.place();
            let kind = StatementKind::Schema;
            watch::batch(place, &mut *connection, sql, kind, call_site).await?;
            connection.end_cleanup();
            Ok(())
        }
    }

    /// Refuses new statements, waits until those that run have ended, and closes every connection. All clones are closed.
    pub async fn close(&self) {
        self.pool().close().await;
    }

    fn pool(&self) -> &Pool {
        &self.0.origin.pool
    }

    fn place(&self) -> Place<'_> {
        Place {
            observers: self.observers(),
            dialect: self.dialect(),
            in_transaction: false,
        }
    }
}

/// What a connection for `statement` must be able to do.
fn access(statement: &Statement) -> Access {
    match statement.plan.kind.is_read() {
        true => Access::Read,
        false => Access::Write,
    }
}

#[async_trait]
impl Executor for Database {
    fn dialect(&self) -> Dialect {
        self.pool().dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.pool().capabilities()
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let mut watch = Watch::start(self.place(), statement);
        let acquired = self.pool().acquire(access(statement), statement.call_site);
        let result = match acquired.await {
            Ok(mut connection) => {
                watch.sent();
                connection.run(statement, sink).await
            }
            Err(error) => Err(error),
        };
        watch.ended(result)
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        let mut watch = Watch::start(self.place(), statement);
        let acquired = self.pool().acquire(access(statement), statement.call_site);
        let result = match acquired.await {
            Ok(mut connection) => {
                watch.sent();
                connection.stream(statement, sender).await
            }
            Err(error) => Err(error),
        };
        watch.ended(result)
    }

    fn in_transaction(&self) -> bool {
        false
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        let tx = TransactionBuilder::new(self.0.origin.clone(), call_site);
        Ok(Box::new(tx.begin().await?))
    }

    fn warn(&self, message: &str) {
        watch::warn(self.observers(), message);
    }
}

impl<'a> IntoExecutor<'a> for &'a Database {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(self)
    }
}

impl<'a> IntoExecutor<'a> for &'a &Database {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(*self)
    }
}

impl<'a> IntoExecutor<'a> for &'a Arc<Database> {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(&**self)
    }
}

impl<'a> IntoExecutor<'a> for Database {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::shared(self)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("target", &format_args!("{}", self.0.target))
            .field("pool", &self.pool_stats())
            .finish_non_exhaustive()
    }
}
