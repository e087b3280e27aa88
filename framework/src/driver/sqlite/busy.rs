//! Waiting for other connections' locks.
//!
//! The library's own busy time-out sleeps on the thread, so it is off; a statement that meets a lock is sent again after
//! a pause, where that is sound: it has handed out no row, and it was either a statement of its own (no transaction
//! under way) or the one that begins or ends a transaction. Inside a transaction that has read already, waiting could
//! not help: the snapshot would be too old to write, and two such waiters would wait for each other.
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionState};
use tokio::time::Instant;

use super::errors;
use crate::{
    error::{Error, ErrorKind, Result},
    statement::StatementKind,
};

/// What became of a statement.
pub(super) enum Attempt<T> {
    Done(T),
    /// A lock was in the way; the statement has done nothing and may be sent again.
    Busy(Error),
}

/// The transaction's state before a statement, by which its failure is judged.
#[derive(Clone, Copy)]
pub(super) struct Before {
    autocommit: bool,
    ends: bool,
}

impl Before {
    pub(super) fn statement(database: &Connection, kind: StatementKind) -> Self {
        Self {
            autocommit: database.is_autocommit(),
            ends: kind == StatementKind::Transaction,
        }
    }

    pub(super) fn text(database: &Connection, sql: &str) -> Self {
        let word = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic());
        let word = word.into_iter().next().unwrap_or_default();
        let ends = ["COMMIT", "END", "RELEASE"];
        Self {
            autocommit: database.is_autocommit(),
            ends: ends.iter().any(|end| word.eq_ignore_ascii_case(end)),
        }
    }

    /// The verdict on an error that came before any row.
    pub(super) fn judge<T>(
        self,
        database: &Connection,
        error: rusqlite::Error,
    ) -> Result<Attempt<T>> {
        let again = is_lock(&error)
            // The library may have rolled the whole transaction back.
            && database.is_autocommit() == self.autocommit
            && (self.ends
                || matches!(
                    database.transaction_state::<&str>(None),
                    Ok(TransactionState::None)
                ));
        let error = errors::database(error);
        if again {
            Ok(Attempt::Busy(error))
        } else {
            Err(error)
        }
    }
}

/// Whether another connection's lock is the cause, and waiting for it can help.
fn is_lock(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        matches!(
            error.code,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
        ) && error.extended_code != rusqlite::ffi::SQLITE_BUSY_SNAPSHOT
    })
}

/// Growing pauses up to a deadline.
pub(super) struct Backoff {
    timeout: Duration,
    deadline: Option<Instant>,
    pause: Duration,
}

impl Backoff {
    const LONGEST: Duration = Duration::from_millis(50);

    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            deadline: None,
            pause: Duration::from_millis(1),
        }
    }

    /// How much waiting is left.
    pub(super) fn rest(&self) -> Duration {
        match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => self.timeout,
        }
    }

    /// Pauses, or gives `error` back when there is no time left.
    pub(super) async fn wait(&mut self, error: Error) -> Result<()> {
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + self.timeout);
        if now >= deadline {
            return Err(locked(self.timeout, error));
        }
        tokio::time::sleep(self.pause.min(deadline - now)).await;
        self.pause = (self.pause * 2).min(Self::LONGEST);
        Ok(())
    }
}

fn locked(timeout: Duration, error: Error) -> Error {
    Error::new(
        ErrorKind::LockNotAvailable,
        format!("the database stayed locked by another connection for {timeout:?}"),
    )
    .with_hint("raise `busy_timeout`, or keep write transactions shorter")
    .with_source(error)
}
