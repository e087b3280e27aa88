//! What the drivers over sqlx's connections share: whose the connection is, where rows go, and what sqlx's errors
//! mean.
mod destination;
mod errors;
mod handle;
mod refusal;
pub(super) mod session;
pub(super) mod transactions;

pub(super) use self::{
    destination::Destination,
    errors::{Stop, driver_error, timed_connect},
    handle::Handle,
};

use crate::statement::{Statement, StatementKind};

/// Rows changed, out of the number that the server gives: for a reading statement that is the number of rows read.
pub(super) fn affected(statement: &Statement, told: u64) -> u64 {
    const READING: [&str; 6] = ["SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "FETCH"];
    let reads = match statement.plan.kind {
        StatementKind::Select | StatementKind::Explain => true,
        StatementKind::Other => {
            let word = statement.sql().trim_start();
            let length = word.find(|c: char| !c.is_ascii_alphabetic());
            let word = &word[..length.unwrap_or(word.len())];
            READING
                .iter()
                .any(|reading| reading.eq_ignore_ascii_case(word))
        }
        _ => false,
    };
    if reads { 0 } else { told }
}
