//! One request as it is kept.
use std::time::{Duration, Instant, SystemTime};

use super::figures::Figures;
use crate::observe::{NPlusOne, Recorded};

/// A request that has ended.
#[derive(Debug)]
pub(super) struct RequestRecord {
    /// Counts up with every request that ends.
    pub(super) id: u64,
    pub(super) method: String,
    pub(super) route: String,
    /// Without its query, which may hold anything.
    pub(super) path: String,
    pub(super) ending: Ending,
    pub(super) began: SystemTime,
    /// What offsets of statements count from.
    pub(super) origin: Instant,
    pub(super) total: Duration,
    pub(super) statements: Vec<Recorded>,
    /// Of the program's own sqlx, told by its events.
    pub(super) foreign: Vec<Foreign>,
    /// How many statements are counted but not kept.
    pub(super) dropped: usize,
    pub(super) found: Vec<NPlusOne>,
    pub(super) budget: Option<usize>,
    pub(super) figures: Figures,
    /// Answered by the result cache, and asked of it in vain.
    pub(super) cache: (usize, usize),
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a response of this status.
    Answered(u16),
    /// With an error of the service.
    Failed,
    /// Its future was dropped: the client went away, or a time-out struck.
    Cancelled,
}

/// A statement that the program sent with sqlx, past the framework.
#[derive(Debug, Clone)]
pub(super) struct Foreign {
    /// Without values.
    pub(super) sql: String,
    pub(super) began: Instant,
    pub(super) duration: Duration,
    pub(super) rows: u64,
    pub(super) affected: u64,
}

impl RequestRecord {
    /// Roughly how much memory it takes. Texts that requests share are counted for each.
    pub(super) fn bytes(&self) -> usize {
        let statement = |run: &Recorded| {
            let arguments = run.arguments.as_ref();
            let kept = arguments.map_or(0, |kept| size_of_val(kept.values()) * 2);
            size_of::<Recorded>()
                + run.sql.len()
                + run.error.as_ref().map_or(0, |text| text.len())
                + kept
        };
        let foreign = |run: &Foreign| size_of::<Foreign>() + run.sql.len();
        size_of::<Self>()
            + self.route.len()
            + self.path.len()
            + self.statements.iter().map(statement).sum::<usize>()
            + self.foreign.iter().map(foreign).sum::<usize>()
            + self
                .found
                .iter()
                .map(|found| 256 + found.sql.len())
                .sum::<usize>()
    }

    /// Whether it sent more statements than it may.
    pub(super) fn is_over_budget(&self) -> bool {
        self.budget
            .is_some_and(|budget| self.figures.statements > budget)
    }
}
