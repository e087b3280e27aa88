//! Rows that nobody looks for where they are.
use std::{
    collections::{BTreeMap, HashSet},
    future::Future,
    ops::ControlFlow,
    panic::Location,
    sync::Arc,
};

use super::{Keys, Reach, each, to_read};
use crate::{
    error::{Error, Result},
    executor::sharding::{Role, Sharding},
    repository::{Repository, assemble, assemble::Caller},
    schema::{Cell, Entity, KeyPart},
    statement::{query::Level, render::Query},
};

/// Shard keys whose rows lie on another shard than the shard map says; see [`Repository::misplaced`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misplaced {
    /// Where rows of them are.
    pub on: Arc<str>,
    /// Where they are looked for; `None` if the shard map has no shard for them.
    pub belongs_on: Option<Arc<str>>,
    /// How many different keys there are.
    pub keys: u64,
}

impl<'a, E: Entity> Repository<'a, E> {
    /// Shard keys with rows where nobody looks for them: after the shard map was changed, or rows were written past it.
    /// Nothing if every row is in its place. Every shard lists its different keys (its rows, for text), and those in the wrong place are kept in memory.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) on anything but a [`Shards`](crate::Shards) handle.
    /// [`CrossShard`](crate::ErrorKind::CrossShard) for an entity without a shard key; the database's.
    ///
    /// ```
    /// # use entourage::{Shards, prelude::*, shards::ShardStrategy};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "orders")]
    /// # struct Order { #[entity(primary_key)] id: i64, #[entity(shard_key)] customer_id: i64 }
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// # let shards = Shards::builder().shard("a", "sqlite::memory:").connect().await?;
    /// # shards.create_schema::<Order>().await?;
    /// assert!(OrderRepository::new(&shards).misplaced().await?.is_empty());
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn misplaced(&self) -> impl Future<Output = Result<Vec<Misplaced>>> + Send + use<'a, E> {
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            let table = E::table();
            let Some(Sharding(Role::Among(shards))) = executor.sharding() else {
                let message = "only all shards together know where rows belong";
                return Err(Error::unsupported(message)
                    .with_hint("call it on a repository of `&shards`")
                    .at(call_site));
            };
            let source = to_read(&*executor, table, || Keys::Any);
            let parts = match source.map_err(|error| error.at(call_site))? {
                Reach::Several(parts) => parts,
                Reach::One(part) => vec![part],
                Reach::Here(_) => Vec::new(),
            };
            let Some(column) = table.shard_key else {
                return Ok(Vec::new());
            };
            let sql_type = table.columns[column].sql_type;
            let caller = Caller::of_many(call_site);
            let level = Level {
                columns: vec![column],
                // What a collation takes for one key may be several.
                distinct: sql_type.compares_exactly(),
                ..Level::all(table)
            };
            let level = &level;
            let count = |part: super::Part| async move {
                let mut elsewhere: BTreeMap<Option<usize>, HashSet<KeyPart>> = BTreeMap::new();
                let mut sink = |cells: &[Cell<'_>]| {
                    let key = cells
                        .first()
                        .and_then(|cell| KeyPart::from_cell(cell, sql_type));
                    if let Some(key) = key {
                        let place = shards.place(&key).ok();
                        if place != Some(part.at) {
                            elsewhere.entry(place).or_default().insert(key);
                        }
                    }
                    Ok(ControlFlow::Continue(()))
                };
                let query = Query::Level(level);
                assemble::run(&*part.executor, query, &mut sink, caller).await?;
                let misplaced = |(place, keys): (Option<usize>, HashSet<KeyPart>)| Misplaced {
                    on: Arc::clone(&part.name),
                    belongs_on: place.map(|place| shards.name(place)),
                    keys: keys.len() as u64,
                };
                Ok(elsewhere.into_iter().map(misplaced).collect::<Vec<_>>())
            };
            let all = each(parts.into_iter().map(count)).await;
            Ok(all.map_err(|error| error.at(call_site))?.concat())
        }
    }
}
