//! The events.
use std::{panic::Location, time::Duration};

use super::{NPlusOne, Target};
use crate::{
    dialect::Dialect,
    error::Error,
    statement::{Fingerprint, Statement, StatementKind},
};

/// Something that happened. Borrowed: observers copy what they keep.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A statement is about to be run; it ends as [`Event::Statement`].
    StatementStarted(StatementStarted<'a>),
    /// A statement was run, with or without success.
    Statement(StatementEvent<'a>),
    /// A transaction or savepoint took a step.
    Transaction(TransactionEvent<'a>),
    /// A statement was repeated where one would do; told by an [`Alarm`](super::Alarm).
    NPlusOne {
        /// What was repeated, where, and what to do.
        found: &'a NPlusOne,
        /// How often it was found since it was told last, this time included.
        times: u64,
    },
    /// A request sent more statements than its budget; told by a `QueryBudget`.
    BudgetExceeded {
        /// The request's method and path.
        request: &'a str,
        /// How many statements it may send.
        budget: usize,
        /// How many it sent.
        statements: usize,
    },
    /// Something happened in the pool of connections.
    Pool(super::PoolEvent<'a>),
    /// Something happened among the servers of a database that has replicas.
    Routing(super::RoutingEvent<'a>),
    /// Something happened in a write-behind queue.
    WriteBehind(super::WriteBehindEvent<'a>),
    /// Something happened to a materialized view.
    View(super::ViewEvent<'a>),
    /// Something happened in the result cache.
    Cache(super::CacheEvent<'a>),
    /// Something the user should know, though nothing failed: a has_one with several rows, say.
    Warning {
        /// What was seen and what to do, in one line.
        message: &'a str,
    },
}

/// A statement that is about to be run.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementStarted<'a> {
    /// The statement: text, arguments, tables, call site.
    pub statement: &'a Statement,
    /// The database it goes to.
    pub target: &'a Target,
    /// The dialect it is sent in.
    pub dialect: Dialect,
    /// Whether it runs inside a transaction.
    pub in_transaction: bool,
}

/// A statement that was run.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementEvent<'a> {
    /// The statement: text, arguments, tables, call site.
    pub statement: &'a Statement,
    /// The database it went to.
    pub target: &'a Target,
    /// The dialect it was sent in.
    pub dialect: Dialect,
    /// How long the wait for a connection took; inside a transaction, for its turn.
    pub wait: Duration,
    /// From sending the statement to its last row, less the time of decoding.
    pub execute: Duration,
    /// How long its rows took to be decoded. Of long results a sample is timed and the rest estimated.
    pub decode: Duration,
    /// Rows returned.
    pub rows: u64,
    /// Rows changed.
    pub affected: u64,
    /// The size of the values returned, as far as they have one: text, bytes and JSON by length, numbers by width.
    pub bytes: u64,
    /// Whether the connection had the statement prepared already; `None` where it is not prepared by name.
    pub prepared: Option<bool>,
    /// Whether it ran inside a transaction.
    pub in_transaction: bool,
    /// Whether its future was dropped before it ended; rows and changes are those until then.
    pub cancelled: bool,
    /// Why it failed, if it did.
    pub error: Option<&'a Error>,
}

impl StatementEvent<'_> {
    /// The identity of the statement, apart from its values.
    pub fn fingerprint(&self) -> Fingerprint {
        self.statement.plan.fingerprint(self.dialect)
    }

    /// Whether it adds rows, by whatever technique.
    pub(crate) fn adds_rows(&self) -> bool {
        let kind = self.statement.plan.kind;
        matches!(kind, StatementKind::Insert | StatementKind::Copy)
    }

    /// Wait, execution and decoding together.
    pub fn total(&self) -> Duration {
        self.wait + self.execute + self.decode
    }
}

/// A step of a transaction.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransactionEvent<'a> {
    /// What it did.
    pub step: TransactionStep,
    /// The database it runs on.
    pub target: &'a Target,
    /// The user's call that took the step.
    pub call_site: &'static Location<'static>,
    /// How long the step took. For a retry: how long it waits before it begins again.
    pub elapsed: Duration,
    /// Why the step failed.
    pub error: Option<&'a Error>,
}

/// What a transaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionStep {
    /// It began.
    Begin,
    /// It was committed, or that failed.
    Commit,
    /// It was rolled back.
    Rollback,
    /// It met a conflict and is run again.
    Retry {
        /// How many attempts were made before.
        attempts: u32,
    },
    /// A savepoint was set inside it.
    Savepoint,
    /// A savepoint was released.
    Release,
    /// It was rolled back to a savepoint.
    RollbackToSavepoint,
}

impl TransactionStep {
    /// The step in lower case, as metrics and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Retry { .. } => "retry",
            Self::Savepoint => "savepoint",
            Self::Release => "release",
            Self::RollbackToSavepoint => "rollback_to_savepoint",
        }
    }
}
