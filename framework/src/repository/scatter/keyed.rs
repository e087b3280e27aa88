//! Rows by key from several shards.
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::Arc,
};

use super::{Keys, Part, Reach, each, place_in_key, to_read};
use crate::{
    error::{Error, ErrorKind, Result},
    executor::{
        Executor,
        sharding::{Role, ShardAccess, ShardSet, Sharding},
    },
    repository::{assemble::Caller, kept},
    result_cache::CacheMode,
    schema::{Entity, KeyPart, TableDef, Value, table::key_of},
};

/// The one row that any of the shards has.
///
/// # Errors
/// [`TooMany`](ErrorKind::TooMany) if several have one: their keys are unique on each shard alone.
pub(in crate::repository) async fn only<E, F>(
    shards: &[Part],
    find: impl Fn(Part) -> F,
) -> Result<Option<E>>
where
    E: Entity,
    F: Future<Output = Result<Option<E>>> + Send,
{
    let found = each(shards.iter().map(|shard| find(shard.clone()))).await?;
    let with_names = shards.iter().map(|shard| &shard.name).zip(found);
    let mut found = with_names.filter_map(|(name, row)| Some((name, row?)));
    match (found.next(), found.next()) {
        (Some((one, _)), Some((other, _))) => Err(twice(E::table(), one, other)),
        (row, _) => Ok(row.map(|(_, row)| row)),
    }
}

/// Keys in a form that can be compared, with their values.
type Wanted = Vec<(KeyPart, Vec<Value>)>;

/// The rows with these different keys, wherever they are.
pub(in crate::repository) async fn many<E: Entity>(
    executor: &dyn Executor,
    mode: CacheMode,
    keys: Wanted,
    caller: Caller,
) -> Result<HashMap<KeyPart, E>> {
    let table = E::table();
    let Some(sharding) = executor.sharding() else {
        return kept::many::<E>(executor, mode, keys, caller).await;
    };
    let parts = match (sharding.0, place_in_key(table)) {
        (Role::Among(shards), Some(at)) => {
            let mut groups: BTreeMap<usize, Wanted> = BTreeMap::new();
            for (key, values) in keys {
                let Some(shard_key) = KeyPart::from_value(values[at].clone()) else {
                    continue;
                };
                let own = groups.entry(shards.place(&shard_key)?).or_default();
                own.push((key, values));
            }
            let part = |(at, own): (usize, Wanted)| (part(shards, at), own);
            groups.into_iter().map(part).collect::<Vec<_>>()
        }
        _ => {
            let values: Vec<_> = keys.iter().map(|(_, values)| values.clone()).collect();
            let source = to_read(executor, table, || Keys::of_primary_keys(table, &values))?;
            match source {
                Reach::Here(executor) => {
                    return kept::many::<E>(executor, mode, keys, caller).await;
                }
                Reach::One(part) => vec![(part, keys)],
                Reach::Several(parts) => {
                    let all = parts.into_iter().map(|part| (part, keys.clone()));
                    all.collect()
                }
            }
        }
    };
    let find = |(part, own): (Part, Wanted)| async move {
        let found = kept::many::<E>(&*part.executor, mode, own, caller).await?;
        Ok((part.name, found))
    };
    let mut rows: HashMap<KeyPart, (E, Arc<str>)> = HashMap::new();
    for (name, found) in each(parts.into_iter().map(find)).await? {
        for (key, row) in found {
            if let Some((_, other)) = rows.insert(key, (row, Arc::clone(&name))) {
                return Err(twice(table, &other, &name));
            }
        }
    }
    Ok(rows.into_iter().map(|(key, (row, _))| (key, row)).collect())
}

/// That a shard has the primary key, where the key itself says which: so that one without a shard fails its caller alone.
///
/// # Errors
/// [`NoShard`](ErrorKind::NoShard).
pub(in crate::repository) fn check_place(
    executor: &dyn Executor,
    table: &TableDef,
    key: &[Value],
) -> Result<()> {
    let (Some(Sharding(Role::Among(shards))), Some(at)) =
        (executor.sharding(), place_in_key(table))
    else {
        return Ok(());
    };
    let shard_key = KeyPart::from_value(key[at].clone());
    shard_key.map_or(Ok(()), |key| shards.place(&key).map(drop))
}

/// Shards, each with the places of its own in a list.
type Groups = Vec<(Part, Vec<usize>)>;

/// The places of the entities in the list by the shards that they are on; `None` if they are all on the executor.
///
/// # Errors
/// As [`to_read`].
pub(in crate::repository) fn by_shard<E: Entity>(
    executor: &dyn Executor,
    entities: &[E],
) -> Result<Option<Groups>> {
    let table = E::table();
    let (Some(Sharding(Role::Among(shards))), Some(column)) =
        (executor.sharding(), table.shard_key)
    else {
        to_read(executor, table, || Keys::of_entities(entities))?;
        return Ok(None);
    };
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, entity) in entities.iter().enumerate() {
        if let Some(key) = key_of(entity, &[column]) {
            groups.entry(shards.place(&key)?).or_default().push(at);
        }
    }
    let group = |(at, own): (usize, Vec<usize>)| (part(shards, at), own);
    Ok(Some(groups.into_iter().map(group).collect()))
}

fn part(shards: &dyn ShardSet, at: usize) -> Part {
    Part {
        at,
        name: shards.name(at),
        executor: shards.shard(at, ShardAccess::Read),
    }
}

#[cold]
fn twice(table: &TableDef, one: &Arc<str>, other: &Arc<str>) -> Error {
    Error::new(
        ErrorKind::TooMany,
        format!(
            "the shards `{one}` and `{other}` both have a row of `{}` for this key",
            table.name
        ),
    )
    .with_table(table.name)
    .with_hint(
        "a key that each database counts for itself is unique there alone: find it with its shard key, by `.filter(..)` or \
         on `shards.at(&key)?`",
    )
}

/// Why several rows have a key that one should have.
#[cold]
pub(in crate::repository) fn several(table: &TableDef) -> Error {
    Error::new(
        ErrorKind::TooMany,
        format!("several shards have a row of `{}` for this key", table.name),
    )
    .with_table(table.name)
    .with_hint("filter by the shard key too")
}
