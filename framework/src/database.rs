//! The handle on a database: what programs hold, and what everything else is reached from.
//!
//! It composes the layers below: connections from the pool, by what a statement needs; events to the observers;
//! transactions.
mod alone;
mod builder;
pub mod health;
pub mod lint;
mod live;
pub mod named;
mod replicas;
mod route;
pub mod schema;
pub mod shards;
mod slow_plan;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
mod views;
pub(crate) mod write_log;

use std::{fmt, panic::Location, sync::Arc};

use async_trait::async_trait;

use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::Result,
    executor::{
        AtomicScope, Executor, ExecutorHandle, IntoExecutor,
        sharding::{self, Seat, Sharding},
        watch::{self, Place, Watch},
        written::{PendingWrites, RowCache, Settled, Write, WriteListener as _, told},
    },
    observe::{Observed, Observer, Observers, Recording, Scope},
    pool::{Access, CloseReport, Holding, Pool, PoolHistograms, PoolStats},
    result_cache::{Cache, CacheOptions},
    routing::Router,
    statement::{Statement, StatementKind},
    statement_cache::{StatementCounters, StatementStats},
    transaction::{IsolationLevel, Origin, Transaction, TransactionBuilder},
};

use route::{Reading, Route, Rows, Together};
use write_log::{Logging, WriteLog};

pub use builder::DatabaseBuilder;
pub use health::{ConnectionFigures, HealthChecker, HealthReport, HealthStatus, ReplicaHealth};
pub use lint::{Lint, LintReport};
pub use named::Databases;
pub use schema::{Drift, DriftKind, SchemaReport, TableKind};
pub use views::Refresh;

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
pub struct Database {
    inner: Arc<Inner>,
    /// Where its reads go, if there are replicas.
    route: Option<Arc<Route>>,
    /// Which shard it is, if it is one of several.
    seat: Option<Arc<Seat>>,
}

struct Inner {
    origin: Origin,
    cache: Cache,
    /// Told of every write: the cache, and the log.
    listener: Arc<Logging<Cache>>,
    statements: Arc<StatementCounters>,
    /// What it is connected to, without the password.
    target: String,
    /// What it is called there.
    name: String,
    /// Where reads of the first handle go, if there are replicas.
    route: Option<Arc<Route>>,
}

