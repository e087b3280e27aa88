//! The statements that were run while somebody recorded.
use std::{
    panic::Location,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{CacheEventKind, NPlusOne, Recorded, Report, Rules, detector};
use crate::statement::Fingerprint;

/// What a log leaves out, see [`StatementLog::ignore`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// A statement, wherever it is sent from.
    Fingerprint(Fingerprint),
    /// Whatever is sent from a line of a file; the end of the path is enough: `src/audit.rs`.
    Line(String, u32),
    /// Whatever is sent from a file; the end of the path is enough.
    File(String),
    /// Whatever has this main table.
    Table(String),
}

impl Ignored {
    pub(crate) fn covers(&self, run: &Recorded) -> bool {
        let in_file = |file: &str| run.call_site.file().ends_with(file);
        match self {
            Self::Fingerprint(fingerprint) => run.fingerprint == *fingerprint,
            Self::Line(file, line) => in_file(file) && run.call_site.line() == *line,
            Self::File(file) => in_file(file),
            Self::Table(table) => run.table() == table,
        }
    }
}

/// Statements in the order in which they ended.
///
/// BEGIN, COMMIT, SAVEPOINT and schema statements are in it too; [`count`](StatementLog::count) leaves them out.
#[derive(Debug)]
pub struct StatementLog {
    state: Mutex<State>,
    paused: AtomicUsize,
    limit: usize,
    keeps_arguments: bool,
    cache_hits: AtomicUsize,
    cache_misses: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    statements: Vec<Recorded>,
    ignored: Vec<(u64, Ignored)>,
    next: u64,
    /// Those beyond the limit, and how long they took.
    dropped: usize,
    dropped_time: Duration,
}

impl Default for StatementLog {
    fn default() -> Self {
        Self::with_limit(usize::MAX)
    }
}

impl StatementLog {
    /// An empty log that keeps `limit` statements and only counts the rest.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            paused: AtomicUsize::new(0),
            limit,
            keeps_arguments: false,
            cache_hits: AtomicUsize::new(0),
            cache_misses: AtomicUsize::new(0),
        }
    }

    /// An empty log with the same limit that keeps arguments.
    pub(super) fn keeping_arguments(&self) -> Self {
        Self {
            keeps_arguments: true,
            ..Self::with_limit(self.limit)
        }
    }

    pub(super) fn keeps_arguments(&self) -> bool {
        self.keeps_arguments
    }

    pub(crate) fn push(&self, run: &Recorded) {
        if self.paused.load(Ordering::Acquire) > 0 {
            return;
        }
        let mut state = self.lock();
        if state.ignored.iter().any(|(_, ignored)| ignored.covers(run)) {
            return;
        }
        if state.statements.len() < self.limit {
            let arguments = run.arguments.clone().filter(|_| self.keeps_arguments);
            state.statements.push(Recorded {
                arguments,
                ..run.clone()
            });
        } else if run.counts() {
            state.dropped += 1;
            state.dropped_time += run.duration;
        }
    }

    /// Counts an answer of the result cache.
    pub(crate) fn note_cache(&self, kind: CacheEventKind) {
        if self.paused.load(Ordering::Acquire) > 0 {
            return;
        }
        let count = match kind {
            CacheEventKind::Hit | CacheEventKind::Coalesced => &self.cache_hits,
            CacheEventKind::Miss | CacheEventKind::Bypass => &self.cache_misses,
            CacheEventKind::StaleDrop
            | CacheEventKind::Evict(_)
            | CacheEventKind::Invalidate
            | CacheEventKind::Connected
            | CacheEventKind::Disconnected => {
                return;
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many rows and results the result cache has answered without a statement of the asker's own.
    pub fn cache_hits(&self) -> usize {
        self.cache_hits.load(Ordering::Relaxed)
    }

    /// How many rows and results were asked of the result cache in vain.
    pub fn cache_misses(&self) -> usize {
        self.cache_misses.load(Ordering::Relaxed)
    }

    /// The statements so far.
    pub fn statements(&self) -> Vec<Recorded> {
        self.lock().statements.clone()
    }

    /// How many statements were run so far, not counting those of transactions and schemas.
    pub fn count(&self) -> usize {
        let state = self.lock();
        state.statements.iter().filter(|run| run.counts()).count() + state.dropped
    }

    /// How long they took all together, waits included.
    pub fn total_time(&self) -> Duration {
        let state = self.lock();
        let kept: Duration = state.statements.iter().map(|run| run.duration).sum();
        kept + state.dropped_time
    }

    /// How many were counted but not kept, see [`with_limit`](StatementLog::with_limit).
    pub fn dropped(&self) -> usize {
        self.lock().dropped
    }

    /// Forgets what was recorded so far.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.statements.clear();
        state.dropped = 0;
        state.dropped_time = Duration::ZERO;
        drop(state);
        self.cache_hits.store(0, Ordering::Relaxed);
        self.cache_misses.store(0, Ordering::Relaxed);
    }

    /// Records nothing until the guard is dropped, by a panic too.
    pub fn pause(self: &Arc<Self>) -> Paused {
        self.paused.fetch_add(1, Ordering::AcqRel);
        Paused(Arc::clone(self))
    }

    /// Leaves out what `ignored` covers, until the guard is dropped, by a panic too.
    pub fn ignore(self: &Arc<Self>, ignored: Ignored) -> Ignoring {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        state.ignored.push((id, ignored));
        Ignoring {
            log: Arc::clone(self),
            id,
        }
    }

    /// What was repeated where one statement would do.
    pub fn n_plus_ones(&self, rules: &Rules) -> Vec<NPlusOne> {
        detector::find(&self.lock().statements, rules)
    }

    /// Counts per table and statement, to be printed.
    pub fn report(&self) -> Report {
        let state = self.lock();
        Report::of(&state.statements, state.dropped)
    }

    /// The statements sent from `call_site`'s line.
    pub fn sent_from(&self, call_site: &Location<'_>) -> Vec<Recorded> {
        let here = |run: &&Recorded| {
            run.call_site.file() == call_site.file() && run.call_site.line() == call_site.line()
        };
        self.lock()
            .statements
            .iter()
            .filter(here)
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that records nothing while this lives.
#[derive(Debug)]
#[must_use = "the log goes on as soon as this is dropped"]
pub struct Paused(Arc<StatementLog>);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.paused.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A log that leaves something out while this lives.
#[derive(Debug)]
#[must_use = "the statements are recorded again as soon as this is dropped"]
pub struct Ignoring {
    log: Arc<StatementLog>,
    id: u64,
}

impl Drop for Ignoring {
    fn drop(&mut self) {
        self.log.lock().ignored.retain(|(id, _)| *id != self.id);
    }
}
