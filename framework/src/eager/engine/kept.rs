//! Rows by primary key of which the result cache holds some: those are not fetched, and the others are kept.
//!
//! Only rows are taken from the cache, not the knowledge that there is none: a row that somebody else has added must not
//! make a foreign key dangle.
use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use super::{Engine, KeyIndex, Node, State};
use crate::{
    error::Result,
    executor::written::{Fetched, RowCache},
    schema::{CachedRow, Cell, KeyPart, Row, Value},
    statement::{
        query::{Keys, Link},
        render::{Query, chunk_size},
    },
};

/// Loads the rows of `node` by the keys of `index`.
pub(super) async fn batch(
    engine: &Engine<'_>,
    cache: &dyn RowCache,
    node: &Node,
    index: &KeyIndex,
    state: &mut State<'_>,
) -> Result<()> {
    let (Some(relation), Some(def)) = (node.relation, node.table.cache) else {
        return Ok(());
    };
    let mut missing = Vec::new();
    let mut tickets = HashMap::new();
    for (slot, key) in index.keys().iter().enumerate() {
        match cache.kept(node.table, key) {
            Some(row) => read(node, &*row, slot, state)?,
            None => {
                missing.push((slot, key));
                tickets.extend(cache.ticket(node.table, key).map(|ticket| (key, ticket)));
            }
        }
    }
    // Rows that nobody may keep now are not asked for in the tier behind the cache either.
    let asked: Vec<KeyPart> = tickets.keys().map(|&key| key.clone()).collect();
    let mut leases = HashMap::new();
    if let Some(fetching) = cache.fetch(node.table, &asked) {
        let mut fetched: HashMap<&KeyPart, Fetched> = asked.iter().zip(fetching.await).collect();
        let mut still_missing = Vec::new();
        for (slot, key) in missing {
            match fetched.remove(key) {
                Some(Fetched::Row(row)) => {
                    read(node, &*row, slot, state)?;
                    cache.keep(node.table, key, Some(row), tickets[key]);
                    continue;
                }
                Some(Fetched::Missing(lease)) => _ = leases.insert(key.clone(), lease),
                Some(Fetched::Closed) | None => {}
            }
            still_missing.push((slot, key));
        }
        missing = still_missing;
    }
    let missing: Vec<_> = missing
        .into_iter()
        .map(|(_, key)| index.to_values(key))
        .collect();
    // A shape reads some of the columns; of these no row can be kept.
    let columns = 0..node.table.columns.len();
    let is_whole = node.columns.iter().copied().take(columns.len()).eq(columns);
    for chunk in missing.chunks(chunk_size(engine.backend, relation.from.len())) {
        let keys = Keys::Values(chunk.to_vec());
        let level = node.level(Some(Link { relation, keys }));
        let link = level.link_columns();
        let mut loaded: Vec<(KeyPart, _)> = Vec::new();
        let mut sink = |cells: &[Cell<'_>]| {
            if is_whole && let Some(key) = index.link(cells, &link) {
                loaded.push((key, (def.read)(&mut Row::new(&cells[link.width..]))?));
            }
            state.read_linked(node, index, cells, &link, false)?;
            Ok(ControlFlow::Continue(()))
        };
        engine.run(Query::Level(&level), &mut sink).await?;
        let mut filled = Vec::new();
        for (key, row) in loaded {
            let lease = leases.remove(&key);
            filled.extend(lease.map(|lease| (key.clone(), Some(Arc::clone(&row)), lease)));
            if let Some(ticket) = tickets.get(&key) {
                cache.keep(node.table, &key, Some(row), *ticket);
            }
        }
        if !filled.is_empty() {
            cache.fill(node.table, filled).await;
        }
    }
    if !leases.is_empty() {
        let nothing = leases.into_iter().map(|(key, lease)| (key, None, lease));
        cache.fill(node.table, nothing.collect()).await;
    }
    Ok(())
}

/// Reads a row of the cache as if the database had sent it.
fn read(node: &Node, row: &dyn CachedRow, slot: usize, state: &mut State<'_>) -> Result<()> {
    let slot = u32::try_from(slot).expect("a level has fewer than 2^32 rows");
    let value = |&column: &usize| row.column_value(column);
    let values: Vec<Value> = node.columns.iter().map(value).collect();
    let text = |value: &Value| match value {
        Value::Json(Some(json)) => json.to_string(),
        _ => String::new(),
    };
    let texts: Vec<String> = values.iter().map(text).collect();
    let cells: Vec<Cell<'_>> = values
        .iter()
        .zip(&texts)
        .map(|(value, text)| Cell::from_value(value, text))
        .collect();
    state.read(node, &cells, slot)
}
