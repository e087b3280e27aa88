//! Running a whole transaction again after a conflict with another one.
use std::time::Duration;

use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind},
    pool::random_fraction,
};

/// How often a transaction that met a conflict is run again, and how long to wait before.
///
/// Conflicts are serialization failures, deadlocks, locks of SQLite and MySQL that were waited for in vain, and changes
/// of the schema under a prepared statement, at any statement or at COMMIT. A connection lost during COMMIT is none: the transaction may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    attempts: u32,
    first_delay: Duration,
    max_delay: Duration,
    deadline: Option<Duration>,
}

impl Default for Retry {
    /// Up to 10 attempts, up to 10 ms after the first, twice as long after each, at most 1 s.
    fn default() -> Self {
        Self {
            attempts: 10,
            first_delay: Duration::from_millis(10),
            max_delay: Duration::from_secs(1),
            deadline: None,
        }
    }
}

impl Retry {
    /// Only one attempt.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How many attempts in all.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The longest wait after the first attempt; it doubles with each. The wait itself is a random part of it, so that
    /// transactions that met once do not meet again.
    #[must_use]
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The longest wait of all.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// After how long, counted from the first attempt, no other is begun.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How long to wait after `attempt` (from 1) failed, `elapsed` after the first began; `None` to give up.
    pub(super) fn delay(&self, attempt: u32, elapsed: Duration) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt - 1);
        let longest = self.first_delay.saturating_mul(doubled).min(self.max_delay);
        let delay = longest.mul_f64(random_fraction());
        let in_time = |deadline| elapsed + delay < deadline;
        self.deadline.is_none_or(in_time).then_some(delay)
    }
}

/// Whether the same transaction may well succeed if it is run again from its beginning.
pub(super) fn is_conflict(dialect: Dialect, error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Serialization | ErrorKind::Deadlock | ErrorKind::StatementOutdated => true,
        ErrorKind::LockNotAvailable => match dialect {
            Dialect::Sqlite => true,
            // 1205: a lock was waited for in vain. 3572 is MySQL's answer to NOWAIT, which asks for no waiting.
            Dialect::Mysql => error.code() == Some("1205"),
            Dialect::Postgres => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit_and_end() {
        let retry = Retry::default()
            .attempts(20)
            .max_delay(Duration::from_millis(100));
        for attempt in 1..20 {
            let delay = retry.delay(attempt, Duration::ZERO).unwrap();
            let longest = Duration::from_millis(10 << (attempt - 1).min(4));
            assert!(delay <= longest.min(Duration::from_millis(100)));
        }
        assert_eq!(retry.delay(20, Duration::ZERO), None);
        assert_eq!(Retry::never().delay(1, Duration::ZERO), None);
        let late = Retry::default().deadline(Duration::from_secs(1));
        assert_eq!(late.delay(1, Duration::from_secs(2)), None);
    }
}
