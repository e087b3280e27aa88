//! What a pool is doing and has done. It is here and not with the pool, because events carry it.
use std::{ops::Add, time::Duration};

/// A snapshot of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many connections may be open.
    pub max: usize,
    /// How many stay open unused.
    pub min: usize,
    /// Connections that are open or being opened or closed.
    pub open: usize,
    /// Open and free, or being pinged to be kept alive.
    pub idle: usize,
    /// Lent, or being cleaned up after a caller that left a transaction open.
    pub in_use: usize,
    /// Being opened.
    pub opening: usize,
    /// Callers that wait.
    pub pending: usize,
    /// How often a connection was lent.
    pub acquired: u64,
    /// How often a caller had to wait for it.
    pub waited: u64,
    /// How long callers waited, all together.
    pub wait_time: Duration,
    /// How often a caller waited in vain.
    pub timeouts: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections that could not be opened.
    pub failed: u64,
    /// Connections closed because nobody used them.
    pub closed_idle: u64,
    /// Connections closed because of their age.
    pub closed_lifetime: u64,
    /// Connections closed because they were lost, cancelled in a statement or could not be cleaned up.
    pub closed_broken: u64,
    /// Connections closed because the pool was.
    pub closed_with_pool: u64,
    /// How often a connection was lent for longer than [`leak_after`](crate::pool::PoolOptions::leak_after).
    pub leaked: u64,
}

impl PoolStats {
    /// Whether more than four fifths of its connections are in use. One connection alone is never nearly full.
    pub fn is_nearly_full(&self) -> bool {
        self.max > 1 && self.in_use * 5 > self.max * 4
    }
}

/// Readers and writer of one pool together.
impl Add for PoolStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            max: self.max + other.max,
            min: self.min + other.min,
            open: self.open + other.open,
            idle: self.idle + other.idle,
            in_use: self.in_use + other.in_use,
            opening: self.opening + other.opening,
            pending: self.pending + other.pending,
            acquired: self.acquired + other.acquired,
            waited: self.waited + other.waited,
            wait_time: self.wait_time + other.wait_time,
            timeouts: self.timeouts + other.timeouts,
            opened: self.opened + other.opened,
            failed: self.failed + other.failed,
            closed_idle: self.closed_idle + other.closed_idle,
            closed_lifetime: self.closed_lifetime + other.closed_lifetime,
            closed_broken: self.closed_broken + other.closed_broken,
            closed_with_pool: self.closed_with_pool + other.closed_with_pool,
            leaked: self.leaked + other.leaked,
        }
    }
}
