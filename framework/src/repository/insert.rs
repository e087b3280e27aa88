//! New rows.
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    marker::PhantomData,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{future::BoxFuture, stream};

use super::{
    NewEntity, Repository,
    assemble::{self, Caller},
    find::key_filter,
    kept,
    scatter::{self, Keys},
    stamp,
};
use crate::{
    bulk::{self, Load, rows_per_statement},
    error::{Error, ErrorKind, Result},
    executor::{Executor, ExecutorHandle},
    schema::{ColumnDefault, Entity, TableDef, Value, Writable},
    statement::{
        query::{Conflict, Insert, Level},
        render::Query,
    },
};

/// The rows of one insert: one entry a column, `None` for its default.
pub(super) type NewRows = Vec<Vec<Option<Value>>>;

impl<'a, E: Entity> Repository<'a, E> {
    /// Inserts one row and returns it as the database has it, with generated keys and defaults.
    ///
    /// # Errors
    /// A constraint violation, or the database's other errors; nothing is inserted then.
    ///
    /// # Cancellation
    /// A future dropped midway may or may not have inserted the row. Inside a transaction its rollback decides.
    #[track_caller]
    pub fn insert<N>(&self, new: N) -> impl Future<Output = Result<E>> + Send + use<'a, E, N>
    where
        E: Writable,
        N: NewEntity<Entity = E>,
    {
        let rows = vec![new.into_values()];
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            let mut rows = insert_rows::<E>(&*executor, rows, call_site).await?;
            rows.pop().ok_or_else(|| {
                Error::decode("an insert returned no row")
                    .with_table(E::table().name)
                    .at(call_site)
            })
        }
    }

    /// Inserts rows, all or none, and returns them in the order given. As many rows as the database takes go into one
    /// statement; several statements share a transaction. [`InsertMany::without_rows`] is faster, where only their number
    /// is wanted; [`bulk_insert`](Repository::bulk_insert) is for more rows than fit into memory.
    ///
    /// # Errors
    /// As [`insert`](Repository::insert).
    #[track_caller]
    pub fn insert_many<N, L>(&self, new: L) -> InsertMany<'a, E>
    where
        E: Writable,
        N: NewEntity<Entity = E>,
        L: IntoIterator<Item = N>,
    {
        InsertMany {
            executor: self.executor.clone(),
            rows: new.into_iter().map(NewEntity::into_values).collect(),
            call_site: Location::caller(),
            running: None,
            entity: PhantomData,
        }
    }
}

/// Rows to be inserted, made by [`Repository::insert_many`]. Awaited, it inserts them and returns them.
#[must_use = "rows are inserted when it is awaited"]
pub struct InsertMany<'a, E> {
    executor: ExecutorHandle<'a>,
    rows: NewRows,
    call_site: &'static Location<'static>,
    /// From the first poll on.
    running: Option<BoxFuture<'a, Result<Vec<E>>>>,
    entity: PhantomData<fn() -> E>,
}

impl<'a, E: Entity> InsertMany<'a, E> {
    /// Inserts the rows, all or none, and returns how many there were. Nothing is read back: it takes the fastest
    /// technique of each database, see [`bulk`](crate::bulk).
    ///
    /// # Errors
    /// A constraint violation, which names the place of the row among those given where the database tells it; the
    /// database's other errors. Nothing is inserted then.
    ///
    /// # Cancellation
    /// A future dropped midway has inserted all rows or none. Inside a transaction its rollback decides.
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
    /// let readings = (0..1_000).map(|hour| NewReading { celsius: f64::from(hour % 24) });
    /// let inserted = ReadingRepository::new(&db).insert_many(readings).without_rows().await?;
    /// assert_eq!(inserted, 1_000);
    /// # Ok(()) }
    /// ```
    pub fn without_rows(self) -> impl Future<Output = Result<u64>> + Send + use<'a, E> {
        let Self {
            executor,
            rows,
            call_site,
            ..
        } = self;
        async move {
            let mut rows = rows;
            if executor.sharding().is_some() {
                rows.iter_mut()
                    .for_each(|row| stamp::new_row(E::table(), row));
            }
            let keys = || Keys::of_new(E::table(), &rows);
            let executor = scatter::to_write(&*executor, E::table(), keys);
            let executor = executor.map_err(|error| error.at(call_site))?;
            let load = Load {
                table: E::table(),
                stamp: stamp::new_row,
                conflict: None,
                batch: u64::MAX,
                commits: false,
                progress: None,
                call_site,
            };
            let rows = stream::iter(rows.into_iter().map(Ok));
            let figures = bulk::run(&*executor, load, Box::pin(rows)).await?;
            Ok(figures.affected)
        }
    }
}

impl<E: Entity> Future for InsertMany<'_, E> {
    type Output = Result<Vec<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let running = this.running.get_or_insert_with(|| {
            let (executor, call_site) = (this.executor.clone(), this.call_site);
            let rows = std::mem::take(&mut this.rows);
            Box::pin(async move { insert_rows::<E>(&*executor, rows, call_site).await })
        });
        running.as_mut().poll(context)
    }
}

impl<E> fmt::Debug for InsertMany<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertMany")
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

