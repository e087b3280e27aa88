//! Rows by key and by unique column.
use std::{future::Future, ops::ControlFlow, panic::Location};

use super::{
    Query, Repository,
    assemble::{self, Caller},
    kept,
    scatter::{self, Keys, Reach, keyed},
};
use crate::{
    eager::{IncludeList, spec::alive},
    error::{Error, Result},
    executor::Executor,
    result_cache::CacheMode,
    schema::{Cell, Condition, Entity, Filter, Key, KeyPart, Row, TableDef, Value, entity},
    statement::{Statement, query::Level, render},
    statement_cache,
};

impl<'a, E: Entity> Repository<'a, E> {
    /// The row with this primary key, or `None`. Soft-deleted rows are not found.
    ///
    /// # Errors
    /// The database's, or a decode error.
    ///
    /// # Cancellation
    /// Safe: a read that is dropped has no effect; its connection is not lent again.
    #[track_caller]
    pub fn find<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E, K> {
        let values = key.into().to_values();
        self.by_key(values)
    }

    /// The row with this primary key.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) naming table and key, the database's, or a decode error.
    #[track_caller]
    pub fn get<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<E>> + Send + use<'a, E, K> {
        let call_site = Location::caller();
        let values = key.into().to_values();
        let found = self.by_key(values.clone());
        async move {
            found
                .await?
                .ok_or_else(|| no_row::<E>(values).at(call_site))
        }
    }

    /// The one row for which `filter` holds, by columns that are unique; what `find_by_email` calls.
    ///
    /// # Errors
    /// The database's, or a decode error.
    #[track_caller]
    pub fn find_by(
        &self,
        filter: Filter<E>,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E> {
        self.first_matching(filter.into_condition())
    }

    /// The rows with these primary keys, in the order of the keys; `None` where there is no row. Lists of any length
    /// are safe: they are cut to what the database takes.
    ///
    /// # Errors
    /// The database's, or a decode error.
    #[track_caller]
    pub fn find_many<K, L>(
        &self,
        keys: L,
    ) -> impl Future<Output = Result<Vec<Option<E>>>> + Send + use<'a, E, K, L>
    where
        K: Into<E::Key>,
        L: IntoIterator<Item = K>,
    {
        let keys: Vec<Vec<Value>> = keys.into_iter().map(|key| key.into().to_values()).collect();
        let executor = self.executor.clone();
        let mode = self.cache;
        let call_site = Location::caller();
        async move {
            let mut distinct = std::collections::HashSet::new();
            let wanted: Vec<_> = keys
                .iter()
                .map(|key| KeyPart::from_values(key.iter().cloned()))
                .collect();
            let caller = Caller::of_many(call_site);
            let unique: Vec<_> = keys
                .iter()
                .zip(&wanted)
                .filter(|(_, part)| {
                    part.as_ref()
                        .is_some_and(|part| distinct.insert(part.clone()))
                })
                .filter_map(|(key, part)| Some((part.clone()?, key.clone())))
                .collect();
            let found = keyed::many::<E>(&*executor, mode, unique, caller)
                .await
                .map_err(|error| error.at(call_site))?;
            Ok(wanted
                .into_iter()
                .map(|key| found.get(&key?).cloned())
                .collect())
        }
    }

    #[track_caller]
    fn first_matching(
        &self,
        condition: Condition,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E> {
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            if executor.sharding().is_some() {
                scatter::check_condition(Some(&condition)).map_err(|error| error.at(call_site))?;
            }
            let keys = || Keys::of_filter(E::table(), Some(&condition));
            let source = scatter::to_read(&*executor, E::table(), keys);
            let source = source.map_err(|error| error.at(call_site))?;
            match &source {
                Reach::Several(shards) => {
                    let found = keyed::only(shards, |shard| {
                        let condition = condition.clone();
                        async move { first_matching(&*shard.executor, condition, call_site).await }
                    });
                    Box::pin(found).await.map_err(|error| error.at(call_site))
                }
                Reach::Here(executor) => first_matching(*executor, condition, call_site).await,
                Reach::One(part) => first_matching(&*part.executor, condition, call_site).await,
            }
        }
    }

    #[track_caller]
    fn by_key(
        &self,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E> {
        let executor = self.executor.clone();
        let (mode, call_site) = (self.cache, Location::caller());
        async move {
            if executor.sharding().is_some() {
                return Box::pin(placed_by_key(&*executor, mode, values, call_site)).await;
            }
            by_key_at(&*executor, mode, values, call_site).await
        }
    }
}

impl<'a, E: Entity, I: IncludeList<E>> Query<'a, E, I> {
    /// The row of the query with this primary key, or `None`, with everything that is loaded beside it:
    /// `users.with(User::POSTS).find(1)`, `users.shape::<AuthorCard>().find(1)`.
    ///
    /// # Errors
    /// As [`all`](Query::all).
    #[track_caller]
    pub fn find<K: Into<E::Key>>(
        self,
        key: K,
    ) -> impl Future<Output = Result<Option<I::Output>>> + Send + use<'a, E, I, K> {
        self.by_key(key.into().to_values())
    }

    /// The row of the query with this primary key, with everything that is loaded beside it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) naming table and key; as [`all`](Query::all) otherwise.
    #[track_caller]
    pub fn get<K: Into<E::Key>>(
        self,
        key: K,
    ) -> impl Future<Output = Result<I::Output>> + Send + use<'a, E, I, K> {
        let call_site = Location::caller();
        let values = key.into().to_values();
        let found = self.by_key(values.clone());
        async move {
            found
                .await?
                .ok_or_else(|| no_row::<E>(values).at(call_site))
        }
    }

    #[track_caller]
    fn by_key(
        mut self,
        key: Vec<Value>,
    ) -> impl Future<Output = Result<Option<I::Output>>> + Send + use<'a, E, I> {
        let wanted = key_filter(&E::table().primary_key, vec![key]);
        self.parts.filter = Condition::both(self.parts.filter, Some(wanted));
        // One row has no order, so none is sent.
        self.parts.order.clear();
        let call_site = Location::caller();
        let rows = self.all();
        async move {
            let mut rows = rows.await?;
            match rows.len() {
                0 | 1 => Ok(rows.pop()),
                _ => Err(keyed::several(E::table()).at(call_site)),
            }
        }
    }
}

