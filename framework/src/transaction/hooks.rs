//! What is to be done once it is known how a transaction ended.
use std::{fmt, panic::AssertUnwindSafe, sync::Mutex};

/// How a transaction, or a savepoint of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Its changes are permanent.
    Committed,
    /// Its changes were taken back.
    RolledBack,
    /// The connection was lost, or the caller cancelled, during COMMIT: nobody knows.
    Unknown,
}

type Hook = Box<dyn FnOnce(End) + Send>;

/// The hooks of a transaction in the order of registration, each with the savepoint it belongs to (0: none).
#[derive(Default)]
pub(super) struct Hooks(Mutex<Vec<(u32, Hook)>>);

impl Hooks {
    pub(super) fn add(&self, level: u32, hook: Hook) {
        self.lock().push((level, hook));
    }

    /// A savepoint was released: its hooks wait for what it was part of.
    pub(super) fn hand_up(&self, from: u32, to: u32) {
        for (level, _) in self.lock().iter_mut() {
            if *level >= from {
                *level = to;
            }
        }
    }

    /// Runs the hooks of a level and of everything inside it. A later savepoint has a greater number.
    pub(super) fn run(&self, from: u32, end: End) {
        let ended: Vec<_> = self
            .lock()
            .extract_if(.., |(level, _)| *level >= from)
            .collect();
        for (_, hook) in ended {
            // A hook must neither keep the others from running nor undo what has been committed.
            if std::panic::catch_unwind(AssertUnwindSafe(|| hook(end))).is_err() {
                tracing::error!(target: "entourage", ?end, "a transaction's hook panicked");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u32, Hook)>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooks({})", self.lock().len())
    }
}
