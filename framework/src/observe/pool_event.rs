//! What happens in a pool of connections.
//!
//! Events of connections ([`Acquired`](PoolEventKind::Acquired) and its like) are told by the task that caused them,
//! never under the pool's lock. Leaks and alerts come from the pool's own tasks, and go to `tracing` too.
use std::{panic::Location, time::Duration};

use super::{PoolStats, Target};
use crate::error::Error;

/// Something that happened in a pool.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PoolEvent<'a> {
    /// The pool's name, see [`PoolOptions::name`](crate::pool::PoolOptions::name).
    pub pool: &'a str,
    /// The server that its connections lead to.
    pub target: &'a Target,
    /// What it was.
    pub kind: PoolEventKind<'a>,
}

impl<'a> PoolEvent<'a> {
    pub(crate) fn new(pool: &'a str, target: &'a Target, kind: PoolEventKind<'a>) -> Self {
        Self { pool, target, kind }
    }
}

/// What happened in a pool.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum PoolEventKind<'a> {
    /// A connection was opened.
    Opened {
        /// How long that took.
        took: Duration,
    },
    /// A connection could not be opened.
    OpenFailed {
        /// Why.
        error: &'a Error,
    },
    /// A connection was closed.
    Closed {
        /// Why.
        reason: CloseReason,
        /// How long ago it was opened.
        age: Duration,
    },
    /// A connection was lent.
    Acquired {
        /// How long the caller waited for it; zero if one was free.
        wait: Duration,
    },
    /// A connection came back, fit for the next caller or not.
    Released {
        /// How long it was lent, its clean-up included.
        used: Duration,
    },
    /// A caller waited in vain.
    TimedOut {
        /// For how long.
        waited: Duration,
    },
    /// A connection is lent for longer than it should be. Told once for each loan.
    Leaked {
        /// The call that holds it.
        call_site: &'static Location<'static>,
        /// For how long it has been lent.
        held: Duration,
    },
    /// A connection that was told as leaked came back.
    ReturnedAfterAll {
        /// The call that held it.
        call_site: &'static Location<'static>,
        /// For how long it was lent.
        held: Duration,
    },
    /// The figures of the pool, from its monitor.
    Snapshot(PoolStats),
    /// More callers wait than when the monitor looked before.
    PendingGrowing {
        /// How many wait.
        pending: usize,
        /// How many waited before.
        before: usize,
    },
    /// More than four fifths of the connections are in use. Told once until it is less again.
    NearlyFull {
        /// How many are in use.
        in_use: usize,
        /// How many there may be.
        max: usize,
    },
}

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Nobody used it for long.
    Idle,
    /// It was too old.
    Lifetime,
    /// It was lost, cancelled in a statement, or could not be cleaned up.
    Broken,
    /// The pool was closed.
    PoolClosed,
}
