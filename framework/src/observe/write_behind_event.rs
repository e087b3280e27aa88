//! What happens in a write-behind queue.
use std::time::Duration;

use crate::error::Error;

/// Something that happened in a write-behind queue.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum WriteBehindEvent<'a> {
    /// A change was taken.
    Queued {
        /// The row's table.
        table: &'a str,
        /// Whether it became one with a change of the row that was queued.
        coalesced: bool,
    },
    /// A batch is in the database.
    Flushed {
        /// Rows written.
        rows: u64,
        /// How long the attempt took that succeeded.
        took: Duration,
    },
    /// A batch could not be written and will be tried again.
    Retried {
        /// Attempts so far.
        attempts: u32,
        /// How long it waits before the next one.
        delay: Duration,
        /// Why it failed.
        error: &'a Error,
    },
    /// The database refused a change for good.
    DeadLetter {
        /// The dead letter's number, to retry or discard it.
        id: u64,
        /// The row's table.
        table: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A caller met a full queue. Told once for each call.
    BackPressure {
        /// Rows that wait.
        pending: usize,
    },
}
