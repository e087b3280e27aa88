//! A recorder keeps the statements that were run while it listened.
use std::{
    panic::Location,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Event, Observer, Observers};
use crate::statement::{Fingerprint, StatementKind};

/// One statement as it was run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// The SQL text.
    pub sql: Arc<str>,
    /// What it does.
    pub kind: StatementKind,
    /// The identity of the text.
    pub fingerprint: Fingerprint,
    /// The tables it reads or writes.
    pub tables: Vec<Arc<str>>,
    /// How many arguments it had.
    pub args: usize,
    /// The user's call.
    pub call_site: &'static Location<'static>,
    /// Rows returned.
    pub rows: u64,
    /// How long it took.
    pub duration: Duration,
}

/// A running recording; ends when it is dropped.
///
/// BEGIN, COMMIT, SAVEPOINT and schema statements are recorded too, and left out by [`Recording::count`].
#[derive(Debug)]
pub struct Recording {
    observers: Arc<Observers>,
    log: Arc<Log>,
}

#[derive(Debug, Default)]
struct Log(Mutex<Vec<Recorded>>);

impl Log {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Recorded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Log {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Statement(run) = event {
            let plan = &run.statement.plan;
            self.lock().push(Recorded {
                sql: Arc::clone(&plan.sql),
                kind: plan.kind,
                fingerprint: plan.fingerprint,
                tables: plan.tables.clone(),
                args: run.statement.args.len(),
                call_site: run.statement.call_site,
                rows: run.rows,
                duration: run.wait + run.execute,
            });
        }
    }
}

impl Recording {
    /// Starts recording what `observers` hear.
    pub fn start(observers: &Arc<Observers>) -> Self {
        let log = Arc::new(Log::default());
        observers.add(Arc::clone(&log) as Arc<dyn Observer>);
        Self {
            observers: Arc::clone(observers),
            log,
        }
    }

    /// The statements so far, in the order in which they ended.
    pub fn statements(&self) -> Vec<Recorded> {
        self.log.lock().clone()
    }

    /// How many statements were run so far, not counting those of transactions and schemas.
    pub fn count(&self) -> usize {
        let counts = |run: &&Recorded| {
            !matches!(run.kind, StatementKind::Transaction | StatementKind::Schema)
        };
        self.log.lock().iter().filter(counts).count()
    }

    /// Forgets what was recorded so far.
    pub fn clear(&self) {
        self.log.lock().clear();
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let log: Arc<dyn Observer> = Arc::clone(&self.log) as Arc<dyn Observer>;
        self.observers.remove(&log);
    }
}