/// Why a row that must be there was not found.
#[cold]
fn no_row<E: Entity>(key: Vec<Value>) -> Error {
    let key = KeyPart::from_values(key).map_or_else(String::new, |key| key.to_string());
    Error::not_found(E::table().name, format_args!("key {key}"))
}

/// The row with the key `values`, on the shard that has it.
async fn placed_by_key<E: Entity>(
    executor: &dyn Executor,
    mode: CacheMode,
    values: Vec<Value>,
    call_site: &'static Location<'static>,
) -> Result<Option<E>> {
    let table = E::table();
    let keys = || Keys::of_primary_keys(table, std::slice::from_ref(&values));
    let found =
        match scatter::to_read(executor, table, keys).map_err(|error| error.at(call_site))? {
            Reach::Here(executor) => by_key_at(executor, mode, values, call_site).await,
            Reach::One(part) => by_key_at(&*part.executor, mode, values, call_site).await,
            Reach::Several(shards) => {
                let find = |shard: scatter::Part| {
                    let values = values.clone();
                    async move { by_key_at(&*shard.executor, mode, values, call_site).await }
                };
                keyed::only(&shards, find).await
            }
        };
    found.map_err(|error| error.at(call_site))
}

/// The row with the key `values`, from the result cache or from the database.
async fn by_key_at<E: Entity>(
    executor: &dyn Executor,
    mode: CacheMode,
    values: Vec<Value>,
    call_site: &'static Location<'static>,
) -> Result<Option<E>> {
    if E::table().cache.is_none() {
        return Box::pin(first_by_key(executor, values, call_site)).await;
    }
    if let Some(kept) = kept::hit(executor, mode, &values) {
        return Ok(kept);
    }
    // Apart, so that the future of a hit is small: it is moved more than once.
    let missed = async {
        let reader = kept::reader::<E>(executor, mode);
        let executor = reader.as_deref().unwrap_or(executor);
        let load = || first_by_key(executor, values.clone(), call_site);
        kept::one(executor, mode, &values, load).await
    };
    Box::pin(missed).await
}

async fn first_matching<E: Entity>(
    executor: &dyn Executor,
    condition: Condition,
    call_site: &'static Location<'static>,
) -> Result<Option<E>> {
    let level = matching(E::table(), condition);
    let statement = assemble::statement(executor, render::Query::Level(&level), call_site)?;
    first(executor, &statement).await
}

/// The row with the key `values`, by a plan that needs no query to be built.
async fn first_by_key<E: Entity>(
    executor: &dyn Executor,
    values: Vec<Value>,
    call_site: &'static Location<'static>,
) -> Result<Option<E>> {
    let table = E::table();
    let query = |values| matching(table, key_filter(&table.primary_key, vec![values]));
    let backend = assemble::backend(executor);
    let (plan, args) = statement_cache::by_key(table, backend, values, query)
        .map_err(|error| error.at(call_site))?;
    first(executor, &Statement::new(plan, args, call_site)).await
}

/// The rows of `table` for which `condition` holds, but for those that are marked as deleted.
fn matching(table: &'static TableDef, condition: Condition) -> Level {
    Level {
        filter: Condition::both(Some(condition), alive(table)),
        ..Level::all(table)
    }
}

async fn first<E: Entity>(executor: &dyn Executor, statement: &Statement) -> Result<Option<E>> {
    let mut found = None;
    let mut sink = |cells: &[Cell<'_>]| {
        let row = entity::read(&mut Row::new(cells));
        found = Some(row.map_err(|error| error.at(statement.call_site))?);
        Ok(ControlFlow::Break(()))
    };
    executor.run(statement, &mut sink).await?;
    Ok(found)
}

/// See [`Condition::keys`].
pub(super) fn key_filter(columns: &[usize], keys: Vec<Vec<Value>>) -> Condition {
    Condition::keys(columns, keys)
}
