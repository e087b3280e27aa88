//! One bounded set of like connections with one queue: the readers, the writer, or all of a server's.
//!
//! Free connections lie on a stack, so that the ones used last are used next and the others grow old enough to be
//! closed. A caller that finds none waits in the queue, and if the lane may grow, a task opens a connection meanwhile;
//! whichever comes first serves the head of the queue. The task does not belong to the caller: if the caller goes away,
//! the connection is there for the next one.
//!
//! All decisions are made under one mutex that is never held across an await, a spawn, the drop of a connection or an
//! observer.
mod closing;
mod figures;
mod upkeep;

use std::{
    collections::VecDeque,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use super::{
    Access, Connect, PoolOptions, PoolStats,
    connection::{Entry, PoolConnection},
    histogram::Times,
    holders::{Holder, Holders},
    opening::Opening,
    waiting::{Waiter, Waiting},
};
use crate::{
    error::{Error, ErrorKind, Result},
    observe::{CloseReason, Event, Observers, PoolEvent, PoolEventKind},
};

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) connect: Arc<dyn Connect>,
    pub(super) access: Access,
    pub(super) options: PoolOptions,
    /// Whether its connection is the database itself, see [`super::Topology::Sole`].
    keeps_connections: bool,
    observers: Arc<Observers>,
    state: Mutex<State>,
    /// Told whenever a connection of a closed lane comes back or is closed.
    returned: Notify,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Idle>,
    waiters: VecDeque<Waiter>,
    next_waiter: u64,
    holders: Holders,
    /// Idle, lent, being opened, pinged or closed.
    open: usize,
    opening: usize,
    /// Taken off the stack to be kept alive.
    checking: usize,
    closed: bool,
    /// How often all connections were retired: those of before are not lent again.
    generation: u64,
    /// How many callers found a connection at once.
    immediate: u64,
    counters: PoolStats,
    times: Times,
}

#[derive(Debug)]
struct Idle {
    entry: Entry,
    since: Instant,
    /// When it last gave a sign of life.
    seen: Instant,
}

/// What a caller found.
enum Found {
    Fit(PoolConnection),
    /// It must be revived before use.
    Doubtful(PoolConnection),
    Queue(Waiting),
}

impl Lane {
    pub(super) fn new(
        connect: Arc<dyn Connect>,
        access: Access,
        options: PoolOptions,
        keeps_connections: bool,
        observers: Arc<Observers>,
    ) -> Arc<Self> {
        Arc::new(Self {
            connect,
            access,
            options,
            keeps_connections,
            observers,
            state: Mutex::default(),
            returned: Notify::new(),
        })
    }

    pub(super) fn keeps_connections(&self) -> bool {
        self.keeps_connections
    }

    pub(super) async fn acquire(
        self: &Arc<Self>,
        call_site: &'static Location<'static>,
    ) -> Result<PoolConnection> {
        let found = self.find(call_site, true);
        let found = found.map_err(|error| error.at(call_site))?;
        let Found::Fit(connection) = found else {
            // Apart, so that the future of a caller who finds one at once is small: it is moved several times.
            return Box::pin(self.acquire_slowly(found, call_site)).await;
        };
        self.tell(PoolEventKind::Acquired {
            wait: Duration::ZERO,
        });
        Ok(connection)
    }

