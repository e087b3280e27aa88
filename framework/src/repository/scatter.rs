//! Where a call goes whose rows are spread over several databases.
//!
//! A call that names shard keys, by a filter or by the rows themselves, goes to the shards that have them. One that only
//! reads may go to all of them, and its answers are put together. One that writes goes to one: it is one transaction.
pub(super) mod figures;
pub(super) mod gather;
pub(super) mod keyed;
mod local;
mod misplaced;
mod order;
mod rank;

use std::{future::Future, ops::Deref, sync::Arc};

use futures_util::future::join_all;

use super::insert::NewRows;
use crate::{
    error::{Error, ErrorKind, Result},
    executor::{
        Executor, ExecutorHandle,
        sharding::{Placement, Role, ShardAccess, ShardSet, Sharding},
    },
    schema::{Condition, Entity, KeyPart, TableDef, Value},
    statement::query::Assignments,
};

pub(super) use local::{check_condition, check_relation, check_specs};
pub use misplaced::Misplaced;

/// The shard keys that a call is about.
#[derive(Debug, Clone)]
pub(super) enum Keys {
    /// These and no others.
    Known(Vec<Value>),
    /// Any.
    Any,
    /// A row has none, or NULL.
    Missing,
}

impl Keys {
    /// Those of the rows for which `filter` holds.
    pub(super) fn of_filter(table: &TableDef, filter: Option<&Condition>) -> Self {
        let known = || filter?.values_of(table.shard_key?);
        known().map_or(Self::Any, Self::Known)
    }

    /// Those of the rows with these primary keys.
    pub(super) fn of_primary_keys(table: &TableDef, keys: &[Vec<Value>]) -> Self {
        let Some(at) = place_in_key(table) else {
            return Self::Any;
        };
        Self::Known(keys.iter().filter_map(|key| key.get(at).cloned()).collect())
    }

    /// Those of new rows, as they are inserted.
    pub(super) fn of_new(table: &TableDef, rows: &NewRows) -> Self {
        let Some(column) = table.shard_key else {
            return Self::Any;
        };
        let key = |row: &Vec<Option<Value>>| row.get(column).cloned().flatten();
        Self::of_rows(rows.iter().map(key))
    }

    fn of_rows(keys: impl Iterator<Item = Option<Value>>) -> Self {
        let given = |key: &Value| KeyPart::from_value(key.clone()).is_some();
        let keys: Option<Vec<Value>> = keys.map(|key| key.filter(given)).collect();
        keys.map_or(Self::Missing, Self::Known)
    }

    /// Those of entities.
    pub(super) fn of_entities<'r, E: Entity>(entities: impl IntoIterator<Item = &'r E>) -> Self {
        match E::table().shard_key {
            None => Self::Any,
            Some(column) => {
                let key = |entity: &E| Some(entity.value(column));
                Self::of_rows(entities.into_iter().map(key))
            }
        }
    }
}

/// Where the shard key is in the primary key, if it is a part of it.
pub(super) fn place_in_key(table: &TableDef) -> Option<usize> {
    let shard_key = table.shard_key?;
    table
        .primary_key
        .iter()
        .position(|&column| column == shard_key)
}

/// One of the shards that a call goes to.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Which of the shards it is.
    pub(super) at: usize,
    pub(super) name: Arc<str>,
    pub(super) executor: ExecutorHandle<'static>,
}

/// The answers of several shards, or the error of the first that failed. The others are waited for: a read that is cut
/// short costs its connection.
pub(super) async fn each<T, F>(answers: impl Iterator<Item = F>) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    join_all(answers).await.into_iter().collect()
}

/// Where a call goes that reads.
#[derive(Debug)]
pub(super) enum Reach<'e> {
    /// To its own executor.
    Here(&'e dyn Executor),
    /// To one shard.
    One(Part),
    /// To several, or to none.
    Several(Vec<Part>),
}

impl Reach<'_> {
    /// The one executor of the call.
    pub(super) fn single(&self) -> Option<&dyn Executor> {
        match self {
            Reach::Here(executor) => Some(*executor),
            Reach::One(part) => Some(&*part.executor),
            Reach::Several(_) => None,
        }
    }
}

