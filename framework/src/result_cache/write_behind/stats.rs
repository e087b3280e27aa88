//! What a queue says of itself, also to those that do not keep it.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{Durability, engine::Shared};

/// Whether a write-behind queue takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteBehindState {
    /// It takes writes and flushes them.
    Open,
    /// It takes no more writes, and flushes what it has.
    Closing,
    /// It has ended. What is pending then was not written in time: a journal keeps it for the next start.
    Closed,
}

impl WriteBehindState {
    /// The state in lower case: `open`, `closing`, `closed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}

/// The figures of a write-behind queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteBehindStats {
    /// Whether it takes writes.
    pub state: WriteBehindState,
    /// Rows that wait for the database.
    pub pending: usize,
    /// How many may wait.
    pub max_pending: usize,
    /// How long the oldest of them has waited.
    pub oldest: Option<Duration>,
    /// Changes taken since the start.
    pub queued: u64,
    /// Of these, those that became one with a change that was queued.
    pub coalesced: u64,
    /// Rows written to the database.
    pub flushed: u64,
    /// Batches written.
    pub batches: u64,
    /// Attempts that failed and were made again.
    pub retried: u64,
    /// Changes that the database refused, since the start.
    pub dead: u64,
    /// Dead letters that nobody has decided about.
    pub dead_letters: usize,
    /// Writes that met a full queue.
    pub back_pressure: u64,
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// The size of the journal in bytes.
    pub journal_bytes: u64,
    /// Why the last attempt failed; `None` after one that did not.
    pub last_error: Option<String>,
}

/// The figures of a queue, for one that looks at it and must not keep it open: an exporter, a page. Made by
/// [`WriteBehind::watch`](crate::repository::WriteBehind::watch).
#[derive(Debug, Clone)]
pub struct WriteBehindWatch(Weak<Shared>);

impl WriteBehindWatch {
    pub(super) fn new(queue: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(queue))
    }

    /// The figures of the queue; `None` when all its clones were dropped and its flusher has ended.
    pub fn stats(&self) -> Option<WriteBehindStats> {
        self.0.upgrade().map(|queue| queue.stats())
    }
}