    /// Waits in the queue or revives a doubtful connection, within the time allowed.
    async fn acquire_slowly(
        self: &Arc<Self>,
        found: Found,
        call_site: &'static Location<'static>,
    ) -> Result<PoolConnection> {
        let began = Instant::now();
        let waited = tokio::time::timeout(
            self.options.acquire_timeout,
            self.wait_or_revive(found, call_site),
        );
        let result = match waited.await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out(began.elapsed())),
        };
        let wait = began.elapsed();
        let mut state = self.lock();
        state.counters.waited += 1;
        state.counters.wait_time += wait;
        state.times.wait.record(wait);
        drop(state);
        if result.is_ok() {
            self.tell(PoolEventKind::Acquired { wait });
        }
        result.map_err(|error| error.at(call_site))
    }

    async fn wait_or_revive(
        self: &Arc<Self>,
        mut found: Found,
        call_site: &'static Location<'static>,
    ) -> Result<PoolConnection> {
        loop {
            match found {
                Found::Fit(connection) => return Ok(connection),
                Found::Doubtful(mut connection) => {
                    if connection.revive().await {
                        return Ok(connection);
                    }
                    connection.condemn();
                }
                Found::Queue(waiting) => {
                    let delivery = waiting.delivery().await;
                    let connection = delivery.unwrap_or_else(|| Err(closed()))?;
                    found = match connection.needs_cleanup() {
                        true => Found::Doubtful(connection),
                        false => Found::Fit(connection),
                    };
                    continue;
                }
            }
            found = self.find(call_site, false)?;
        }
    }

    /// Takes a free connection or a place in the queue. `first` if the caller has not waited yet.
    fn find(self: &Arc<Self>, call_site: &'static Location<'static>, first: bool) -> Result<Found> {
        let now = Instant::now();
        let mut too_old = Vec::new();
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        while let Some(idle) = state.idle.pop() {
            if idle.entry.expires.is_some_and(|expires| expires <= now) {
                too_old.push(idle.entry);
                continue;
            }
            let doubtful = idle.entry.cleanup.is_some()
                || self
                    .options
                    .ping_after
                    .is_some_and(|limit| now.saturating_duration_since(idle.seen) > limit);
            state.immediate += u64::from(first && !doubtful);
            let connection = self.lend(&mut state, idle.entry, call_site, now);
            drop(state);
            self.close_all(too_old, CloseReason::Lifetime);
            return Ok(match doubtful {
                true => Found::Doubtful(connection),
                false => Found::Fit(connection),
            });
        }
        let id = state.next_waiter;
        state.next_waiter += 1;
        let (sender, receiver) = oneshot::channel();
        state.waiters.push_back(Waiter {
            id,
            call_site,
            sender,
        });
        drop(state);
        // From here on dropping it leaves the queue.
        let waiting = Waiting {
            lane: Arc::clone(self),
            id,
            receiver,
            delivered: false,
        };
        self.close_all(too_old, CloseReason::Lifetime);
        self.grow();
        Ok(Found::Queue(waiting))
    }

    fn lend(
        self: &Arc<Self>,
        state: &mut State,
        entry: Entry,
        call_site: &'static Location<'static>,
        now: Instant,
    ) -> PoolConnection {
        let ticket = state.holders.insert(call_site, now);
        state.counters.acquired += 1;
        PoolConnection::new(Arc::clone(self), entry, ticket)
    }

    /// Takes a lent connection back.
    pub(super) fn release(self: &Arc<Self>, entry: Entry, ticket: usize) {
        let now = Instant::now();
        let mut state = self.lock();
        let holder = state.take_back(ticket, now);
        let closing = if entry.expires.is_some_and(|expires| expires <= now) {
            Some((entry, CloseReason::Lifetime))
        } else if let Some(refused) = self.hand_over(&mut state, entry, now) {
            Some(refused)
        } else {
            let oldest = self.oldest_unused(&mut state, now);
            oldest.map(|oldest| (oldest, CloseReason::Idle))
        };
        drop(state);
        if let Some((entry, reason)) = closing {
            self.close_all([entry], reason);
        }
        self.tell_returned(holder, now);
    }

    /// Takes a lent connection back that must not be used again.
    pub(super) fn discard(self: &Arc<Self>, entry: Entry, ticket: usize) {
        let now = Instant::now();
        let holder = self.lock().take_back(ticket, now);
        let opened = entry.opened;
        drop(entry);
        self.gone(CloseReason::Broken, opened);
        self.tell_returned(holder, now);
    }

    fn tell_returned(&self, holder: Option<Holder>, now: Instant) {
        let Some(holder) = holder else {
            return;
        };
        let used = holder.held(now);
        if holder.reported {
            self.returned_after_all(holder.call_site, used);
        }
        self.tell(PoolEventKind::Released { used });
    }

    /// Gives a connection to the head of the queue, or lays it on the stack. A closed lane takes none back, and none is
    /// taken back that is retired.
    #[must_use = "a connection that is not taken must be closed"]
    fn hand_over(
        self: &Arc<Self>,
        state: &mut State,
        mut entry: Entry,
        now: Instant,
    ) -> Option<(Entry, CloseReason)> {
        if state.is_retired(&entry) {
            return Some((entry, CloseReason::Broken));
        }
        while let Some(waiter) = state.waiters.pop_front() {
            let connection = self.lend(state, entry, waiter.call_site, now);
            let Err(Ok(refused)) = waiter.sender.send(Ok(connection)) else {
                return None;
            };
            let (back, ticket) = refused.dissolve()?;
            state.holders.remove(ticket);
            state.counters.acquired -= 1;
            entry = back;
        }
        if state.closed {
            return Some((entry, CloseReason::PoolClosed));
        }
        state.idle.push(Idle {
            entry,
            since: now,
            seen: now,
        });
        None
    }

    /// The connection at the bottom of the stack, if it has lain there for too long.
    fn oldest_unused(&self, state: &mut State, now: Instant) -> Option<Entry> {
        let limit = self.options.idle_timeout?;
        let oldest = state.idle.first()?;
        let unused = now.saturating_duration_since(oldest.since) > limit;
        let spare = state.open > self.options.min_connections && !state.closed;
        (unused && spare).then(|| state.idle.remove(0).entry)
    }

    /// Leaves the queue.
    pub(super) fn leave_queue(&self, id: u64) {
        let mut state = self.lock();
        let place = state.waiters.iter().position(|waiter| waiter.id == id);
        // Its sender is dropped after the lock: nothing is in it, for it was still in the queue.
        let left = place.and_then(|place| state.waiters.remove(place));
        drop(state);
        drop(left);
    }

    /// Opens connections for those that wait, as far as the lane may grow.
    pub(super) fn grow(self: &Arc<Self>) {
        let max = self.options.max_connections;
        loop {
            let mut state = self.lock();
            let wanted = state.waiters.len() > state.opening;
            if state.closed || !wanted || state.open >= max {
                return;
            }
            state.open += 1;
            state.opening += 1;
            drop(state);
            Opening::start(self);
        }
    }

    /// Takes part of the lane for a connection that its caller opens itself. `false` if the lane is full.
    pub(super) fn reserve(&self) -> bool {
        let mut state = self.lock();
        let free = state.open < self.options.max_connections && !state.closed;
        if free {
            state.open += 1;
            state.opening += 1;
        }
        free
    }

    /// What a connection belongs to that is opened from now on.
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Takes a connection that was opened.
    pub(super) fn opened(self: &Arc<Self>, entry: Entry, took: Duration) {
        let mut state = self.lock();
        state.opening -= 1;
        state.counters.opened += 1;
        state.times.create.record(took);
        let refused = self.hand_over(&mut state, entry, Instant::now());
        drop(state);
        if let Some((entry, reason)) = refused {
            self.close_all([entry], reason);
        }
    }

    /// Tells the head of the queue why no connection could be opened.
    pub(super) fn not_opened(self: &Arc<Self>, error: Error) {
        let mut state = self.lock();
        state.opening -= 1;
        state.open -= 1;
        state.counters.failed += 1;
        let waiter = state.waiters.pop_front();
        self.returned.notify_waiters();
        drop(state);
        if let Some(waiter) = waiter {
            let error = error.at(waiter.call_site);
            // A caller that went away needs no error.
            let _ = waiter.sender.send(Err(error));
        }
        self.grow();
    }

    /// Tells the observers, if there are any. Never under the lock.
    pub(super) fn tell(&self, kind: PoolEventKind<'_>) {
        if self.observers.is_listening() {
            let event = PoolEvent::new(self.options.get_name(), self.observers.target(), kind);
            self.observers.emit(&Event::Pool(event));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_retired(&self, entry: &Entry) -> bool {
        entry.generation < self.generation
    }

    /// The end of a loan.
    fn take_back(&mut self, ticket: usize, now: Instant) -> Option<Holder> {
        let holder = self.holders.remove(ticket)?;
        self.times.used.record(holder.held(now));
        Some(holder)
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database handle was closed")
}
