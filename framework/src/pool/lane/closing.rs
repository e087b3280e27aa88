//! Closing connections, one by one or all of them.
use std::{panic::Location, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Lane, closed};
use crate::{
    observe::{CloseReason, PoolEventKind},
    pool::{close::CloseReport, connection::Entry},
};

impl Lane {
    /// Closes connections that nobody has, in order where there is a runtime to do it on.
    pub(in crate::pool) fn close_all(
        self: &Arc<Self>,
        entries: impl IntoIterator<Item = Entry>,
        reason: CloseReason,
    ) {
        for entry in entries {
            let closing = Closing {
                lane: Arc::clone(self),
                reason,
                opened: entry.opened,
            };
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(closing.close(entry));
            }
        }
    }

    /// A connection is closed: its place is free.
    pub(super) fn gone(self: &Arc<Self>, reason: CloseReason, opened: Instant) {
        let mut state = self.lock();
        state.open -= 1;
        let counter = match reason {
            CloseReason::Idle => &mut state.counters.closed_idle,
            CloseReason::Lifetime => &mut state.counters.closed_lifetime,
            CloseReason::Broken => &mut state.counters.closed_broken,
            CloseReason::PoolClosed => &mut state.counters.closed_with_pool,
        };
        *counter += 1;
        self.returned.notify_waiters();
        drop(state);
        let age = opened.elapsed();
        self.tell(PoolEventKind::Closed { reason, age });
        self.grow();
    }

    /// Refuses new callers, sends those away that wait, and waits until every connection came back and is closed, up to
    /// `deadline`. What comes back later is closed then.
    pub(in crate::pool) async fn close(self: &Arc<Self>, deadline: Instant) -> CloseReport {
        let (waiters, idle) = {
            let mut state = self.lock();
            state.closed = true;
            (
                std::mem::take(&mut state.waiters),
                std::mem::take(&mut state.idle),
            )
        };
        for waiter in waiters {
            let _ = waiter.sender.send(Err(closed().at(waiter.call_site)));
        }
        self.close_all(
            idle.into_iter().map(|idle| idle.entry),
            CloseReason::PoolClosed,
        );
        let _ = tokio::time::timeout_at(deadline, self.all_closed()).await;
        let state = self.lock();
        CloseReport {
            forced: state.holders.len() + state.opening,
            held_by: state.holders.call_sites(),
        }
    }

    async fn all_closed(&self) {
        loop {
            let returned = self.returned.notified();
            tokio::pin!(returned);
            returned.as_mut().enable();
            if self.lock().open == 0 {
                return;
            }
            returned.await;
        }
    }

    /// Closes those that nobody has, and the others when they come back or are open.
    pub(in crate::pool) fn retire(self: &Arc<Self>) {
        let mut state = self.lock();
        state.generation += 1;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        let entries = idle.into_iter().map(|idle| idle.entry);
        self.close_all(entries, CloseReason::Broken);
    }

    pub(in crate::pool) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Tells that a connection came back from `call_site` that was given up as leaked.
    pub(super) fn returned_after_all(&self, call_site: &'static Location<'static>, held: Duration) {
        tracing::warn!(
            target: crate::pool::TARGET,
            pool = self.options.get_name(),
            code.file.path = call_site.file(),
            code.line.number = call_site.line(),
            ?held,
            "a connection that was reported as leaked came back after all"
        );
        self.tell(PoolEventKind::ReturnedAfterAll { call_site, held });
    }
}

/// A connection being closed; its place is free when this is dropped.
struct Closing {
    lane: Arc<Lane>,
    reason: CloseReason,
    opened: Instant,
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
        self.lane.gone(self.reason, self.opened);
    }
}
