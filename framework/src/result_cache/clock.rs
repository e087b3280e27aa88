//! The time, as entries count it.
//!
//! Tokio's clock, so that tests can stop it; outside a runtime it is the system's.
use std::time::Duration;

use tokio::time::Instant;

use crate::pool::random_fraction;

/// Time since the cache was made.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    jitter: f64,
}

impl Clock {
    /// A clock that starts now; times to live are cut by up to `jitter` of them.
    pub(super) fn new(jitter: f64) -> Self {
        Self {
            start: Instant::now(),
            jitter,
        }
    }

    /// Nanoseconds since the start.
    pub(super) fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    /// Milliseconds since the start.
    pub(super) fn millis(&self) -> u64 {
        self.now() / 1_000_000
    }

    /// `ttl`, less a random part of it.
    pub(super) fn jittered(&self, ttl: Duration) -> Duration {
        match self.jitter > 0.0 {
            true => ttl.mul_f64(1.0 - self.jitter * random_fraction()),
            false => ttl,
        }
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
