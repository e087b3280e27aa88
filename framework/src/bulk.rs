#![doc = include_str!("docs/bulk.md")]
//!
//! # Inside
//!
//! Rows come as a stream and go out in statements. A window of rows is read ahead and sorted by the columns that they
//! give; whatever is larger than a window goes out before more is read. What the rows of a statement were is not kept.
mod copy;
mod feed;
mod load;
mod statements;

use std::time::Duration;

pub(crate) use feed::NewRow;
pub(crate) use load::{Load, OnConflict, run};
pub(crate) use statements::{are_arrays, lengths, rows_per_statement};

/// How far a bulk insert has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkFigures {
    /// Rows that were given and sent.
    pub rows: u64,
    /// Rows written, as the database counts them: PostgreSQL and SQLite do not count a row that met another and was
    /// ignored; MySQL and MariaDB count it as one, and a row that changed another as two.
    pub affected: u64,
    /// Statements sent, without those of transactions.
    pub statements: u64,
    /// Batches that are complete.
    pub batches: u64,
    /// Rows that are committed already, by [`commit_each_batch`](crate::repository::BulkInsert::commit_each_batch).
    pub committed: u64,
    /// The time since the first row was asked for.
    pub elapsed: Duration,
}
