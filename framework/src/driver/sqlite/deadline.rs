//! The time a statement may take.
//!
//! The library calls back while it works, every some thousand of its instructions, and a statement whose time is over is
//! interrupted there. Without a limit nothing is installed, and a statement pays one test.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::errors;
use crate::error::{DatabaseDetail, Error, ErrorKind, Result};

/// How often the clock is looked at, in the library's instructions: some dozen microseconds.
const INSTRUCTIONS: i32 = 4_000;

const NEVER: u64 = u64::MAX;

/// The limit of one connection's statements.
#[derive(Debug, Clone)]
pub(super) struct Deadline(Option<Arc<Clock>>);

#[derive(Debug)]
struct Clock {
    limit: Duration,
    origin: Instant,
    /// When the statement must have ended, in nanoseconds since `origin`.
    end: AtomicU64,
}

impl Clock {
    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(NEVER - 1)
    }

    fn is_over(&self) -> bool {
        self.now() > self.end.load(Ordering::Relaxed)
    }
}

impl Deadline {
    /// Limits the statements of `connection`.
    pub(super) fn install(connection: &Connection, limit: Option<Duration>) -> Result<Self> {
        let Some(limit) = limit else {
            return Ok(Self(None));
        };
        let clock = Arc::new(Clock {
            limit,
            origin: Instant::now(),
            end: AtomicU64::new(NEVER),
        });
        let handler = {
            let clock = Arc::clone(&clock);
            move || clock.is_over()
        };
        connection
            .progress_handler(INSTRUCTIONS, Some(handler))
            .map_err(errors::database)?;
        Ok(Self(Some(clock)))
    }

    /// The time of a statement begins.
    pub(super) fn start(&self) -> Running {
        if let Some(clock) = &self.0 {
            let limit = u64::try_from(clock.limit.as_nanos()).unwrap_or(NEVER);
            let end = clock.now().saturating_add(limit);
            clock.end.store(end, Ordering::Relaxed);
        }
        Running(self.0.clone())
    }
}

/// A statement whose time runs. Dropped, no time runs.
pub(super) struct Running(Option<Arc<Clock>>);

impl Running {
    /// Says that the time was over, if that is why the statement ended.
    pub(super) fn explain(&self, error: Error) -> Error {
        match &self.0 {
            Some(clock) if error.code() == Some("9") && clock.is_over() => {
                let detail = DatabaseDetail {
                    code: Some("9".to_owned()),
                    ..DatabaseDetail::default()
                };
                let limit = clock.limit;
                Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "the statement ran for longer than its `statement_timeout` of {limit:?}"
                    ),
                )
                .with_detail(detail)
                .with_source(error)
            }
            _ => error,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(clock) = &self.0 {
            clock.end.store(NEVER, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{ConnectOptions, connect};

    const FOREVER: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

    #[tokio::test]
    async fn a_statement_that_takes_too_long_is_ended_and_the_connection_is_fine() {
        let limit = Duration::from_millis(30);
        let options = ConnectOptions::sqlite_in_memory().statement_timeout(limit);
        let mut connection = connect(&options).await.unwrap();
        let error = connection.batch(FOREVER).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(
            error.to_string().contains("`statement_timeout` of 30ms"),
            "{error}"
        );
        assert!(!connection.is_broken());
        connection.batch("CREATE TABLE t (n)").await.unwrap();
    }

    #[tokio::test]
    async fn a_write_that_takes_too_long_leaves_no_part_of_it() {
        let limit = Duration::from_millis(30);
        let options = ConnectOptions::sqlite_in_memory().statement_timeout(limit);
        let mut connection = connect(&options).await.unwrap();
        connection.batch("CREATE TABLE t (n)").await.unwrap();
        let endless = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
        let error = connection.batch(endless).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        let check =
            "CREATE TABLE empty (n CHECK (n = 0)); INSERT INTO empty SELECT count(*) FROM t";
        connection.batch(check).await.unwrap();
    }
}
