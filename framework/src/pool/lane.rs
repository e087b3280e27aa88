//! One bounded set of like connections with one queue: the readers, the writer, or all of a server's.
//!
//! Free connections lie on a stack, so that the ones used last are used next and the others grow old enough to be
//! closed. A caller that finds none waits in the queue, and if the lane may grow, a task opens a connection meanwhile;
//! whichever comes first serves the head of the queue. The task does not belong to the caller: if the caller goes away,
//! the connection is there for the next one.
//!
//! All decisions are made under one mutex that is never held across an await, a spawn or the drop of a connection.
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
    holders::Holders,
    opening::Opening,
    waiting::{Waiter, Waiting},
};
use crate::error::{Error, ErrorKind, Result};

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) connect: Arc<dyn Connect>,
    pub(super) access: Access,
    pub(super) options: PoolOptions,
    /// Whether its connection is the database itself, see [`super::Topology::Sole`].
    keeps_connections: bool,
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
    /// Idle, lent, being opened and being closed.
    open: usize,
    opening: usize,
    closed: bool,
    counters: PoolStats,
}

#[derive(Debug)]
struct Idle {
    entry: Entry,
    since: Instant,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reason {
    Idle,
    Lifetime,
    Broken,
    PoolClosed,
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
    ) -> Arc<Self> {
        Arc::new(Self {
            connect,
            access,
            options,
            keeps_connections,
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
        let found = self.find(call_site).map_err(|error| error.at(call_site))?;
        let Found::Fit(connection) = found else {
            return self.acquire_slowly(found, call_site).await;
        };
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
            Err(_) => Err(self.timed_out()),
        };
        let mut state = self.lock();
        state.counters.waited += 1;
        state.counters.wait_time += began.elapsed();
        drop(state);
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
            found = self.find(call_site)?;
        }
    }

    /// Takes a free connection or a place in the queue.
    fn find(self: &Arc<Self>, call_site: &'static Location<'static>) -> Result<Found> {
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
                    .is_some_and(|limit| now.saturating_duration_since(idle.since) > limit);
            let connection = self.lend(&mut state, idle.entry, call_site, now);
            drop(state);
            self.close_all(too_old, Reason::Lifetime);
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
        self.close_all(too_old, Reason::Lifetime);
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
        let expired = entry.expires.is_some_and(|expires| expires <= now);
        let mut state = self.lock();
        state.holders.remove(ticket);
        if expired {
            drop(state);
            return self.close_all(vec![entry], Reason::Lifetime);
        }
        self.hand_over(&mut state, entry, now);
        let oldest = self.oldest_unused(&mut state, now);
        drop(state);
        if let Some(oldest) = oldest {
            self.close_all(vec![oldest], Reason::Idle);
        }
    }

    /// Takes a lent connection back that must not be used again.
    pub(super) fn discard(self: &Arc<Self>, entry: Entry, ticket: usize) {
        self.lock().holders.remove(ticket);
        drop(entry);
        self.gone(Reason::Broken);
    }

