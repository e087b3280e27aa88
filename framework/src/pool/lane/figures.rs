//! What a lane says of itself.
use std::time::Duration;

use tokio::time::Instant;

use super::Lane;
use crate::{
    error::{Error, ErrorKind},
    observe::{PoolEventKind, PoolStats},
    pool::{Access, Holding, histogram::Times},
};

impl Lane {
    pub(in crate::pool) fn stats(&self) -> PoolStats {
        let state = self.lock();
        PoolStats {
            max: self.options.max_connections,
            min: self.options.min_connections,
            open: state.open,
            idle: state.idle.len() + state.checking,
            in_use: state.holders.len(),
            opening: state.opening,
            pending: state.waiters.len(),
            ..state.counters
        }
    }

    /// The times so far, those of the callers that did not wait among them.
    pub(in crate::pool) fn times(&self) -> Times {
        let state = self.lock();
        let (mut times, immediate) = (state.times.clone(), state.immediate);
        drop(state);
        times.wait.record_zeroes(immediate);
        times
    }

    /// Who holds connections now, longest first.
    pub(in crate::pool) fn holdings(&self) -> Vec<Holding> {
        self.lock().holders.holdings(Instant::now())
    }

    /// The error of a caller that waited in vain.
    pub(super) fn timed_out(&self, waited: Duration) -> Error {
        self.tell(PoolEventKind::TimedOut { waited });
        let mut state = self.lock();
        state.counters.timeouts += 1;
        let of = match &self.options.name {
            Some(name) => format!(" of pool `{name}`"),
            None => String::new(),
        };
        let mut message = format!(
            "no connection{of} became free within {:?}: {} of {} {} in use",
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
}
