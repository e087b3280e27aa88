//! What is told of the servers of a database.
use std::time::Duration;

use super::Position;
use crate::observe::{BanReason, PoolStats, Target};

/// The servers of a database handle; see [`Database::replicas`](crate::Database::replicas).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RoutingFigures {
    /// The server that is written to.
    pub primary: Target,
    /// The others.
    pub replicas: Vec<ReplicaFigures>,
    /// How often a read went to the primary although it might have gone to a replica.
    pub fallbacks: u64,
    /// How often another server became the primary.
    pub promotions: u64,
}

/// A replica.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReplicaFigures {
    /// The name of its pool.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// What its pool is doing and has done.
    pub pool: PoolStats,
    /// Whether it is read from.
    pub state: ReplicaState,
    /// For how long it has not had what the primary had when it was asked last; none where that is not known.
    pub lag: Option<Duration>,
    /// How many bytes of the primary's log it had not applied then (PostgreSQL).
    pub lag_bytes: Option<u64>,
    /// How far it was then.
    pub position: Option<Position>,
    /// Statements run on it.
    pub reads: u64,
    /// How often a reader waited for it to get what the reader must see.
    pub waits: u64,
    /// How often such a reader waited in vain.
    pub behind: u64,
    /// How often it was banned.
    pub bans: u64,
    /// How often it was asked how it does, on a connection beside its pool.
    pub checks: u64,
}

/// Whether a replica is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplicaState {
    /// It is.
    Up,
    /// It is not, for this reason.
    Banned(BanReason),
}

impl ReplicaState {
    /// Whether it is read from.
    pub fn is_up(self) -> bool {
        self == Self::Up
    }
}