    /// Gives a connection to the head of the queue, or lays it on the stack.
    fn hand_over(self: &Arc<Self>, state: &mut State, mut entry: Entry, now: Instant) {
        while let Some(waiter) = state.waiters.pop_front() {
            let connection = self.lend(state, entry, waiter.call_site, now);
            let Err(Ok(refused)) = waiter.sender.send(Ok(connection)) else {
                return;
            };
            let Some((back, ticket)) = refused.dissolve() else {
                return;
            };
            state.holders.remove(ticket);
            state.counters.acquired -= 1;
            entry = back;
        }
        state.idle.push(Idle { entry, since: now });
        if state.closed {
            self.returned.notify_waiters();
        }
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

    /// Opens a connection beyond demand, up to the least number.
    pub(super) fn refill(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.closed || state.open >= self.options.min_connections {
            return;
        }
        state.open += 1;
        state.opening += 1;
        drop(state);
        Opening::start(self);
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

    /// Takes a connection that was opened.
    pub(super) fn opened(self: &Arc<Self>, entry: Entry) {
        let mut state = self.lock();
        state.opening -= 1;
        state.counters.opened += 1;
        self.hand_over(&mut state, entry, Instant::now());
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

    /// Closes connections that were taken off the stack, in order where there is a runtime to do it on.
    pub(super) fn close_all(self: &Arc<Self>, entries: Vec<Entry>, reason: Reason) {
        for entry in entries {
            let closing = Closing {
                lane: Arc::clone(self),
                reason,
            };
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(closing.close(entry));
            }
        }
    }

    /// A connection is closed: its place is free.
    fn gone(self: &Arc<Self>, reason: Reason) {
        let mut state = self.lock();
        state.open -= 1;
        match reason {
            Reason::Idle => state.counters.closed_idle += 1,
            Reason::Lifetime => state.counters.closed_lifetime += 1,
            Reason::Broken => state.counters.closed_broken += 1,
            Reason::PoolClosed => {}
        }
        self.returned.notify_waiters();
        drop(state);
        self.grow();
    }

    /// Takes those off the stack that are too old or lay there for too long; `false` once the lane is closed.
    pub(super) fn reap(self: &Arc<Self>) -> bool {
        let now = Instant::now();
        let (mut too_old, mut unused) = (Vec::new(), Vec::new());
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let expired = |idle: &mut Idle| idle.entry.expires.is_some_and(|expires| expires <= now);
        too_old.extend(state.idle.extract_if(.., expired).map(|idle| idle.entry));
        let mut spare = state.open - too_old.len();
        if let Some(limit) = self.options.idle_timeout {
            let idle_too_long = |idle: &mut Idle| {
                let reap = spare > self.options.min_connections
                    && now.saturating_duration_since(idle.since) > limit;
                spare -= usize::from(reap);
                reap
            };
            unused.extend(
                state
                    .idle
                    .extract_if(.., idle_too_long)
                    .map(|idle| idle.entry),
            );
        }
        drop(state);
        self.close_all(too_old, Reason::Lifetime);
        self.close_all(unused, Reason::Idle);
        true
    }

    /// Refuses new callers, sends those away that wait, and waits until every connection came back and is closed.
    pub(super) async fn close(self: &Arc<Self>) {
        let waiters = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.waiters)
        };
        for waiter in waiters {
            let _ = waiter.sender.send(Err(closed().at(waiter.call_site)));
        }
        loop {
            let returned = self.returned.notified();
            tokio::pin!(returned);
            returned.as_mut().enable();
            let idle = std::mem::take(&mut self.lock().idle);
            for idle in idle {
                let closing = Closing {
                    lane: Arc::clone(self),
                    reason: Reason::PoolClosed,
                };
                closing.close(idle.entry).await;
            }
            if self.lock().open == 0 {
                return;
            }
            returned.await;
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.lock();
        PoolStats {
            max: self.options.max_connections,
            min: self.options.min_connections,
            open: state.open,
            idle: state.idle.len(),
            in_use: state.holders.len(),
            opening: state.opening,
            pending: state.waiters.len(),
            ..state.counters
        }
    }

    fn timed_out(&self) -> Error {
        let mut state = self.lock();
        state.counters.timeouts += 1;
        let mut message = format!(
            "no connection became free within {:?}: {} of {} {} in use",
            self.options.acquire_timeout,
            state.holders.len(),
            self.options.max_connections,
            match (self.access, self.options.max_connections) {
                (Access::Read, 1) => "reading connection is",
                (Access::Read, _) => "reading connections are",
                (Access::Write, 1) => "connection is",
                (Access::Write, _) => "connections are",
            },
        );
        if state.opening > 0 {
            message.push_str(&format!(", {} being opened", state.opening));
        }
        if !state.waiters.is_empty() {
            message.push_str(&format!(", {} more callers wait", state.waiters.len()));
        }
        let holders = state.holders.describe(Instant::now());
        drop(state);
        let error = Error::new(ErrorKind::Timeout, message);
        if holders.is_empty() {
            return error;
        }
        error.with_hint(format!(
            "held by {holders}; hold connections for a shorter time, or raise `max_connections`"
        ))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection being closed; its place is free when this is dropped.
struct Closing {
    lane: Arc<Lane>,
    reason: Reason,
}

impl Closing {
    /// How long a server may take to say good-bye.
    const TIMEOUT: Duration = Duration::from_secs(5);

    async fn close(self, entry: Entry) {
        // A connection that does not close in time is dropped, which ends it too.
        let _ = tokio::time::timeout(Self::TIMEOUT, entry.connection.close()).await;
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.lane.gone(self.reason);
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database handle was closed")
}
