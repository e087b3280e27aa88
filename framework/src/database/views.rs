//! Views through a database handle: made, dropped, refreshed, and asked how old they are.
use std::{
    future::{Future, IntoFuture},
    panic::Location,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use super::Database;
use crate::{
    dialect::Dialect,
    error::Result,
    executor::Executor,
    observe::{Event, Observers, ViewEvent},
    schema::{TableDef, View},
    transaction::{IsolationLevel, Retry, Transaction},
    view::{self, RefreshReport, VerifyReport, ViewState},
};

impl Database {
    /// Creates the view, and fills it if its rows are kept. A plain view that is there already is made anew, for it keeps
    /// no rows; a materialized one stays as it is. [`create_schema`](Database::create_schema) does the same, after the
    /// tables.
    ///
    /// On MySQL, where statements about the schema commit at once, a new materialized view is empty until it is filled.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the view has no query for this database; the database's.
    #[track_caller]
    pub fn create_view<V: View>(&self) -> impl Future<Output = Result<()>> + Send + use<'_, V> {
        self.create_schema::<V>()
    }

    /// Drops the view, if it is there.
    ///
    /// # Errors
    /// The database's, where another view reads it.
    #[track_caller]
    pub fn drop_view<V: View>(&self) -> impl Future<Output = Result<()>> + Send + use<'_, V> {
        self.drop_schema::<V>()
    }

    /// Renews the rows of a materialized view from its query. Readers see the old rows or the new ones, never none and
    /// never some of both. Two refreshes of one view wait for each other, whatever process they are in.
    ///
    /// ```
    /// # async fn run() -> entourage::Result<()> {
    /// use entourage::{Database, prelude::*};
    ///
    /// #[derive(Debug, Clone, Entity)]
    /// #[entity(table = "orders")]
    /// struct Order {
    ///     #[entity(primary_key, generated)]
    ///     id: i64,
    ///     customer_id: i64,
    ///     cents: i64,
    /// }
    ///
    /// #[derive(Debug, Clone, View)]
    /// #[view(name = "revenue", materialized, reads(Order))]
    /// #[view(query = "SELECT customer_id, SUM(cents) AS cents FROM orders GROUP BY customer_id")]
    /// struct Revenue {
    ///     #[view(primary_key)]
    ///     customer_id: i64,
    ///     cents: i64,
    /// }
    ///
    /// let db = Database::connect("sqlite::memory:").await?;
    /// db.create_schema::<(Order, Revenue)>().await?;
    /// OrderRepository::new(&db).insert(NewOrder { customer_id: 7, cents: 1250 }).await?;
    /// let report = db.refresh::<Revenue>().await?;
    /// assert_eq!(report.rows, Some(1));
    /// assert_eq!(RevenueRepository::new(&db).get(7).await?.cents, 1250);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    ///
    /// # Errors
    /// When it is awaited, [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a plain or maintained view, which is never old;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the view has no query for this database; the database's. A
    /// conflict with another transaction is tried again.
    ///
    /// # Cancellation
    /// A future dropped midway leaves the old rows, or the new ones.
    #[track_caller]
    pub fn refresh<V: View>(&self) -> Refresh {
        self.refresh_of(V::table(), Location::caller())
    }

    /// Computes all rows of a maintained view anew, in one transaction, which writers to its sources wait for: where
    /// [`verify`](Database::verify) has found differences. Nothing else has to call it.
    ///
    /// # Errors
    /// When it is awaited, [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a view that is not maintained; the database's. A
    /// conflict with another transaction is tried again.
    ///
    /// # Cancellation
    /// A future dropped midway leaves the old rows, or the new ones.
    #[track_caller]
    pub fn rebuild<V: View>(&self) -> Refresh {
        Refresh {
            what: What::Maintained,
            ..self.refresh_of(V::table(), Location::caller())
        }
    }

    /// Compares the rows that a view keeps with what its query gives now, in one statement and so of one moment. Of a maintained
    /// view nothing may differ, unless somebody has written its table or disabled its triggers; of a materialized one, what the
    /// next refresh would change.
    ///
    /// It reads both in full.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a plain view, which keeps nothing;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the view has no query for this database; the database's. That rows
    /// differ is none until [`VerifyReport::into_result`] makes it one.
    #[track_caller]
    pub fn verify<V: View>(&self) -> impl Future<Output = Result<VerifyReport>> + Send + use<V> {
        let (db, call_site) = (self.clone(), Location::caller());
        async move {
            let verified = view::verify(&db.primary(), V::table(), call_site).await;
            verified.map_err(|error| error.at(call_site))
        }
    }

    /// The same as a refresh for a view by its table.
    pub(crate) fn refresh_of(
        &self,
        table: &'static TableDef,
        call_site: &'static Location<'static>,
    ) -> Refresh {
        Refresh {
            on: On::Database(self.clone()),
            table,
            what: What::Materialized,
            concurrently: false,
            call_site,
        }
    }

    /// How old the rows of a materialized view are, in one statement. From the first call on (and from the first refresh)
    /// the handle watches the tables that the view reads.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a plain or maintained view; the database's.
    #[track_caller]
    pub fn view_state<V: View>(&self) -> impl Future<Output = Result<ViewState>> + Send + use<V> {
        self.state_of(V::table(), Location::caller())
    }

    pub(crate) fn state_of(
        &self,
        table: &'static TableDef,
        call_site: &'static Location<'static>,
    ) -> impl Future<Output = Result<ViewState>> + Send + use<> {
        let db = self.clone();
        async move {
            let view = view::refuse_current(table).map_err(|error| error.at(call_site))?;
            let log = db.write_log();
            log.watch();
            // A replica may not know of the last refresh yet.
            let read = match view::read(&db.primary(), table, call_site).await {
                Err(error) if view::is_missing(&error) => Ok(None),
                read => read,
            };
            let mut state = read?.unwrap_or_default();
            state.sources_written = state
                .refreshed_at
                .and_then(|at| log.written_since(&view.sources_with_parents(), at));
            Ok(state)
        }
    }
}

