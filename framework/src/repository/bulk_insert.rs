//! Rows inserted as they come, with flat memory.
use std::{
    error::Error as StdError,
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    panic::Location,
    pin::Pin,
};

use futures_core::Stream;
use futures_util::{StreamExt, stream};

use super::{
    ColumnSet, NewEntity, Repository,
    scatter::{self, Keys},
    stamp,
    upsert::check_target,
};
use crate::{
    bulk::{self, BulkFigures, Load, NewRow, OnConflict},
    error::{Error, Result},
    executor::ExecutorHandle,
    schema::{Entity, Writable},
};

/// How many rows make a batch, unless the user says otherwise: an error of the server is known after so many at the
/// latest.
const BATCH: u64 = 50_000;

impl<'a, E: Entity> Repository<'a, E> {
    /// Inserts any number of rows as they come, all or none, and returns figures; see [`crate::bulk`].
    ///
    /// ```
    /// # use entourage::{Database, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "readings")]
    /// # struct Reading {
    /// #     #[entity(primary_key, generated)]
    /// #     id: i64,
    /// #     celsius: f64,
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.create_schema::<Reading>().await?;
    /// let readings = (0..20_000).map(|hour| NewReading { celsius: f64::from(hour % 24) });
    /// let loaded = ReadingRepository::new(&db)
    ///     .bulk_insert(readings)
    ///     .progress(|so_far| println!("{} rows in {:?}", so_far.rows, so_far.elapsed))
    ///     .await?;
    /// assert_eq!(loaded.affected, 20_000);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn bulk_insert<'r, N, L>(&self, rows: L) -> BulkInsert<'r, E>
    where
        E: Writable,
        'a: 'r,
        N: NewEntity<Entity = E> + 'r,
        L: IntoIterator<Item = N>,
        L::IntoIter: Send + 'r,
    {
        let rows = rows.into_iter().map(|row| Ok(row.into_values()));
        BulkInsert::new(self.executor.clone(), Box::pin(stream::iter(rows)))
    }

    /// The same for rows from a stream, which may fail: its error ends the load, is its source, and is found by
    /// [`Error::downcast_ref`]. A stream that waits is waited for with the transaction open.
    ///
    /// # Errors
    /// When it is awaited: the stream's own; as [`BulkInsert`].
    #[track_caller]
    pub fn bulk_insert_stream<'r, N, X, S>(&self, rows: S) -> BulkInsert<'r, E>
    where
        E: Writable,
        'a: 'r,
        N: NewEntity<Entity = E> + 'r,
        X: Into<Box<dyn StdError + Send + Sync>> + 'r,
        S: Stream<Item = std::result::Result<N, X>> + Send + 'r,
    {
        let rows = rows.map(|row| row.map(NewEntity::into_values).map_err(Error::user));
        BulkInsert::new(self.executor.clone(), Box::pin(rows))
    }
}

/// Any number of rows to be inserted; made by [`Repository::bulk_insert`]. Awaited, it inserts them.
///
/// # Errors
/// A constraint violation, which names the place of the row among those given where the database tells it; the error
/// of the rows' stream, of kind [`User`](crate::ErrorKind::User); [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a
/// conflict's target that is not unique; the database's other errors. Nothing is inserted then, apart from batches that are
/// committed one by one, whose rows the hint counts.
///
/// # Cancellation
/// A future dropped midway inserts nothing, apart from batches that were committed. A connection that it was in the midst
/// of copying rows through is closed.
#[must_use = "rows are inserted when it is awaited"]
pub struct BulkInsert<'r, E> {
    executor: ExecutorHandle<'r>,
    rows: Pin<Box<dyn Stream<Item = Result<NewRow>> + Send + 'r>>,
    load: Load<'r>,
    entity: PhantomData<fn() -> E>,
}

impl<'r, E: Entity> BulkInsert<'r, E> {
    #[track_caller]
    fn new(
        executor: ExecutorHandle<'r>,
        rows: Pin<Box<dyn Stream<Item = Result<NewRow>> + Send + 'r>>,
    ) -> Self {
        let load = Load {
            table: E::table(),
            stamp: stamp::new_row,
            conflict: None,
            batch: BATCH,
            commits: false,
            progress: None,
            call_site: Location::caller(),
        };
        Self {
            executor,
            rows,
            load,
            entity: PhantomData,
        }
    }

    /// How many rows make a batch, at least 1; 50,000 unless said otherwise. A batch is at least one statement, and is
    /// what [`progress`](BulkInsert::progress) is told of.
    pub fn batch_size(mut self, rows: u64) -> Self {
        self.load.batch = rows.max(1);
        self
    }

    /// Commits each batch by itself: what was written before an error stays. Inside a transaction that one decides.
    pub fn commit_each_batch(mut self) -> Self {
        self.load.commits = true;
        self
    }

    /// Leaves a row as it is whose values in `target`, a unique column or set of columns, are those of a new one, which
    /// is dropped. On MySQL and MariaDB any unique index counts. PostgreSQL's `COPY` cannot do it: rows go by `INSERT`.
    pub fn on_conflict_ignore(self, target: impl ColumnSet<E>) -> Self {
        self.on_conflict(target, false)
    }

    /// Gives a row that has the same values in `target` the new one's columns, as
    /// [`upsert_many`](Repository::upsert_many) does. Two new rows with the same target in one statement are an error on
    /// PostgreSQL. Rows go by `INSERT` there.
    pub fn on_conflict_update(self, target: impl ColumnSet<E>) -> Self {
        self.on_conflict(target, true)
    }

    fn on_conflict(mut self, target: impl ColumnSet<E>, updates: bool) -> Self {
        self.load.conflict = Some(OnConflict {
            target: target.positions(),
            update: updates.then_some(stamp::changed_row),
        });
        self
    }

    /// Calls `progress` after each batch.
    pub fn progress(mut self, progress: impl FnMut(&BulkFigures) + Send + 'r) -> Self {
        self.load.progress = Some(Box::new(progress));
        self
    }
}

impl<'r, E: Entity> IntoFuture for BulkInsert<'r, E> {
    type Output = Result<BulkFigures>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'r>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            executor,
            rows,
            load,
            ..
        } = self;
        Box::pin(async move {
            if let Some(conflict) = &load.conflict {
                check_target::<E>(&conflict.target)
                    .and_then(|()| scatter::check_target(&*executor, E::table(), &conflict.target))
                    .map_err(|error| error.at(load.call_site))?;
            }
            let located = |error: Error| error.at(load.call_site);
            let writing = scatter::to_write(&*executor, E::table(), || Keys::Any);
            let writing = writing.map_err(located)?;
            if executor.sharding().is_none() {
                return bulk::run(&*writing, load, rows).await;
            }
            let own = rows.map(|row| {
                let mut row = row?;
                stamp::new_row(E::table(), &mut row);
                scatter::check_new(&*executor, E::table(), &row)?;
                Ok(row)
            });
            let call_site = load.call_site;
            let loaded = bulk::run(&*writing, load, Box::pin(own)).await;
            loaded.map_err(|error| error.at(call_site))
        })
    }
}

impl<E> fmt::Debug for BulkInsert<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkInsert")
            .field("table", &self.load.table.name)
            .field("batch", &self.load.batch)
            .finish_non_exhaustive()
    }
}
