//! The events.
use std::time::Duration;

use crate::{dialect::Dialect, error::Error, statement::Statement};

/// Something that happened. Borrowed: observers copy what they keep.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A statement was run, with or without success.
    Statement(StatementEvent<'a>),
    /// Something the user should know, though nothing failed: a has_one with several rows, say.
    Warning {
        /// What was seen and what to do, in one line.
        message: &'a str,
    },
}

/// A statement that was run.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatementEvent<'a> {
    /// The statement: text, arguments, tables, fingerprint, call site.
    pub statement: &'a Statement,
    /// The dialect it was sent in.
    pub dialect: Dialect,
    /// How long the wait for a connection took; zero inside a transaction.
    pub wait: Duration,
    /// From sending the statement to its last row, decoding included.
    pub execute: Duration,
    /// Rows returned.
    pub rows: u64,
    /// Rows changed.
    pub affected: u64,
    /// Whether the connection had the statement prepared already; `None` where it is not prepared by name.
    pub prepared: Option<bool>,
    /// Whether it ran inside a transaction.
    pub in_transaction: bool,
    /// Whether its future was dropped before it ended; rows and changes are not known then.
    pub cancelled: bool,
    /// Why it failed, if it did.
    pub error: Option<&'a Error>,
}
