//! Rows of one shard, or of several as if they were one table.
use std::panic::Location;

use super::{
    Part, Reach, check_condition, check_specs, each,
    local::check_order,
    order::{Comparable, Ranks, compare, needs_ranks},
    rank,
};
use crate::{
    eager::{IncludeList, engine::Load},
    error::{Error, Result},
    executor::Executor,
    repository::{
        assemble,
        page::keyset::{Keyset, Place},
        query::Parts,
    },
    schema::{Entity, OrderTerm},
    statement::next_load,
};

/// Refuses includes whose rows may be on other shards than `executor`'s, or than those of their parents.
pub(in crate::repository) fn check<E, I: IncludeList<E>>(
    executor: &dyn Executor,
    includes: &I,
) -> Result<()> {
    if executor.sharding().is_none() {
        return Ok(());
    }
    let mut specs = Vec::new();
    includes.specs(&mut specs);
    check_specs(&specs)
}

/// Refuses what `source`, which is spread over shards or one of them, cannot be asked for.
pub(in crate::repository) fn check_parts(source: &Reach<'_>, parts: &Parts) -> Result<()> {
    check_condition(parts.filter.as_ref())?;
    check_order(&parts.order)?;
    if source.single().is_some() {
        return Ok(());
    }
    parts.refuse_lock("a query over several shards")?;
    if parts.distinct {
        return Err(Error::invalid_query(
            "each shard knows its own rows only, so nobody can say which come twice",
        )
        .with_hint("filter by the shard key, or leave `.distinct()` out"));
    }
    if parts.consistent {
        return Err(
            Error::unsupported("several shards have no moment in common")
                .with_hint("filter by the shard key, or leave `.consistent()` out"),
        );
    }
    Ok(())
}

/// The graphs that `parts` ask for, in no order that is asked for unless one is.
pub(in crate::repository) async fn all<E: Entity, I: IncludeList<E>>(
    shards: &[Part],
    mut parts: Parts,
    includes: &I,
    call_site: &'static Location<'static>,
) -> Result<Vec<I::Output>> {
    let load = parts.how().load(next_load(), call_site);
    if !parts.order.is_empty() {
        let order = std::mem::take(&mut parts.order);
        let keyset = Keyset::new(E::table(), order, "a query over several shards")?;
        parts.order = keyset.order(false);
        let placed = merged::<E, I>(shards, &keyset, false, &parts, includes, load);
        return Ok(placed.await?.0);
    }
    let own = own_part(&parts);
    let loading = |shard: &'_ Part| {
        let level = own.level::<E>();
        let executor = shard.executor.clone();
        async move { assemble::load(&*executor, level, includes, load).await }
    };
    let rows = each(shards.iter().map(loading)).await?;
    Ok(within(rows.into_iter().flatten(), &parts).collect())
}

/// The graphs that `parts` ask for in the order of `keyset`, which is theirs, each with its place in it.
pub(in crate::repository) async fn placed<E: Entity, I: IncludeList<E>>(
    source: &Reach<'_>,
    keyset: &Keyset,
    backwards: bool,
    parts: &Parts,
    includes: &I,
    load: Load,
) -> Result<(Vec<I::Output>, Vec<Place>)> {
    match source {
        Reach::Here(executor) => keyset.load::<E, I>(*executor, parts, includes, load).await,
        Reach::One(part) => {
            keyset
                .load::<E, I>(&*part.executor, parts, includes, load)
                .await
        }
        Reach::Several(shards) => {
            Box::pin(merged::<E, I>(
                shards, keyset, backwards, parts, includes, load,
            ))
            .await
        }
    }
}

async fn merged<E: Entity, I: IncludeList<E>>(
    shards: &[Part],
    keyset: &Keyset,
    backwards: bool,
    parts: &Parts,
    includes: &I,
    load: Load,
) -> Result<(Vec<I::Output>, Vec<Place>)> {
    let own = &own_part(parts);
    let loading = |shard: &'_ Part| {
        let executor = shard.executor.clone();
        async move { keyset.load::<E, I>(&*executor, own, includes, load).await }
    };
    let loaded = each(shards.iter().map(loading)).await?;
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for (own_rows, own_places) in loaded {
        rows.extend(own_rows);
        places.extend(own_places);
    }
    let keys = comparables(shards, keyset, &places, load).await?;
    let terms: Vec<OrderTerm> = keyset.order(backwards);
    let placed = rows.into_iter().zip(places);
    let mut sorted: Vec<_> = placed.zip(keys).collect();
    sorted.sort_by(|(_, one), (_, other)| compare(&terms, one, other));
    let sorted = sorted.into_iter().map(|(placed, _)| placed);
    Ok(within(sorted, parts).unzip())
}

/// What each place is compared by. Texts are put in order by the database, one statement a column.
async fn comparables(
    shards: &[Part],
    keyset: &Keyset,
    places: &[Place],
    load: Load,
) -> Result<Vec<Vec<Option<Comparable>>>> {
    let table = keyset.table();
    let columns: Vec<usize> = keyset.columns().collect();
    let mut ranks = Vec::with_capacity(columns.len());
    for (at, &column) in columns.iter().enumerate() {
        let texts = places.iter().filter_map(|place| place[at].as_ref());
        ranks.push(
            match (needs_ranks(table.columns[column].sql_type), shards.first()) {
                (true, Some(shard)) => {
                    rank::ranks(&*shard.executor, table, column, texts, load).await?
                }
                _ => Ranks::new(),
            },
        );
    }
    let comparable = |(at, &column): (usize, &usize), place: &Place| {
        let sql_type = table.columns[column].sql_type;
        Comparable::of(place[at].as_ref(), sql_type, &ranks[at])
    };
    let of = |place: &Place| {
        let each = columns.iter().enumerate();
        each.map(|column| comparable(column, place)).collect()
    };
    Ok(places.iter().map(of).collect())
}

/// What each shard is asked for: rows that are left out at the beginning may all be its own, or none.
fn own_part(parts: &Parts) -> Parts {
    let skipped = parts.offset.unwrap_or_default();
    Parts {
        limit: parts.limit.map(|limit| limit.saturating_add(skipped)),
        offset: None,
        ..parts.clone()
    }
}

fn within<T>(rows: impl Iterator<Item = T>, parts: &Parts) -> impl Iterator<Item = T> {
    let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    rows.skip(count(parts.offset.unwrap_or_default()))
        .take(parts.limit.map_or(usize::MAX, count))
}
