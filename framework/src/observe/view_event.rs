//! What happens to materialized views.
use std::time::Duration;

use crate::error::Error;

/// Something that happened to a materialized view.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ViewEvent<'a> {
    /// Its rows were renewed, and the change is committed.
    Refreshed {
        /// The view.
        view: &'a str,
        /// How many rows it has; PostgreSQL does not say.
        rows: Option<u64>,
        /// How long it took, with the wait for another refresh.
        took: Duration,
    },
    /// A refresh in the background failed; the old rows are there, and it will be tried again.
    Failed {
        /// The view.
        view: &'a str,
        /// Failures since the last success.
        failures: u32,
        /// How long it waits before the next attempt.
        delay: Duration,
        /// Why; `None` if it panicked.
        error: Option<&'a Error>,
    },
}
