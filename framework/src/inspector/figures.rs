//! The numbers of one request: a pure function of its statements.
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::record::Foreign;
use crate::observe::Recorded;

/// The numbers of one request. BEGIN and its like are timed, but not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) statements: usize,
    /// Of which were the program's own sqlx.
    pub(super) foreign: usize,
    /// How many texts.
    pub(super) distinct: usize,
    /// Reads whose text and arguments had been sent before, with no write between.
    pub(super) duplicates: usize,
    pub(super) wait: Duration,
    pub(super) execute: Duration,
    pub(super) decode: Duration,
    /// How long at least one statement was under way: less than the sum where they ran side by side.
    pub(super) busy: Duration,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) errors: usize,
    /// How many were prepared by name, and how many of those the connection had prepared already.
    pub(super) preparable: usize,
    pub(super) prepared: usize,
}

impl Figures {
    pub(super) fn of(statements: &[Recorded], foreign: &[Foreign], dropped: usize) -> Self {
        let counted = || statements.iter().filter(|run| run.counts());
        let sum = |part: fn(&Recorded) -> Duration| statements.iter().map(part).sum::<Duration>();
        let mut texts: HashSet<_> = counted().map(Recorded::normalized).collect();
        texts.extend(foreign.iter().map(|run| run.sql.as_str()));
        Self {
            statements: counted().count() + foreign.len() + dropped,
            foreign: foreign.len(),
            distinct: texts.len(),
            duplicates: duplicates(statements),
            wait: sum(|run| run.wait),
            execute: sum(|run| run.execute)
                + foreign.iter().map(|run| run.duration).sum::<Duration>(),
            decode: sum(|run| run.decode),
            busy: busy(statements, foreign),
            rows: statements.iter().map(|run| run.rows).sum::<u64>()
                + foreign.iter().map(|run| run.rows).sum::<u64>(),
            bytes: statements.iter().map(|run| run.bytes).sum(),
            errors: statements.iter().filter(|run| run.error.is_some()).count(),
            preparable: statements
                .iter()
                .filter(|run| run.prepared.is_some())
                .count(),
            prepared: statements
                .iter()
                .filter(|run| run.prepared == Some(true))
                .count(),
        }
    }
}

fn duplicates(statements: &[Recorded]) -> usize {
    let mut seen = HashSet::new();
    let mut duplicates = 0;
    for run in statements.iter().filter(|run| run.counts()) {
        if !run.kind.is_read() {
            seen.clear();
        } else if !seen.insert((run.database, run.fingerprint, run.args_hash)) {
            duplicates += 1;
        }
    }
    duplicates
}

/// The length of all spans of time put over each other.
fn busy(statements: &[Recorded], foreign: &[Foreign]) -> Duration {
    let ours = statements.iter().map(|run| (run.began, run.duration));
    let theirs = foreign.iter().map(|run| (run.began, run.duration));
    let mut spans: Vec<(Instant, Duration)> = ours.chain(theirs).collect();
    spans.sort_unstable();
    let mut busy = Duration::ZERO;
    let mut until: Option<Instant> = None;
    for (began, duration) in spans {
        let end = began + duration;
        let from = until.map_or(began, |until| until.max(began));
        busy += end.saturating_duration_since(from);
        until = Some(until.map_or(end, |until| until.max(end)));
    }
    busy
}
