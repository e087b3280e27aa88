//! What happens when statements are sent to one of several servers.
use std::{fmt, time::Duration};

use serde::Serialize;

use super::Target;

/// Something that happened among the servers of one database.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RoutingEvent<'a> {
    /// The server that it is about.
    pub target: &'a Target,
    /// What it was.
    pub kind: RoutingEventKind<'a>,
}

impl<'a> RoutingEvent<'a> {
    pub(crate) fn new(target: &'a Target, kind: RoutingEventKind<'a>) -> Self {
        Self { target, kind }
    }
}

/// What happened among the servers.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum RoutingEventKind<'a> {
    /// A replica is not read from for the time being.
    Banned {
        /// Why.
        reason: BanReason,
        /// What it was that failed, if anything did.
        error: Option<&'a str>,
    },
    /// A replica is read from again.
    Recovered {
        /// For how long it was not.
        after: Duration,
    },
    /// A read went to the primary although there are replicas. The target is the primary.
    FellBack {
        /// Why.
        reason: FallbackReason,
    },
    /// No replica is left; reads go to the primary. Told once, until one is back. The target is the primary.
    Alone,
    /// A replica has become the primary: writes go to it from now on. The target is the new primary.
    Promoted {
        /// The primary until now.
        from: &'a Target,
    },
    /// A server was asked how it does.
    Checked {
        /// Whether it is read from; of the primary, whether it answered.
        up: bool,
        /// For how long the replica has not had what the primary had then; none of the primary, and where it is not known.
        lag: Option<Duration>,
        /// How many bytes of the primary's log it has not applied (PostgreSQL).
        lag_bytes: Option<u64>,
    },
}

/// Why a replica is not read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BanReason {
    /// It could not be reached, or a connection to it was lost.
    Unreachable,
    /// It is further behind than [`max_lag`](crate::routing::RoutingOptions::max_lag).
    Lagging,
    /// It takes writes: it follows nobody, so nobody knows what it holds.
    NotAReplica,
    /// Another server has become the primary, and this one does not follow it.
    Astray,
    /// It is another product than the primary.
    OtherProduct,
}

impl BanReason {
    /// The reason in lower case, as metrics and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Lagging => "lagging",
            Self::NotAReplica => "not_a_replica",
            Self::Astray => "astray",
            Self::OtherProduct => "other_product",
        }
    }
}

impl fmt::Display for BanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "it cannot be reached",
            Self::Lagging => "it is too far behind",
            Self::NotAReplica => "it takes writes, so it follows nobody",
            Self::Astray => "it does not follow the new primary",
            Self::OtherProduct => "it is another product than the primary",
        })
    }
}

/// Why a read went to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FallbackReason {
    /// No replica can be read from.
    NoReplica,
    /// No replica had what the reader must see, and none got there while it waited.
    Behind,
    /// The primary did not say in time how far it is.
    Unknown,
    /// The replica refused the statement: it writes after all, or asks for what is not there yet.
    Refused,
}

impl FallbackReason {
    /// The reason in lower case, as metrics and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoReplica => "no_replica",
            Self::Behind => "behind",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}