impl Transaction {
    /// Renews the rows of a materialized view inside the transaction: what the transaction has written is in them, and
    /// others see them when it commits. Other refreshes of the view wait until then.
    ///
    /// Its writes count from COMMIT on, which is after the refresh: [`ViewState::sources_written`] says that there were
    /// some, and a [`Refresher`](crate::refresher::Refresher) that follows writes refreshes once more.
    ///
    /// # Errors
    /// As [`Database::refresh`]; a conflict is not tried again.
    #[track_caller]
    pub fn refresh<V: View>(&self) -> Refresh {
        Refresh {
            on: On::Transaction(self.clone()),
            table: V::table(),
            what: What::Materialized,
            concurrently: false,
            call_site: Location::caller(),
        }
    }
}

/// A refresh to be awaited; made by [`Database::refresh`], [`Transaction::refresh`] and [`Database::rebuild`].
#[derive(Debug)]
#[must_use = "nothing is refreshed before it is awaited"]
pub struct Refresh {
    on: On,
    table: &'static TableDef,
    what: What,
    concurrently: bool,
    call_site: &'static Location<'static>,
}

/// Which views may be renewed.
#[derive(Debug, Clone, Copy)]
enum What {
    Materialized,
    Maintained,
}

#[derive(Debug)]
enum On {
    Database(Database),
    Transaction(Transaction),
}

impl Refresh {
    /// Readers do not wait while it runs: PostgreSQL's CONCURRENTLY, which is slower where many rows change. Elsewhere
    /// readers never wait, and it changes nothing.
    pub fn concurrently(mut self) -> Self {
        self.concurrently = true;
        self
    }

    async fn run(self) -> Result<RefreshReport> {
        let Self {
            on,
            table,
            what,
            concurrently,
            call_site,
        } = self;
        match what {
            What::Materialized => view::refuse_current(table)?,
            What::Maintained => view::refuse_unmaintained(table)?,
        };
        match on {
            On::Transaction(tx) => {
                let scope = tx.atomic(call_site).await?;
                let report = view::refresh(scope.executor(), table, concurrently, call_site);
                let report = report.await?;
                scope.commit().await?;
                let observers = Arc::clone(tx.observers());
                tx.after_commit(move || tell(&observers, table, &report));
                Ok(report)
            }
            On::Database(db) => {
                db.write_log().watch();
                let once = || alone(&db, table, concurrently, call_site);
                let report = match once().await {
                    Err(error) if view::is_missing(&error) => {
                        let made = view::create_table(&db, call_site).await;
                        match once().await {
                            // Of several who make it at one moment PostgreSQL refuses all but one.
                            Err(error) if view::is_missing(&error) => made.and(Err(error))?,
                            result => result?,
                        }
                    }
                    result => result?,
                };
                tell(db.observers(), table, &report);
                Ok(report)
            }
        }
    }
}

/// Tells of a refresh that is committed.
fn tell(observers: &Observers, table: &'static TableDef, report: &RefreshReport) {
    observers.emit(&Event::View(ViewEvent::Refreshed {
        view: table.name,
        rows: report.rows,
        took: report.took,
    }));
}

/// A refresh in a transaction of its own.
async fn alone(
    db: &Database,
    table: &'static TableDef,
    concurrently: bool,
    call_site: &'static Location<'static>,
) -> Result<RefreshReport> {
    let mut transaction = db
        .transaction_at(call_site)
        .retry(Retry::default())
        // It takes as long as its query.
        .warn_after(Duration::MAX);
    if db.dialect() != Dialect::Sqlite {
        // At its default level, MySQL's INSERT .. SELECT locks every row that it reads against writers. And what is read
        // is not older than the lock, whatever level PostgreSQL was told to take.
        transaction = transaction.isolation(IsolationLevel::ReadCommitted);
    }
    let refreshed = transaction
        .run(|tx| async move { view::refresh(&tx, table, concurrently, call_site).await });
    refreshed.await
}

impl IntoFuture for Refresh {
    type Output = Result<RefreshReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let call_site = self.call_site;
        Box::pin(async move { self.run().await.map_err(|error| error.at(call_site)) })
    }
}
