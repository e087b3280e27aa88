#![doc = include_str!("docs/views.md")]
//!
//! # Inside
//!
//! What is here runs on any executor: making views, filling them, and the table that says when each was filled. The
//! row of a view in that table is also the lock by which two refreshes wait for each other, on every database and from
//! every process.
mod make;
mod refresh;
mod state;
mod upkeep;
mod verify;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub(crate) use make::{create, drop};
pub(crate) use refresh::{
    is_unpopulated, refresh, refuse_current, refuse_plain, refuse_unmaintained,
};
pub(crate) use state::{create_table, definition, is_missing, read};
pub(crate) use upkeep::missing as missing_triggers;
pub(crate) use verify::verify;
pub use verify::{Difference, DifferenceKind, VerifyReport};

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshReport {
    /// How many rows the view has now; PostgreSQL does not say.
    pub rows: Option<u64>,
    /// How long it took, with the wait for another refresh of the view.
    pub took: Duration,
    /// The moment that the rows show: what was committed before it is in them. But for [`Transaction::refresh`] in a
    /// transaction of PostgreSQL's above READ COMMITTED, which fills the view with the moment of its own first statement.
    ///
    /// [`Transaction::refresh`]: crate::Transaction::refresh
    pub refreshed_at: DateTime<Utc>,
}

/// What is known of a materialized view's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ViewState {
    /// The moment that the rows show, by the clock of the program that refreshed them; `None` if they were never
    /// refreshed.
    pub refreshed_at: Option<DateTime<Utc>>,
    /// How long that took.
    pub took: Option<Duration>,
    /// How many rows there were then; PostgreSQL does not say.
    pub rows: Option<u64>,
    /// How often it was refreshed, since it was made.
    pub refreshes: u64,
    /// Whether a table that the view reads was written since then through this handle. `None` if nobody knows: the handle
    /// began to watch later than the refresh. Writes of other programs are never known.
    pub sources_written: Option<bool>,
}

impl ViewState {
    /// How old the rows are, by this program's clock; `None` if they were never refreshed.
    pub fn age(&self) -> Option<Duration> {
        let age = Utc::now().signed_duration_since(self.refreshed_at?);
        Some(age.to_std().unwrap_or_default())
    }

    /// Whether the rows are known to be older than what they show: never refreshed, or their sources were written since.
    pub fn is_stale(&self) -> bool {
        self.refreshed_at.is_none() || self.sources_written == Some(true)
    }
}
