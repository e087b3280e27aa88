//! What the handles of one transaction share, and what happens when they are dropped.
use std::{
    panic::Location,
    sync::{
        Arc, Mutex as SyncMutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    task::AbortHandle,
};

use super::{
    End, IsolationLevel, Origin, deadline::Deadline, hooks::Hooks, session::Session, writes::Writes,
};
use crate::{
    dialect::Dialect,
    executor::{
        watch::{self, Place},
        written::{PendingWrites, Settled, Write},
    },
    observe::TransactionStep,
};

/// What all levels of one transaction share.
pub(super) struct Core {
    pub(super) session: Mutex<Session>,
    pub(super) origin: Origin,
    pub(super) read_only: bool,
    pub(super) isolation: Option<IsolationLevel>,
    /// Whether nobody else can write to any row (SQLite).
    pub(super) locks_database: bool,
    pub(super) deadline: Option<Deadline>,
    /// Rolls back at the deadline.
    pub(super) enforcer: OnceLock<AbortHandle>,
    /// Savepoints whose handles were dropped; whoever has the session next rolls them back.
    pub(super) abandoned: SyncMutex<Vec<u32>>,
    /// Told when a savepoint ends.
    pub(super) turn: Notify,
    pub(super) hooks: Hooks,
    pub(super) writes: Writes,
}

/// The transaction itself (0) or a savepoint of it.
pub(super) struct Level {
    pub(super) core: Arc<Core>,
    pub(super) id: u32,
    pub(super) over: AtomicBool,
    pub(super) begun: &'static Location<'static>,
}

/// Runs the hooks of the transaction when it is dropped: they are not lost with a caller that does not wait until
/// everybody was told.
pub(super) struct RunHooks<'c> {
    pub(super) core: &'c Core,
    pub(super) end: End,
}

impl Drop for RunHooks<'_> {
    fn drop(&mut self) {
        self.core.hooks.run(0, self.end);
    }
}

impl Core {
    pub(super) fn place(&self) -> Place<'_> {
        place(&self.origin)
    }

    /// The changes of a level were taken back.
    pub(super) fn rolled_back(&self, level: u32) {
        self.writes.drop_from(level);
        self.hooks.run(level, End::RolledBack);
    }

    /// Takes note of what a statement writes.
    pub(super) fn note(&self, level: u32, writes: Vec<Write>) {
        let Some(listener) = &self.origin.listener else {
            return;
        };
        let commits = writes.iter().any(|write| matches!(write, Write::Anything));
        self.writes.add(level, writes);
        // MySQL commits what came before a change of its schema.
        if commits && self.origin.pool.dialect() == Dialect::Mysql {
            // Other processes hear of it by and by.
            drop(listener.begin(self.writes.take()).end(Settled::Kept));
            self.writes.add(0, vec![Write::Anything]);
        }
    }

    /// Tells that everything written is about to be committed.
    pub(super) fn begin_writes(&self) -> Option<Box<dyn PendingWrites>> {
        let listener = self.origin.listener.as_ref()?;
        let writes = self.writes.take();
        (!writes.is_empty()).then(|| listener.begin(writes))
    }

    /// Tells that it is over.
    pub(super) fn left(&self) {
        if let Some(listener) = &self.origin.listener {
            listener.left();
        }
    }

    /// Rolls back because the deadline has passed; whether that is how the transaction ended.
    pub(super) async fn expire(&self, call_site: &'static Location<'static>) -> bool {
        let session = self.session.lock().await;
        self.expire_session(session, call_site).await
    }

    pub(super) async fn expire_session(
        &self,
        mut session: MutexGuard<'_, Session>,
        call_site: &'static Location<'static>,
    ) -> bool {
        let expired = session.expire(self.place(), call_site).await;
        drop(session);
        if expired {
            self.turn.notify_waiters();
            self.hooks.run(0, End::RolledBack);
        }
        expired
    }

    /// After a statement: rolls back if the deadline passed meanwhile.
    pub(super) async fn past_deadline(
        &self,
        session: MutexGuard<'_, Session>,
        call_site: &'static Location<'static>,
    ) {
        if self.deadline.is_some_and(|deadline| deadline.has_passed()) {
            self.expire_session(session, call_site).await;
        }
    }

    pub(super) fn take_abandoned(&self) -> Vec<u32> {
        let mut abandoned = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *abandoned)
    }
}

pub(super) fn settled(end: End) -> Settled {
    match end {
        End::Committed => Settled::Kept,
        End::RolledBack => Settled::TakenBack,
        End::Unknown => Settled::Unknown,
    }
}

pub(super) fn place(origin: &Origin) -> Place<'_> {
    Place {
        observers: &origin.observers,
        target: origin.server.target(),
        dialect: origin.pool.dialect(),
        in_transaction: true,
        lent: false,
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        if self.id == 0 || self.over.load(Ordering::Acquire) {
            return;
        }
        let mut abandoned = self
            .core
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        abandoned.push(self.id);
        drop(abandoned);
        self.core.turn.notify_waiters();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(enforcer) = self.enforcer.get() {
            enforcer.abort();
        }
        let session = self.session.get_mut();
        let end = session.end_if_dropped();
        if session.end().is_none() {
            // The pool rolls back before it lends the connection again.
            let (observers, target) = (&self.origin.observers, self.origin.server.target());
            let (step, begun) = (TransactionStep::Rollback, session.begun());
            watch::tell_step(observers, target, step, Duration::ZERO, None, begun);
        }
        self.left();
        self.hooks.run(0, end);
    }
}
