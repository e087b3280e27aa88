//! What the inspector shows, as JSON. Times are milliseconds; what is not known is `null`.
pub(super) mod detail;
pub(super) mod list;
#[cfg(feature = "write-behind")]
pub(super) mod queue;
pub(super) mod whole;

use std::{panic::Location, time::Duration};

use serde_json::{Value, json};

use super::buckets::Buckets;

/// Milliseconds, to the microsecond.
fn millis(time: Duration) -> Value {
    json!((time.as_secs_f64() * 1e6).round() / 1e3)
}

/// `src/handlers.rs:42`
fn place(at: &Location<'_>) -> String {
    format!("{}:{}", at.file(), at.line())
}

/// A part of a whole, to a tenth of a percent.
fn share(part: Duration, whole: Duration) -> Value {
    match whole.is_zero() {
        true => Value::Null,
        false => json!((part.as_secs_f64() / whole.as_secs_f64() * 1e3).round() / 1e3),
    }
}

/// The percentiles of some times, and the times in buckets: the end of each, and how many are in it.
fn distribution(times: &Buckets) -> Value {
    let bars: Vec<_> = times
        .bars()
        .into_iter()
        .map(|(until, count)| json!([millis(until), count]))
        .collect();
    json!({
        "count": times.count(),
        "sum_ms": millis(times.sum()),
        "mean_ms": millis(times.mean()),
        "p50_ms": millis(times.quantile(0.5)),
        "p90_ms": millis(times.quantile(0.9)),
        "p99_ms": millis(times.quantile(0.99)),
        "max_ms": millis(times.max()),
        "buckets": bars,
    })
}
