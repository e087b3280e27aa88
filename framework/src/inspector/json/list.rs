//! The list of requests.
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{millis, share};
use crate::inspector::{
    record::{Ending, RequestRecord},
    ring::Contents,
    setup::Settings,
};

/// The requests that `contents` holds, and what is to be said of all.
pub(in crate::inspector) fn of(settings: &Settings, contents: &Contents) -> Value {
    let requests: Vec<_> = contents
        .requests
        .iter()
        .map(|request| summary(request))
        .collect();
    let totals = settings.databases.iter().map(|one| one.totals.spent());
    let (observing, events) = totals.fold((Duration::ZERO, 0), |sum, one| {
        (sum.0 + one.0, sum.1 + one.1)
    });
    json!({
        "last_id": contents.last_id,
        "oldest_id": contents.oldest_id,
        "requests": requests,
        "kept": contents.kept,
        "kept_bytes": contents.bytes,
        "dropped_requests": contents.dropped,
        "caps": {
            "requests": settings.caps.requests,
            "statements": settings.caps.statements,
            "bytes": settings.caps.bytes,
        },
        "overhead": {
            "recording_ms": millis(contents.spent),
            "observing_ms": millis(observing),
            "events": events,
            "per_request_ms": match contents.last_id {
                0 => Value::Null,
                count => millis(contents.spent.div_f64(count as f64)),
            },
        },
    })
}

/// What the result cache did for a request; null if it was not asked.
fn cache((hits, misses): (usize, usize)) -> Value {
    match hits + misses {
        0 => Value::Null,
        all => json!({ "hits": hits, "misses": misses, "hit_rate": hits as f64 / all as f64 }),
    }
}

/// One request in a line.
pub(in crate::inspector) fn summary(request: &RequestRecord) -> Value {
    let figures = &request.figures;
    let (status, ending) = match request.ending {
        Ending::Answered(status) => (json!(status), "answered"),
        Ending::Failed => (Value::Null, "failed"),
        Ending::Cancelled => (Value::Null, "cancelled"),
    };
    let began = request.began.duration_since(SystemTime::UNIX_EPOCH);
    json!({
        "id": request.id,
        "method": request.method,
        "route": request.route,
        "path": request.path,
        "status": status,
        "ending": ending,
        "began_unix_ms": began.unwrap_or_default().as_millis() as u64,
        "total_ms": millis(request.total),
        "database_ms": millis(figures.execute + figures.decode),
        "wait_ms": millis(figures.wait),
        "execute_ms": millis(figures.execute),
        "decode_ms": millis(figures.decode),
        "busy_ms": millis(figures.busy.min(request.total)),
        "database_share": share(figures.busy.min(request.total), request.total),
        "statements": figures.statements,
        "sqlx_statements": figures.foreign,
        "distinct": figures.distinct,
        "duplicates": figures.duplicates,
        "n_plus_one": request.found.len(),
        "rows": figures.rows,
        "bytes": figures.bytes,
        "errors": figures.errors,
        "prepared": { "of": figures.preparable, "hits": figures.prepared },
        "cache": cache(request.cache),
        "budget": request.budget,
        "over_budget": request.is_over_budget(),
        "dropped_statements": request.dropped,
    })
}
