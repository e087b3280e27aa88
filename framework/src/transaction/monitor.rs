//! Tells of transactions that stay open for long: they hold their locks, a connection, and the rows that others have
//! since changed.
//!
//! All open transactions of a database handle are in one list, and one task sleeps until the first of them is due. A
//! timer for each would cost every transaction a task; looking at the clock with each statement would never tell of the
//! worst one, which sends no more. So a transaction costs two short mutexes and a clock reading.
use std::{
    collections::HashMap,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use crate::observe::{Event, Observers};

/// The open transactions of one database handle.
#[derive(Debug, Clone)]
pub(super) struct Monitor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    observers: Arc<Observers>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Those that nobody has been warned of.
    open: HashMap<u64, Arc<Open>>,
    next: u64,
    alarm: Option<Alarm>,
}

/// The task that sleeps, and until when.
#[derive(Debug)]
struct Alarm {
    at: Instant,
    task: AbortHandle,
}

#[derive(Debug)]
struct Open {
    begun: &'static Location<'static>,
    began: Instant,
    due: Instant,
    last: Mutex<Option<&'static Location<'static>>>,
}

/// An open transaction's place in the list. Dropped when the transaction ends.
#[derive(Debug)]
pub(super) struct Watched {
    monitor: Monitor,
    id: u64,
    open: Arc<Open>,
}

impl Monitor {
    pub(super) fn new(observers: Arc<Observers>) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Shared { observers, state }))
    }

    /// Watches a transaction that begins now; `None` if it is never due.
    pub(super) fn watch(
        &self,
        warn_after: Duration,
        begun: &'static Location<'static>,
    ) -> Option<Watched> {
        let began = Instant::now();
        let open = Arc::new(Open {
            begun,
            began,
            due: began.checked_add(warn_after)?,
            last: Mutex::new(None),
        });
        let mut state = self.0.lock();
        let id = state.next;
        state.next += 1;
        state.open.insert(id, Arc::clone(&open));
        // A task of a runtime that has ended will not wake.
        let wakes = |alarm: &Alarm| alarm.at <= open.due && !alarm.task.is_finished();
        if !state.alarm.as_ref().is_some_and(wakes) {
            state.set_alarm(Arc::downgrade(&self.0), open.due);
        }
        drop(state);
        Some(Watched {
            monitor: self.clone(),
            id,
            open,
        })
    }
}

impl Watched {
    /// A statement is sent.
    pub(super) fn sent(&self, call_site: &'static Location<'static>) {
        let mut last = self
            .open
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(call_site);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.monitor.0.lock().open.remove(&self.id);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of those that are due, and sleeps until the next one is.
    fn ring(self: &Arc<Self>) {
        let now = Instant::now();
        let mut state = self.lock();
        let due: Vec<_> = state
            .open
            .extract_if(|_, open| open.due <= now)
            .map(|(_, open)| open)
            .collect();
        state.alarm = None;
        if let Some(next) = state.open.values().map(|open| open.due).min() {
            state.set_alarm(Arc::downgrade(self), next);
        }
        drop(state);
        for open in due {
            self.tell(&open, now - open.began);
        }
    }

    fn tell(&self, open: &Open, held: Duration) {
        let last = *open.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match last {
            Some(last) => format!(
                "its last statement was sent at {}:{}",
                last.file(),
                last.line()
            ),
            None => "it has sent no statement".to_owned(),
        };
        let (file, line) = (open.begun.file(), open.begun.line());
        let message =
            format!("the transaction begun at {file}:{line} has been open for {held:.1?}; {last}");
        tracing::warn!(target: "entourage::transaction", "{message}");
        if self.observers.is_listening() {
            self.observers.emit(&Event::Warning { message: &message });
        }
    }
}

impl State {
    fn set_alarm(&mut self, shared: Weak<Shared>, at: Instant) {
        if let Some(alarm) = self.alarm.take() {
            alarm.task.abort();
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let task = runtime.spawn(async move {
            sleep_until(at).await;
            if let Some(shared) = shared.upgrade() {
                shared.ring();
            }
        });
        let task = task.abort_handle();
        self.alarm = Some(Alarm { at, task });
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            alarm.task.abort();
        }
    }
}
