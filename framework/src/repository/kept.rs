//! Rows by primary key, from the result cache where the entity has one, and what writes tell it.
//!
//! Unique columns other than the key are not looked up in the cache: a row that changes them is found under its key
//! alone.
use std::{collections::HashMap, future::Future, sync::Arc};

use super::{
    assemble::{self, Caller},
    find::key_filter,
};
use crate::{
    eager::spec::alive,
    error::Result,
    executor::{
        Executor, ExecutorHandle,
        written::{Fetched, Lease, RowCache, Ticket},
    },
    result_cache::{self, Cache, CacheMode},
    schema::{
        CacheWrite, CachedRow, Condition, Entity, KeyPart, TableDef, Value,
        table::{key_of, values_of},
    },
    statement::{
        Touched,
        query::{Insert, Level},
        render::{self, Query, chunk_size},
        touched::{Fresh, TouchedRows},
    },
};

/// What to load rows of `E` through that may be kept: an executor that sees every write that is known of.
pub(super) fn reader<E: Entity>(
    executor: &dyn Executor,
    mode: CacheMode,
) -> Option<ExecutorHandle<'_>> {
    cache_of::<E>(executor, mode)?;
    executor.together(true)
}

/// What is kept of the row with the key `values`.
pub(super) fn hit<E: Entity>(
    executor: &dyn Executor,
    mode: CacheMode,
    values: &[Value],
) -> Option<Option<E>> {
    let cache = cache_of::<E>(executor, mode)?;
    let key = KeyPart::from_values(values.iter().cloned())?;
    Some(cache.hit(E::table(), &key, mode)?.map(owned))
}

/// The row with the key `values`, which is not kept, as `load` loads it; kept then, if it may be.
pub(super) async fn one<E, F>(
    executor: &dyn Executor,
    mode: CacheMode,
    values: &[Value],
    load: impl Fn() -> F + Send + Sync,
) -> Result<Option<E>>
where
    E: Entity,
    F: Future<Output = Result<Option<E>>> + Send,
{
    let Some(cache) = cache_of::<E>(executor, mode) else {
        return load().await;
    };
    let Some(key) = KeyPart::from_values(values.iter().cloned()) else {
        return load().await;
    };
    let load = || async { Ok(load().await?.map(|row| Arc::new(row) as Arc<dyn CachedRow>)) };
    let kept = cache.row(E::table(), &key, mode, load).await?;
    Ok(kept.map(owned))
}

/// The rows with these different keys, those that are not kept in as few statements as can be.
pub(super) async fn many<E: Entity>(
    executor: &dyn Executor,
    mode: CacheMode,
    keys: Vec<(KeyPart, Vec<Value>)>,
    caller: Caller,
) -> Result<HashMap<KeyPart, E>> {
    let table = E::table();
    let Some(cache) = cache_of::<E>(executor, mode) else {
        let values = keys.into_iter().map(|(_, values)| values).collect();
        let together = executor.together(false);
        return load::<E>(together.as_deref().unwrap_or(executor), values, caller).await;
    };
    let reader = executor.together(true);
    let executor = reader.as_deref().unwrap_or(executor);
    let mut found = HashMap::new();
    let mut missing = Vec::new();
    let mut tickets = Vec::new();
    for (key, values) in keys {
        match cache.hit(table, &key, mode) {
            Some(kept) => found.extend(kept.map(|row| (key, owned(row)))),
            None => {
                missing.push((key.clone(), values));
                tickets.extend(cache.ticket(table, &key).map(|ticket| (key, ticket)));
            }
        }
    }
    let leases = match mode {
        CacheMode::Use => fetch(cache, &mut missing, &mut tickets, &mut found).await,
        CacheMode::Refresh | CacheMode::Bypass => Vec::new(),
    };
    let values = missing.into_iter().map(|(_, values)| values).collect();
    found.extend(load::<E>(executor, values, caller).await?);
    let row = |key: &KeyPart| {
        let row = found.get(key).cloned();
        row.map(|row| Arc::new(row) as Arc<dyn CachedRow>)
    };
    for (key, ticket) in tickets {
        cache.keep(table, &key, row(&key), ticket);
    }
    if !leases.is_empty() {
        let filled = leases.into_iter().map(|(key, lease)| {
            let row = row(&key);
            (key, row, lease)
        });
        let filled = filled.collect();
        cache.fill(table, filled).await;
    }
    Ok(found)
}

/// Takes what the tier behind the cache has of the missing rows, and keeps it; the leases are for the others.
async fn fetch<E: Entity>(
    cache: &Cache,
    missing: &mut Vec<(KeyPart, Vec<Value>)>,
    tickets: &mut Vec<(KeyPart, Ticket)>,
    found: &mut HashMap<KeyPart, E>,
) -> Vec<(KeyPart, Lease)> {
    let table = E::table();
    let asked: Vec<KeyPart> = tickets.iter().map(|(key, _)| key.clone()).collect();
    let mut leases = Vec::new();
    let Some(fetching) = cache.fetch(table, &asked) else {
        return leases;
    };
    let fetched = fetching.await;
    let mut still_loading = Vec::with_capacity(tickets.len());
    for ((key, ticket), fetched) in tickets.drain(..).zip(fetched) {
        match fetched {
            Fetched::Row(row) => {
                cache.keep(table, &key, Some(Arc::clone(&row)), ticket);
                found.insert(key, owned(row));
                continue;
            }
            Fetched::Missing(lease) => leases.push((key.clone(), lease)),
            Fetched::Closed => {}
        }
        still_loading.push((key, ticket));
    }
    *tickets = still_loading;
    missing.retain(|(key, _)| !found.contains_key(key));
    leases
}

