//! What is done for connections while nobody asks for them.
use std::sync::Arc;

use tokio::time::Instant;

use super::{Idle, Lane};
use crate::{
    observe::{CloseReason, PoolEventKind},
    pool::TARGET,
};

impl Lane {
    /// Opens connections beyond demand, up to the least number.
    pub(in crate::pool) fn refill(self: &Arc<Self>) {
        // Each place once: where nothing can be opened, it is free again at once.
        for _ in 0..self.options.min_connections {
            let mut state = self.lock();
            if state.closed || state.open >= self.options.min_connections {
                return;
            }
            state.open += 1;
            state.opening += 1;
            drop(state);
            super::Opening::start(self);
        }
    }

    /// Takes those off the stack that are too old or lay there for too long; `false` once the lane is closed.
    pub(in crate::pool) fn reap(self: &Arc<Self>) -> bool {
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
            let reaped = state.idle.extract_if(.., idle_too_long);
            unused.extend(reaped.map(|idle| idle.entry));
        }
        drop(state);
        self.close_all(too_old, CloseReason::Lifetime);
        self.close_all(unused, CloseReason::Idle);
        true
    }

    /// Tells of connections that are lent for too long, once for each loan.
    pub(in crate::pool) fn report_leaks(&self) {
        let Some(limit) = self.options.leak_after else {
            return;
        };
        let now = Instant::now();
        let mut state = self.lock();
        let overdue = state.holders.overdue(limit, now);
        state.counters.leaked += overdue.len() as u64;
        drop(state);
        for holder in overdue {
            let (call_site, held) = (holder.call_site, holder.held(now));
            tracing::warn!(
                target: TARGET,
                pool = self.options.get_name(),
                code.file.path = call_site.file(),
                code.line.number = call_site.line(),
                ?held,
                "a connection is held for longer than `leak_after`"
            );
            self.tell(PoolEventKind::Leaked { call_site, held });
        }
    }

    /// Pings each connection that lies still for too long, one at a time; `false` once the lane is closed.
    ///
    /// Dropped in the middle of a ping, it closes that connection.
    pub(in crate::pool) async fn keep_alive(self: &Arc<Self>) -> bool {
        let round = Instant::now();
        while let Some(check) = self.take_silent(round) {
            check.run().await;
        }
        !self.lock().closed
    }

    fn take_silent(self: &Arc<Self>, round: Instant) -> Option<Check> {
        let limit = self.options.keep_alive?;
        let mut state = self.lock();
        let silent = |idle: &Idle| round.saturating_duration_since(idle.seen) >= limit;
        let place = state.idle.iter().position(silent)?;
        let idle = state.idle.remove(place);
        state.checking += 1;
        Some(Check {
            lane: Arc::clone(self),
            idle: Some(idle),
        })
    }

    /// Puts a connection back where it lay, or gives it to the caller that waits longest.
    fn checked(self: &Arc<Self>, mut idle: Idle) {
        let now = Instant::now();
        let mut state = self.lock();
        state.checking -= 1;
        if state.waiters.is_empty() && !state.closed && !state.is_retired(&idle.entry) {
            idle.seen = now;
            let place = state
                .idle
                .partition_point(|other| other.since <= idle.since);
            state.idle.insert(place, idle);
            return;
        }
        let refused = self.hand_over(&mut state, idle.entry, now);
        drop(state);
        if let Some((entry, reason)) = refused {
            self.close_all([entry], reason);
        }
    }
}

/// A connection that is being pinged. Dropped before it answered, it is closed.
struct Check {
    lane: Arc<Lane>,
    idle: Option<Idle>,
}

impl Check {
    async fn run(mut self) {
        let alive = match &mut self.idle {
            Some(idle) => idle.entry.is_alive().await,
            None => false,
        };
        if alive && let Some(idle) = self.idle.take() {
            self.lane.checked(idle);
        }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.take() {
            let opened = idle.entry.opened;
            drop(idle);
            self.lane.lock().checking -= 1;
            self.lane.gone(CloseReason::Broken, opened);
        }
    }
}
