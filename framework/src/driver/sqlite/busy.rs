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

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Instant};

    use super::*;
    use crate::driver::{ConnectOptions, Connection, connect};

    /// Two connections to one file, which goes with them.
    struct File(PathBuf);

    impl File {
        fn new() -> Self {
            let name = format!("entourage-{}.db", uuid::Uuid::new_v4().simple());
            Self(std::env::temp_dir().join(name))
        }

        async fn open(&self, busy_timeout: Duration) -> Box<dyn Connection> {
            let options = ConnectOptions::sqlite(&self.0).busy_timeout(busy_timeout);
            connect(&options).await.unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
            }
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_lock_is_waited_for_without_holding_up_the_thread() {
        let file = File::new();
        let mut first = file.open(LONG).await;
        let mut second = file.open(LONG).await;
        first
            .batch("CREATE TABLE t (n); BEGIN IMMEDIATE")
            .await
            .unwrap();
        let release = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            first.batch("COMMIT").await.unwrap();
        };
        let (waited, ()) = tokio::join!(second.batch("BEGIN IMMEDIATE"), release);
        waited.unwrap();
        second.batch("ROLLBACK").await.unwrap();
    }

    #[tokio::test]
    async fn a_lock_that_stays_is_an_error_after_the_time_out() {
        let file = File::new();
        let mut first = file.open(LONG).await;
        let mut second = file.open(Duration::from_millis(80)).await;
        first
            .batch("CREATE TABLE t (n); BEGIN IMMEDIATE")
            .await
            .unwrap();
        let started = Instant::now();
        let error = second.batch("INSERT INTO t VALUES (1)").await.unwrap_err();
        assert!(started.elapsed() >= Duration::from_millis(80));
        assert_eq!(error.kind(), ErrorKind::LockNotAvailable, "{error:?}");
        assert!(error.to_string().contains("80ms"), "{error}");
    }

    #[tokio::test]
    async fn a_snapshot_too_old_to_write_is_told_at_once() {
        let file = File::new();
        let mut first = file.open(LONG).await;
        let mut second = file.open(LONG).await;
        first.batch("CREATE TABLE t (n)").await.unwrap();
        second.batch("BEGIN; SELECT * FROM t").await.unwrap();
        first.batch("INSERT INTO t VALUES (1)").await.unwrap();
        let started = Instant::now();
        let error = second.batch("INSERT INTO t VALUES (2)").await.unwrap_err();
        assert!(started.elapsed() < LONG / 2);
        assert_eq!(error.kind(), ErrorKind::Serialization, "{error:?}");
    }
}
