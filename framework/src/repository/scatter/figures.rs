//! Figures over the rows of several shards, from the figures of each.
use super::{
    Part, each,
    order::{Comparable, Ranks, needs_ranks},
    rank,
};
use crate::{
    eager::engine::Load,
    error::{Error, Result},
    repository::{
        assemble::Caller,
        figure::{exists_at, figure_at},
        query::Parts,
    },
    schema::{
        Cell, ColumnValue, Condition, Entity, KeyPart, Row, Value,
        expression::{AggregateKind, Term},
    },
};

/// Whether there is any row.
pub(in crate::repository) async fn exists<E: Entity>(
    shards: &[Part],
    parts: &Parts,
    caller: Caller,
) -> Result<bool> {
    if parts.offset.is_some_and(|skipped| skipped > 0) {
        return Ok(count::<E>(shards, parts, caller).await? > 0);
    }
    let exists = |shard: &'_ Part| {
        let executor = shard.executor.clone();
        async move { exists_at::<E>(&*executor, parts, caller).await }
    };
    let all = each(shards.iter().map(exists)).await?;
    Ok(all.contains(&true))
}

/// A figure over the rows.
pub(in crate::repository) async fn figure<E: Entity, F: ColumnValue>(
    shards: &[Part],
    parts: &Parts,
    aggregate: AggregateKind,
    caller: Caller,
) -> Result<F> {
    if aggregate == AggregateKind::Count {
        let count = count::<E>(shards, parts, caller).await?;
        return read(&Value::BigInt(i64::try_from(count).ok()));
    }
    if parts.limit.is_some() || parts.offset.is_some() {
        return Err(Error::invalid_query(
            "a figure over the first rows of several shards takes those rows",
        )
        .with_hint("load them and compute it, or leave limit and offset out"));
    }
    if let AggregateKind::Avg(column) = aggregate {
        return mean::<E, F>(shards, parts, column, caller).await;
    }
    let values = of_each::<E, F>(shards, parts, aggregate, caller).await?;
    let values: Vec<Value> = values
        .iter()
        .map(F::to_value)
        .filter(|value| *value != F::null())
        .collect();
    let merged = match aggregate {
        AggregateKind::Sum(_) => values
            .into_iter()
            .map(Ok)
            .reduce(|one, other| sum(one?, other?))
            .transpose()?,
        AggregateKind::Min(column) => extreme::<E>(shards, values, column, false, caller).await?,
        AggregateKind::Max(column) => extreme::<E>(shards, values, column, true, caller).await?,
        AggregateKind::Count | AggregateKind::Exists | AggregateKind::Avg(_) => None,
    };
    read(&merged.unwrap_or_else(F::null))
}

/// The figure of each shard.
async fn of_each<E: Entity, F: ColumnValue>(
    shards: &[Part],
    parts: &Parts,
    aggregate: AggregateKind,
    caller: Caller,
) -> Result<Vec<F>> {
    let figure = |shard: &'_ Part| {
        let executor = shard.executor.clone();
        async move { figure_at::<E, F>(&*executor, parts, aggregate, caller).await }
    };
    each(shards.iter().map(figure)).await
}

/// How many rows there are within limit and offset.
async fn count<E: Entity>(shards: &[Part], parts: &Parts, caller: Caller) -> Result<u64> {
    let all = Parts {
        limit: None,
        offset: None,
        ..parts.clone()
    };
    let counts = of_each::<E, i64>(shards, &all, AggregateKind::Count, caller).await?;
    let count: u64 = counts.into_iter().map(i64::unsigned_abs).sum();
    let left = count.saturating_sub(parts.offset.unwrap_or_default());
    Ok(parts.limit.map_or(left, |limit| left.min(limit)))
}

/// The mean of a column: each shard's counts as much as it has values. Those are counted a moment later; a shard that had
/// none when it was asked for its mean has no part in it.
async fn mean<E: Entity, F: ColumnValue>(
    shards: &[Part],
    parts: &Parts,
    column: usize,
    caller: Caller,
) -> Result<F> {
    let has_value = Condition::Null(Term::Column(column), false);
    let known = Parts {
        filter: Condition::both(parts.filter.clone(), Some(has_value)),
        ..parts.clone()
    };
    let kind = AggregateKind::Avg(column);
    let means = of_each::<E, Option<f64>>(shards, &known, kind, caller).await?;
    let counts = of_each::<E, i64>(shards, &known, AggregateKind::Count, caller).await?;
    let parts: Vec<(f64, f64)> = means
        .iter()
        .zip(&counts)
        .filter_map(|(mean, &count)| Some(((*mean)?, count.max(1) as f64)))
        .collect();
    let all: f64 = parts.iter().map(|(_, count)| count).sum();
    let weighted = parts.iter().map(|(mean, count)| mean * (count / all));
    let mean = (!parts.is_empty()).then(|| weighted.sum::<f64>());
    read(&Value::Double(mean))
}

fn sum(one: Value, other: Value) -> Result<Value> {
    let sum = match (&one, &other) {
        (Value::BigInt(Some(one)), Value::BigInt(Some(other))) => {
            one.checked_add(*other).map(|sum| Value::BigInt(Some(sum)))
        }
        (Value::Double(Some(one)), Value::Double(Some(other))) => {
            Some(Value::Double(Some(one + other)))
        }
        (Value::Decimal(Some(one)), Value::Decimal(Some(other))) => {
            one.checked_add(*other).map(|sum| Value::Decimal(Some(sum)))
        }
        _ => None,
    };
    sum.ok_or_else(|| Error::decode("the sum over the shards is out of range"))
}

/// The least or the greatest of the shards' values.
async fn extreme<E: Entity>(
    shards: &[Part],
    values: Vec<Value>,
    column: usize,
    greatest: bool,
    caller: Caller,
) -> Result<Option<Value>> {
    let (table, sql_type) = (E::table(), E::table().columns[column].sql_type);
    let parts: Vec<_> = values.iter().cloned().map(KeyPart::from_value).collect();
    let ranks = match (needs_ranks(sql_type), shards.first()) {
        (true, Some(shard)) => {
            let load = Load {
                strategy: Default::default(),
                cached: false,
                consistent: false,
                number: caller.number(),
                call_site: caller.call_site,
            };
            let texts = parts.iter().flatten();
            rank::ranks(&*shard.executor, table, column, texts, load).await?
        }
        _ => Ranks::new(),
    };
    let keyed = values.into_iter().zip(&parts).map(|(value, part)| {
        let key = Comparable::of(part.as_ref(), sql_type, &ranks);
        (key, value)
    });
    let chosen = match greatest {
        true => keyed.max_by(|(one, _), (other, _)| one.cmp(other)),
        false => keyed.min_by(|(one, _), (other, _)| one.cmp(other)),
    };
    Ok(chosen.map(|(_, value)| value))
}

fn read<F: ColumnValue>(value: &Value) -> Result<F> {
    Row::new(&[Cell::from_value(value, "")]).read::<F>()
}
