//! A write-behind queue.
use serde_json::{Value, json};

use super::millis;
use crate::{
    inspector::mask::without_quoted,
    result_cache::write_behind::{Durability, WriteBehindStats},
};

/// The figures of a queue; none of one that is gone.
pub(in crate::inspector) fn told(name: &str, stats: Option<WriteBehindStats>) -> Value {
    let state = stats.as_ref().map_or("dropped", |stats| stats.state.name());
    json!({ "name": name, "state": state, "figures": stats.map(|stats| figures(&stats)) })
}

fn figures(stats: &WriteBehindStats) -> Value {
    let has_journal = stats.durability != Durability::None;
    json!({
        "pending": stats.pending,
        "max_pending": stats.max_pending,
        "oldest_ms": stats.oldest.map(millis),
        "queued": stats.queued,
        "coalesced": stats.coalesced,
        "flushed": stats.flushed,
        "batches": stats.batches,
        "retried": stats.retried,
        "refused": stats.dead,
        "dead_letters": stats.dead_letters,
        "back_pressure": stats.back_pressure,
        "durability": stats.durability.name(),
        "journal_bytes": has_journal.then_some(stats.journal_bytes),
        // Databases quote the values that they refuse, and nobody knows here of which columns they are.
        "last_error": stats.last_error.as_deref().map(without_quoted),
    })
}
