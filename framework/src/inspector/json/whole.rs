//! What belongs to no single request: statements, pools, caches.
use serde_json::{Value, json};

use super::{distribution, millis, place};
use crate::{
    inspector::{
        setup::{Inspectable, Settings},
        totals::Total,
    },
    pool::{Distribution, Holding},
    result_cache::{CacheFigures, SharedFigures},
    statement_cache,
};

/// How many texts of each database are told.
const TOP: usize = 100;

/// How many holders of connections are told.
const HOLDERS: usize = 10;

/// The texts that took the most time, of every database.
pub(in crate::inspector) fn statements(settings: &Settings) -> Value {
    let databases = settings.databases.iter().map(|one| {
        let (top, forgotten) = one.totals.top();
        let texts: Vec<_> = top.iter().take(TOP).map(text).collect();
        json!({ "database": &*one.name, "texts": top.len(), "forgotten": forgotten, "top": texts })
    });
    json!({ "databases": databases.collect::<Vec<_>>() })
}

fn text(total: &Total) -> Value {
    json!({
        "sql": total.sql,
        "kind": total.kind.operation_name(),
        "table": total.table,
        "call_site": place(total.call_site),
        "times": distribution(&total.times),
        "errors": total.errors,
        "rows": total.rows,
        "bytes": total.bytes,
        "prepared_hits": total.prepared,
    })
}

/// What the pools are doing and have done.
pub(in crate::inspector) fn pools(settings: &Settings) -> Value {
    let pools: Vec<_> = settings.databases.iter().map(pool).collect();
    json!({ "pools": pools })
}

fn pool(one: &Inspectable) -> Value {
    let (stats, histograms) = (one.db.pool_stats(), one.db.pool_histograms());
    let holders: Vec<_> = one
        .db
        .pool_holdings()
        .iter()
        .take(HOLDERS)
        .map(holder)
        .collect();
    json!({
        "database": &*one.name,
        "dialect": one.db.dialect().system_name(),
        "max": stats.max,
        "min": stats.min,
        "open": stats.open,
        "idle": stats.idle,
        "in_use": stats.in_use,
        "opening": stats.opening,
        "waiting": stats.pending,
        "nearly_full": stats.is_nearly_full(),
        "acquired": stats.acquired,
        "waited": stats.waited,
        "wait_time_ms": millis(stats.wait_time),
        "timeouts": stats.timeouts,
        "opened": stats.opened,
        "failed": stats.failed,
        "closed": {
            "idle": stats.closed_idle,
            "lifetime": stats.closed_lifetime,
            "broken": stats.closed_broken,
        },
        "leaked": stats.leaked,
        "wait": percentiles(&histograms.wait),
        "used": percentiles(&histograms.used),
        "create": percentiles(&histograms.create),
        "wait_buckets": distribution(&one.totals.waits()),
        "holders": holders,
    })
}

fn holder(holding: &Holding) -> Value {
    json!({ "call_site": place(holding.call_site), "held_ms": millis(holding.held) })
}

fn percentiles(times: &Distribution) -> Value {
    json!({
        "count": times.count,
        "mean_ms": millis(times.mean),
        "p50_ms": millis(times.p50),
        "p90_ms": millis(times.p90),
        "p99_ms": millis(times.p99),
        "max_ms": millis(times.max),
    })
}

/// The caches of the process: of query texts, and of results where there is one; the connections to other processes'
/// caches, and the write-behind queues.
pub(in crate::inspector) fn caches(settings: &Settings) -> Value {
    let plans = statement_cache::stats();
    json!({
        "plans": {
            "hits": plans.hits,
            "misses": plans.misses,
            "evictions": plans.evictions,
            "len": plans.len,
        },
        "results": any(settings.databases.iter().flat_map(results)),
        "shared": any(settings.databases.iter().filter_map(shared)),
        "queues": any(settings.queues.iter().map(|told| told())),
    })
}

/// A list, or nothing.
fn any(found: impl Iterator<Item = Value>) -> Value {
    let found: Vec<_> = found.collect();
    match found.is_empty() {
        true => Value::Null,
        false => Value::from(found),
    }
}

/// What a database's result cache holds that was ever asked for: rows by entity, results of queries.
fn results(one: &Inspectable) -> Vec<Value> {
    let stats = one.db.cache().stats();
    let told = |of: &str, figures: &CacheFigures| {
        json!({
            "database": &*one.name,
            "of": of,
            "hits": figures.hits + figures.coalesced,
            "misses": figures.misses + figures.bypassed,
            "coalesced": figures.coalesced,
            "stale_drops": figures.stale_drops,
            "evictions": figures.evictions,
            "invalidations": figures.invalidations,
            "len": figures.entries,
        })
    };
    let asked = |figures: &CacheFigures| figures.hits + figures.misses + figures.bypassed > 0;
    let rows = stats.entities.iter().filter(|(_, figures)| asked(figures));
    let mut results: Vec<_> = rows
        .map(|(entity, figures)| told(entity, figures))
        .collect();
    if asked(&stats.queries) {
        results.push(told("queries", &stats.queries));
    }
    results
}

/// What a database's result cache tells other processes and hears from them, if it does.
fn shared(one: &Inspectable) -> Option<Value> {
    let SharedFigures {
        is_connected,
        told,
        heard,
        lost,
        tier_hits,
        tier_misses,
        tier_waits,
        tier_failures,
    } = one.db.cache().stats().shared?;
    Some(json!({
        "database": &*one.name,
        "is_connected": is_connected,
        "told": told,
        "heard": heard,
        "lost": lost,
        "tier": {
            "hits": tier_hits,
            "misses": tier_misses,
            "waits": tier_waits,
            "failures": tier_failures,
        },
    }))
}

/// How often connections had statements prepared already.
pub(in crate::inspector) fn prepared(settings: &Settings) -> Value {
    let databases = settings.databases.iter().map(|one| {
        let stats = one.db.statement_stats();
        json!({
            "database": &*one.name,
            "hits": stats.hits,
            "misses": stats.misses,
            "evictions": stats.evictions,
            "one_off": stats.one_off,
            "held": stats.len,
        })
    });
    json!({ "databases": databases.collect::<Vec<_>>() })
}