/// The rows with these keys, from the database.
async fn load<E: Entity>(
    executor: &dyn Executor,
    keys: Vec<Vec<Value>>,
    caller: Caller,
) -> Result<HashMap<KeyPart, E>> {
    let table = E::table();
    let backend = render::Backend {
        dialect: executor.dialect(),
        capabilities: executor.capabilities(),
    };
    let mut found = HashMap::new();
    for chunk in keys.chunks(chunk_size(backend, table.primary_key.len())) {
        let level = Level {
            filter: Condition::both(
                Some(key_filter(&table.primary_key, chunk.to_vec())),
                alive(table),
            ),
            ..Level::all(table)
        };
        let (rows, _) = assemble::entities::<E>(executor, Query::Level(&level), caller).await?;
        let keyed = |row: E| Some((key_of(&row, &table.primary_key)?, row));
        found.extend(rows.into_iter().filter_map(keyed));
    }
    Ok(found)
}

/// The cache behind `executor`, if `E` is kept in it.
fn cache_of<E: Entity>(executor: &dyn Executor, mode: CacheMode) -> Option<&Cache> {
    E::table().cache?;
    result_cache::behind(executor, mode)
}

fn owned<E: Entity>(row: Arc<dyn CachedRow>) -> E {
    let row = row.into_any().downcast::<E>();
    Arc::unwrap_or_clone(row.expect("rows are kept under their entity's own table"))
}

/// What is told of a write to the row with `key`; nothing where no rows are kept.
pub(super) fn touches_key<E: Entity>(key: &[Value]) -> Option<Arc<Touched>> {
    touches_keys::<E>(std::iter::once(key))
}

/// What is told of a write to the rows with `keys`.
pub(super) fn touches_keys<'k, E: Entity>(
    keys: impl Iterator<Item = &'k [Value]>,
) -> Option<Arc<Touched>> {
    E::table().cache?;
    let key = |values: &[Value]| KeyPart::from_values(values.iter().cloned());
    let keys: Option<Vec<_>> = keys.map(key).collect();
    Some(Touched::new(E::table(), TouchedRows::Keys(keys?)))
}

/// What is told of an insert. One that may change a row that is there already says nothing.
pub(super) fn touches_new<E: Entity>(insert: &Insert) -> Option<Arc<Touched>> {
    let table = E::table();
    table.cache?;
    if insert.conflict.is_some() {
        return None;
    }
    let keys = insert.rows.iter().map(|row| given_key(table, insert, row));
    let rows = match keys.collect() {
        Some(keys) => TouchedRows::Keys(keys),
        None => TouchedRows::New,
    };
    Some(Touched::new(table, rows))
}

fn given_key(table: &TableDef, insert: &Insert, row: &[Option<Value>]) -> Option<KeyPart> {
    let values: Option<Vec<Value>> = table
        .primary_key
        .iter()
        .map(|key| {
            let at = insert.columns.iter().position(|column| column == key)?;
            row.get(at)?.clone()
        })
        .collect();
    KeyPart::from_values(values?)
}

/// Notes a row as the database has it after a write.
pub(super) fn note<E: Entity>(touched: Option<&Arc<Touched>>, row: &E) {
    let table = E::table();
    let through = |cache: crate::schema::CacheDef| cache.write == CacheWrite::Through;
    if let Some(touched) = touched
        && table.cache.is_some_and(through)
        && let Some(key) = KeyPart::from_values(values_of(row, &table.primary_key))
    {
        let deleted = |column: usize| KeyPart::from_value(row.value(column)).is_some();
        let is_alive = !table.deleted_at.is_some_and(deleted);
        let row = is_alive.then(|| Arc::new(row.clone()) as Arc<dyn CachedRow>);
        touched.note(Fresh { key, row });
    }
}

/// Notes a row as the framework has written it, if the database gives back exactly that.
pub(super) fn note_written<E: Entity>(touched: Option<&Arc<Touched>>, row: &E) {
    let comes_back = |(at, column): (usize, &crate::schema::ColumnDef)| {
        column.sql_type.comes_back(&row.value(at))
    };
    if touched.is_some() && E::table().columns.iter().enumerate().all(comes_back) {
        note(touched, row);
    }
}

/// Notes that the rows with the keys of `touched` are gone.
pub(super) fn note_gone(touched: Option<&Arc<Touched>>) {
    if let Some(touched) = touched
        && let TouchedRows::Keys(keys) = &touched.rows
    {
        for key in keys {
            touched.note(Fresh {
                key: key.clone(),
                row: None,
            });
        }
    }
}