/// Inserts the rows, all or none, and returns them in their order.
pub(super) async fn insert_rows<E: Entity>(
    executor: &dyn Executor,
    mut rows: NewRows,
    call_site: &'static Location<'static>,
) -> Result<Vec<E>> {
    rows.iter_mut()
        .for_each(|row| stamp::new_row(E::table(), row));
    let keys = || Keys::of_new(E::table(), &rows);
    let executor = scatter::to_write(executor, E::table(), keys);
    let executor = &*executor.map_err(|error| error.at(call_site))?;
    let inserts = statements::<E>(executor, rows, None);
    if inserts.len() < 2 && executor.capabilities().returning {
        return match inserts.first() {
            Some((_, insert)) => {
                let touched = kept::touches_new::<E>(insert);
                assemble::written(executor, Query::Insert(insert), touched, call_site).await
            }
            None => Ok(Vec::new()),
        };
    }
    let scope = executor.atomic(call_site).await?;
    let caller = Caller::of_many(call_site);
    let mut placed: Vec<(usize, E)> = Vec::new();
    for (places, insert) in inserts {
        let inserted = insert_returning(scope.executor(), &insert, caller).await?;
        placed.extend(places.into_iter().zip(inserted));
    }
    scope.commit().await?;
    placed.sort_by_key(|(place, _)| *place);
    Ok(placed.into_iter().map(|(_, row)| row).collect())
}

/// Runs an insert and returns its rows, by RETURNING where the server has it, else by reading them back.
pub(super) async fn insert_returning<E: Entity>(
    executor: &dyn Executor,
    insert: &Insert,
    caller: Caller,
) -> Result<Vec<E>> {
    if executor.capabilities().returning {
        let touched = kept::touches_new::<E>(insert);
        return assemble::written(executor, Query::Insert(insert), touched, caller).await;
    }
    let table = E::table();
    let mut inserted = Vec::new();
    // Without RETURNING only the first generated key of a statement is known, so each row is a statement.
    for row in &insert.rows {
        let single = Insert {
            rows: vec![row.clone()],
            returning: Vec::new(),
            ..insert.clone()
        };
        let mut sink = crate::driver::NoRows;
        let touched = kept::touches_new::<E>(&single);
        let query = Query::Insert(&single);
        let outcome = assemble::write(executor, query, &mut sink, touched.clone(), caller).await?;
        let given = |column: usize| {
            insert
                .columns
                .iter()
                .position(|&known| known == column)
                .and_then(|at| row[at].clone())
        };
        let by: &[usize] = insert
            .conflict
            .as_ref()
            .map_or(&table.primary_key, |conflict| &conflict.target);
        let key = by
            .iter()
            .map(|&column| match given(column) {
                Some(value) => Ok(value),
                None => generated_key(
                    outcome.last_insert_id,
                    table.columns[column].default,
                    caller.call_site,
                ),
            })
            .collect::<Result<Vec<_>>>()?;
        let level = Level {
            filter: Some(key_filter(by, vec![key])),
            ..Level::all(table)
        };
        let (rows, _) = assemble::entities::<E>(executor, Query::Level(&level), caller).await?;
        if rows.is_empty() {
            return Err(unread(table, by, caller));
        }
        rows.iter()
            .for_each(|row| kept::note(touched.as_ref(), row));
        inserted.extend(rows);
    }
    Ok(inserted)
}

/// The caller's transaction takes the row back.
#[cold]
fn unread(table: &TableDef, by: &[usize], caller: Caller) -> Error {
    let names: Vec<_> = by
        .iter()
        .map(|&column| table.columns[column].name)
        .collect();
    Error::new(
        ErrorKind::Decode,
        format!(
            "a row of `{}` was written, and cannot be read back by ({}), as a server without RETURNING asks for",
            table.name,
            names.join(", ")
        ),
    )
    .with_table(table.name)
    .with_hint(
        "nothing is kept: it was given NULL there, or has met another unique index; upsert by columns that have a value",
    )
    .at(caller.call_site)
}

fn generated_key(
    id: Option<i64>,
    default: ColumnDefault,
    call_site: &'static Location<'static>,
) -> Result<Value> {
    match (id, default) {
        (Some(id), ColumnDefault::Generated) => Ok(Value::BigInt(Some(id))),
        _ => Err(Error::unsupported(
            "the server has no INSERT .. RETURNING, and the new row's key is not known",
        )
        .with_hint("give the key in the insert, or mark it `generated`")
        .at(call_site)),
    }
}

/// The statements for `rows`, each with the places of its rows in the list: rows that give the same columns share
/// statements, because SQLite has no DEFAULT in a list of values.
pub(super) fn statements<E: Entity>(
    executor: &dyn Executor,
    rows: NewRows,
    conflict: Option<Conflict>,
) -> Vec<(Vec<usize>, Insert)> {
    let table = E::table();
    let mut groups: Vec<(Vec<usize>, Vec<usize>, NewRows)> = Vec::new();
    let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
    for (place, row) in rows.into_iter().enumerate() {
        let columns: Vec<usize> = (0..row.len())
            .filter(|&column| row[column].is_some())
            .collect();
        let group = *known.entry(columns.clone()).or_insert_with(|| {
            groups.push((columns.clone(), Vec::new(), Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(place);
        groups[group]
            .2
            .push(row.into_iter().filter(Option::is_some).collect());
    }
    let returning: Vec<usize> = if executor.capabilities().returning {
        (0..table.columns.len()).collect()
    } else {
        Vec::new()
    };
    let mut statements = Vec::new();
    for (columns, places, rows) in groups {
        let size = rows_per_statement(executor.dialect(), columns.len());
        let lengths = bulk::lengths(&rows, size);
        let (mut places, mut rows) = (places.into_iter(), rows.into_iter());
        for length in lengths {
            let insert = Insert {
                table,
                columns: columns.clone(),
                rows: rows.by_ref().take(length).collect(),
                conflict: conflict.clone(),
                returning: returning.clone(),
            };
            statements.push((places.by_ref().take(length).collect(), insert));
        }
    }
    statements
}