/// Where a call goes that reads rows of `table` with these shard keys.
///
/// # Errors
/// [`CrossShard`](ErrorKind::CrossShard) for rows of other shards than the executor's, and for a table without shard key
/// where there are several; [`NoShard`](ErrorKind::NoShard).
#[inline]
pub(super) fn to_read<'e>(
    executor: &'e dyn Executor,
    table: &'static TableDef,
    keys: impl FnOnce() -> Keys,
) -> Result<Reach<'e>> {
    match executor.sharding() {
        None => Ok(Reach::Here(executor)),
        Some(sharding) => reach(executor, sharding, table, &keys()),
    }
}

#[cold]
fn reach<'e>(
    executor: &'e dyn Executor,
    sharding: Sharding<'_>,
    table: &'static TableDef,
    keys: &Keys,
) -> Result<Reach<'e>> {
    let shards = match sharding.0 {
        Role::On(seat) => {
            check(&*seat.placement, seat.at, table, keys)?;
            return Ok(Reach::Here(executor));
        }
        Role::Among(shards) => shards,
    };
    let part = |at: usize| Part {
        at,
        name: shards.name(at),
        executor: shards.shard(at, ShardAccess::Read),
    };
    let mut places = match keys {
        _ if table.shard_key.is_none() => return Err(not_spread(table)),
        Keys::Missing => return Err(no_key(table)),
        Keys::Any => (0..shards.count()).collect(),
        Keys::Known(keys) => places(shards, keys)?,
    };
    Ok(match places.len() {
        1 => Reach::One(part(places.remove(0))),
        _ => Reach::Several(places.into_iter().map(part).collect()),
    })
}

/// Where a call goes that writes.
#[derive(Debug)]
pub(super) enum Writing<'e> {
    /// To its own executor.
    Here(&'e dyn Executor),
    /// To a shard.
    Shard(ExecutorHandle<'static>),
}

impl<'e> Deref for Writing<'e> {
    type Target = dyn Executor + 'e;

    fn deref(&self) -> &Self::Target {
        match self {
            Writing::Here(executor) => *executor,
            Writing::Shard(executor) => &**executor,
        }
    }
}

/// Where a call goes that writes rows of `table` with these shard keys: to one database.
///
/// # Errors
/// [`CrossShard`](ErrorKind::CrossShard) if they are on several, if nobody says which they are, and if they are on another
/// shard than the executor's; [`NoShard`](ErrorKind::NoShard).
#[inline]
pub(super) fn to_write<'e>(
    executor: &'e dyn Executor,
    table: &'static TableDef,
    keys: impl FnOnce() -> Keys,
) -> Result<Writing<'e>> {
    match executor.sharding() {
        None => Ok(Writing::Here(executor)),
        Some(sharding) => place(executor, sharding, table, &keys()),
    }
}

#[cold]
fn place<'e>(
    executor: &'e dyn Executor,
    sharding: Sharding<'_>,
    table: &'static TableDef,
    keys: &Keys,
) -> Result<Writing<'e>> {
    let shards = match sharding.0 {
        Role::On(seat) => {
            check(&*seat.placement, seat.at, table, keys)?;
            return Ok(Writing::Here(executor));
        }
        Role::Among(shards) => shards,
    };
    let at = match keys {
        _ if table.shard_key.is_none() => return Err(not_spread(table)),
        Keys::Missing => return Err(no_key(table)),
        Keys::Any => return Err(unplaced_write(table)),
        Keys::Known(keys) => match places(shards, keys)?.as_slice() {
            [at] => *at,
            // Nothing is written.
            [] => 0,
            several => return Err(several_shards(shards, table, several)),
        },
    };
    Ok(Writing::Shard(shards.shard(at, ShardAccess::Write)))
}

/// Refuses a new row that belongs on another shard than `executor`.
pub(super) fn check_new(
    executor: &dyn Executor,
    table: &TableDef,
    row: &[Option<Value>],
) -> Result<()> {
    let Some(Sharding(Role::On(seat))) = executor.sharding() else {
        return Ok(());
    };
    let Some(column) = table.shard_key else {
        return Ok(());
    };
    let keys = Keys::of_rows(std::iter::once(row.get(column).cloned().flatten()));
    check(&*seat.placement, seat.at, table, &keys)
}

/// Refuses to meet rows on columns without the shard key: the row that it would be met with may be on another shard, and
/// one that is here may be another row.
pub(super) fn check_target(
    executor: &dyn Executor,
    table: &TableDef,
    target: &[usize],
) -> Result<()> {
    let Some(column) = table.shard_key else {
        return Ok(());
    };
    if executor.sharding().is_none() || target.contains(&column) {
        return Ok(());
    }
    let field = table.columns[column].field;
    Err(Error::invalid_query(format!(
        "rows of `{}` that meet without `{field}` may be on different shards",
        table.name
    ))
    .with_table(table.name)
    .with_hint(format!(
        "meet on columns of which `{field}` is one, with a unique index over them"
    )))
}