impl Database {
    /// Connects to the database of a URL: `sqlite://file.db`, `sqlite::memory:`, `postgres://…`, `mysql://…` or `mariadb://…`,
    /// each with the feature of its name (`mysql` for both of the last). Options in the URL are listed in
    /// [`driver::url`](crate::driver::url). It is to be called within a tokio runtime.
    ///
    /// An SQLite file that does not exist is made, unless `?mode=rw` is asked for. A database in memory is one connection: while a
    /// transaction is open on it, or a stream of rows, calls on the handle wait for its end, and fail after the pool's
    /// `acquire_timeout`. On a file that holds for writes. Within a transaction use its own handle:
    /// `UserRepository::new(&tx)`.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for a URL that has no meaning; the reason why no
    /// connection could be opened.
    ///
    /// # Panics
    /// Not here; but in a `tokio::task::LocalSet` on a multi-thread runtime long statements of SQLite do. Connect there by
    /// [`ConnectOptions::stay_inline`](crate::driver::ConnectOptions::stay_inline).
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder().url(url).connect().await
    }

    /// A database handle with more settings than a URL has.
    pub fn builder() -> DatabaseBuilder {
        DatabaseBuilder::default()
    }

    pub(crate) fn new(
        origin: Origin,
        statements: Arc<StatementCounters>,
        target: String,
        name: String,
        cache: CacheOptions,
        router: Option<Arc<Router>>,
        seat: Option<Seat>,
    ) -> Self {
        let cache = Cache::new(cache, Arc::clone(&origin.observers));
        let listener = Arc::new(Logging {
            cache: cache.clone(),
            log: Arc::default(),
        });
        let route = router.map(|router| {
            cache.mark_in(Arc::clone(router.everything()));
            Arc::new(Route::first(router, Arc::clone(&listener) as _))
        });
        let inner = Arc::new(Inner {
            origin: origin.told_to(Arc::clone(&listener) as _),
            cache,
            listener,
            statements,
            target,
            name,
            route,
        });
        Self {
            seat: seat.map(Arc::new),
            ..Self::on(inner)
        }
    }

    /// The first handle again; of a shard, one that refuses nothing.
    fn on(inner: Arc<Inner>) -> Self {
        Self {
            route: inner.route.clone(),
            inner,
            seat: None,
        }
    }

    /// The dialect it speaks.
    pub fn dialect(&self) -> Dialect {
        self.pool().dialect()
    }

    /// What the server can do.
    pub fn capabilities(&self) -> Capabilities {
        self.pool().capabilities()
    }

    /// What it is called, if it is one of several [`Shards`](crate::Shards).
    pub fn shard(&self) -> Option<&str> {
        self.inner.origin.server.target().shard.as_deref()
    }

    /// What its pool is doing and has done.
    pub fn pool_stats(&self) -> PoolStats {
        self.pool().stats()
    }

    /// How long callers waited for connections, how long those were used, and how long they took to open.
    pub fn pool_histograms(&self) -> PoolHistograms {
        self.pool().histograms()
    }

    /// Who holds its connections now, longest first.
    pub fn pool_holdings(&self) -> Vec<Holding> {
        self.pool().holdings()
    }

    /// Checks once whether the database answers within 2 seconds. An endpoint that is asked regularly keeps a
    /// [`HealthChecker`], which tells one failure from several.
    #[track_caller]
    pub fn health(&self) -> impl Future<Output = HealthReport> + Send + use<> {
        let checker = HealthChecker::new(self).down_after(1);
        let call_site = Location::caller();
        async move { checker.check_at(call_site).await }
    }

    /// How often its connections had a statement prepared already; see [`statement_cache`](crate::statement_cache).
    pub fn statement_stats(&self) -> StatementStats {
        self.inner.statements.stats()
    }

    /// Records every statement from now on, until the recording is dropped. That of a shard hears all shards.
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

    /// Its result cache: figures, and invalidation of what is kept; see [`result_cache`](crate::result_cache).
    pub fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    /// Its observers, to remove one.
    pub fn observers(&self) -> &Arc<Observers> {
        &self.inner.origin.observers
    }

    /// Begins a transaction with the database's own defaults; see [`Database::transaction`] for options. It holds a
    /// connection until it ends, on SQLite the one that writes: see [`connect`](Database::connect).
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
        self.transaction_at(Location::caller())
    }

    /// Runs text of one or several statements without arguments: schemas, seeds. Whether they happen together is up to
    /// the text, and to the database.
    ///
    /// A transaction that the text leaves open where it fails is rolled back before its error is told.
    ///
    /// # Errors
    /// The database's, for the first statement that fails.
    ///
    /// # Cancellation
    /// A future dropped midway may have run some of it, or all.
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        self.execute_script_at(sql, Location::caller())
    }

    async fn execute_script_at(
        &self,
        sql: &str,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        let mut connection = self.pool().acquire(Access::Write, call_site).await?;
        // A script that fails may leave a transaction open.
        connection.begin_cleanup(match self.dialect() {
            // It refuses to roll back where nothing is open. A savepoint there is a transaction.
            Dialect::Sqlite => "SAVEPOINT entourage_script; ROLLBACK",
            Dialect::Postgres | Dialect::Mysql => "ROLLBACK",
        });
        let place = self.place();
        let kind = StatementKind::Schema;
        let mut pending = self.begin_writes(vec![Write::Anything]);
        told(pending.announced()).await;
        let result = watch::batch(place, &mut *connection, sql, kind, call_site).await;
        let result = result.map(|()| Outcome::default());
        let ended = pending.end(Settled::of(&result));
        match result {
            Ok(_) => connection.end_cleanup(),
            // Here and not behind the caller's back: its next statement would find no connection, and open another.
            Err(_) => connection.clean_up().await,
        }
        drop(connection);
        told(ended).await;
        result.map(drop)
    }

    /// Refuses new statements, waits until those that run have ended, and closes every connection. All clones are closed.
    ///
    /// After [`close_timeout`](crate::pool::PoolOptions::close_timeout) it goes on without those that are still lent and
    /// names their callers in the report; they are closed when they come back.
    pub async fn close(&self) -> CloseReport {
        let report = match &self.route {
            None => self.pool().close().await,
            Some(route) => route.close().await,
        };
        self.inner.cache.leave().await;
        report
    }

    /// Runs `statement`, and tells the cache what it writes before and after.
    #[inline]
    async fn writing(
        &self,
        statement: &Statement,
        run: impl Future<Output = Result<Outcome>>,
    ) -> Result<Outcome> {
        if statement.plan.kind.is_read() {
            return run.await;
        }
        let mut pending = self.begin_writes(Write::of(statement));
        told(pending.announced()).await;
        let result = run.await;
        Write::ran(statement, &result);
        told(pending.end(Settled::of(&result))).await;
        result
    }

    /// Runs what is no read, or has no replica to go to.
    async fn run_on_primary(
        &self,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> Result<Outcome> {
        let place = self.place();
        let mut watch = Watch::start(place, statement);
        let acquired = self.pool().acquire(access(statement), statement.call_site);
        let result = match acquired.await {
            Ok(mut connection) => {
                watch.sent();
                let mut room = None;
                let sink = watch.sink(sink, &mut room);
                let alone = alone::run(place, &mut connection, statement, sink);
                self.writing(statement, watch.within(alone)).await
            }
            Err(error) => Err(error),
        };
        self.primary_answered(&result);
        watch.ended(result)
    }

    /// The same with rows at the consumer's pace.
    async fn stream_from_primary(
        &self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> Result<Outcome> {
        let place = self.place();
        let mut watch = Watch::start(place, statement);
        let acquired = self.pool().acquire(access(statement), statement.call_site);
        let result = match acquired.await {
            Ok(mut connection) => {
                watch.sent();
                let sender = watch.sender(sender);
                let alone = alone::stream(place, &mut connection, statement, sender);
                self.writing(statement, watch.within(alone)).await
            }
            Err(error) => Err(error),
        };
        self.primary_answered(&result);
        watch.ended(result)
    }

    fn begin_writes(&self, writes: Vec<Write>) -> Box<dyn PendingWrites> {
        match &self.route {
            None => self.inner.listener.begin(writes),
            Some(route) => route.listener().begin(writes),
        }
    }

    /// A primary that fails may have been replaced.
    #[inline]
    fn primary_answered(&self, result: &Result<Outcome>) {
        if let (Some(route), Err(error)) = (&self.route, result) {
            route.write_failed(error);
        }
    }

    /// Which tables were written through it.
    pub(crate) fn write_log(&self) -> &Arc<WriteLog> {
        &self.inner.listener.log
    }

    /// A transaction that `call_site` asks for.
    fn transaction_at(&self, call_site: &'static Location<'static>) -> TransactionBuilder {
        TransactionBuilder::new(self.origin(), call_site)
    }

    /// Where transactions begin.
    fn origin(&self) -> Origin {
        let origin = match &self.route {
            None => self.inner.origin.clone(),
            Some(route) => route.origin(&self.inner.origin),
        };
        origin.seated(self.seat.clone())
    }

    /// The same for one who knows already that its rows are here.
    fn unseated(&self) -> Self {
        Self {
            seat: None,
            ..self.clone()
        }
    }

    fn pool(&self) -> &Pool {
        match &self.route {
            None => &self.inner.origin.pool,
            Some(route) => &route.primary().pool,
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            observers: self.observers(),
            target: match &self.route {
                None => self.inner.origin.server.target(),
                Some(route) => route.primary().observers.target(),
            },
            dialect: self.dialect(),
            in_transaction: false,
            lent: false,
        }
    }
}

impl Database {
    /// Whether `statement` is a read that has one place to go to, as it is, and nobody to be told of it.
    #[inline]
    fn is_plain_read(&self, statement: &Statement) -> bool {
        self.route.is_none()
            && statement.plan.kind.is_read()
            && self.capabilities().session_state
            && !self.place().is_watched()
    }

    /// Runs a statement of any kind.
    async fn run_in_full(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        match self.route_of(statement) {
            None => self.run_on_primary(statement, sink).await,
            Some(route) => {
                let reading = Reading::alone();
                route.read(self, reading, statement, Rows::sink(sink)).await
            }
        }
    }

    /// Where `statement` goes, if that is to be chosen.
    #[inline]
    fn route_of(&self, statement: &Statement) -> Option<&Route> {
        let route = self.route.as_deref()?;
        statement.plan.kind.is_read().then_some(route)
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
        if !self.is_plain_read(statement) {
            // Apart, so that the future of a plain read is small: it is moved several times.
            return Box::pin(self.run_in_full(statement, sink)).await;
        }
        let acquired = self.pool().acquire(Access::Read, statement.call_site);
        let result = match acquired.await {
            Ok(mut connection) => connection.run(statement, sink).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| watch::located(error, statement, self.place().target))
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        match self.route_of(statement) {
            None => self.stream_from_primary(statement, sender).await,
            Some(route) => {
                Box::pin(route.read(self, Reading::alone(), statement, Rows::sender(sender))).await
            }
        }
    }

    fn together(&self, is_kept: bool) -> Option<ExecutorHandle<'_>> {
        let route = self.route.as_deref()?;
        Some(ExecutorHandle::shared(Together::new(self, route, is_kept)))
    }

    fn in_transaction(&self) -> bool {
        false
    }

    fn cache(&self) -> Option<&dyn RowCache> {
        let cache = &self.inner.cache;
        cache.is_enabled().then_some(cache)
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        let tx = TransactionBuilder::new(self.origin(), call_site);
        Ok(Box::new(tx.begin().await?))
    }

    async fn snapshot(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Option<Box<dyn AtomicScope + '_>>> {
        let tx = TransactionBuilder::new(self.origin(), call_site).read_only();
        let tx = match self.dialect() {
            // A transaction of SQLite reads one state of the file anyhow.
            Dialect::Sqlite => tx,
            Dialect::Postgres | Dialect::Mysql => tx.isolation(IsolationLevel::RepeatableRead),
        };
        Ok(Some(Box::new(tx.begin().await?)))
    }

    fn sharding(&self) -> Option<Sharding<'_>> {
        let seat = self.seat.as_deref()?;
        Some(Sharding(sharding::Role::On(seat)))
    }

    fn warn(&self, message: &str) {
        watch::warn(self.observers(), message);
    }
}

/// A scope of the statements of this handle.
impl Observed for Database {
    fn scope(&self) -> Scope {
        Scope::only(self.observers())
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
            .field("target", &format_args!("{}", self.inner.target))
            .field("pool", &self.pool_stats())
            .finish_non_exhaustive()
    }
}