/// Refuses to give rows another shard key where they stay: they would not be found again.
pub(super) fn check_set(
    executor: &dyn Executor,
    table: &TableDef,
    set: &Assignments,
) -> Result<()> {
    let Some(column) = table.shard_key else {
        return Ok(());
    };
    if executor.sharding().is_none() {
        return Ok(());
    }
    set.iter()
        .try_for_each(|(_, term)| local::check_term(term))?;
    if set.iter().all(|(changed, _)| *changed != column) {
        return Ok(());
    }
    let field = table.columns[column].field;
    Err(Error::invalid_query(format!(
        "rows do not change their shard key `{field}` where they are: they would belong on another shard"
    ))
    .with_table(table.name)
    .with_hint("insert them anew, then delete the old ones"))
}

/// The shards that have rows of `keys`, in their order. A key that is NULL has no rows.
pub(super) fn places(shards: &dyn ShardSet, keys: &[Value]) -> Result<Vec<usize>> {
    let mut places = Vec::new();
    for key in keys.iter().cloned().filter_map(KeyPart::from_value) {
        places.push(shards.place(&key)?);
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// Refuses what is on another shard than `at`.
fn check(placement: &dyn Placement, at: usize, table: &TableDef, keys: &Keys) -> Result<()> {
    let Some(column) = table.shard_key else {
        return Ok(());
    };
    let keys = match keys {
        Keys::Known(keys) => keys,
        Keys::Any => return Ok(()),
        Keys::Missing => return Err(no_key(table)),
    };
    for key in keys.iter().cloned().filter_map(KeyPart::from_value) {
        let place = placement.place(&key)?;
        if place != at {
            return Err(Error::new(
                ErrorKind::CrossShard,
                format!(
                    "a row of `{}` belongs on shard `{}` by its `{}`, and this database is shard `{}`",
                    table.name,
                    placement.name(place),
                    table.columns[column].field,
                    placement.name(at)
                ),
            )
            .with_table(table.name)
            .with_hint(
                "a transaction is one database's; use the repository on `&shards`, or `shards.at(&key)?` for each key",
            ));
        }
    }
    Ok(())
}

#[cold]
fn no_key(table: &TableDef) -> Error {
    let field = table
        .shard_key
        .map_or("", |column| table.columns[column].field);
    Error::new(
        ErrorKind::NoShard,
        format!(
            "a row of `{}` has no `{field}`, so it is on no shard",
            table.name
        ),
    )
    .with_table(table.name)
    .with_hint("give it its shard key")
}

#[cold]
fn not_spread(table: &TableDef) -> Error {
    Error::new(
        ErrorKind::CrossShard,
        format!(
            "`{}` has no shard key, so nobody knows on which shard its rows are",
            table.name
        ),
    )
    .with_table(table.name)
    .with_hint(
        "mark a field `#[entity(shard_key)]`, or take the database that has them: `shards.at(&key)?`, `shards.shard(name)?`",
    )
}

#[cold]
fn unplaced_write(table: &TableDef) -> Error {
    let field = table
        .shard_key
        .map_or("", |column| table.columns[column].field);
    Error::new(
        ErrorKind::CrossShard,
        format!("this call writes to `{}` without saying `{field}`, so it has no one shard", table.name),
    )
    .with_table(table.name)
    .with_hint(
        "filter by the shard key, take the database of one key by `shards.at(&key)?`, that of each row by \
         `shards.group(rows, |row| row.key)?`, or write to each of `shards.databases()` by itself",
    )
}

#[cold]
fn several_shards(shards: &dyn ShardSet, table: &TableDef, places: &[usize]) -> Error {
    let names: Vec<_> = places
        .iter()
        .map(|&at| format!("`{}`", shards.name(at)))
        .collect();
    Error::new(
        ErrorKind::CrossShard,
        format!(
            "the rows of `{}` that this call writes are on the shards {}",
            table.name,
            names.join(", ")
        ),
    )
    .with_table(table.name)
    .with_hint(
        "a call is one transaction, and that is one database's: `shards.group(rows, |row| row.key)?` has the rows of each",
    )
}
