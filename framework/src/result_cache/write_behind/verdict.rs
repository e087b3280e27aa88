//! What an error of a flush means, and how long to wait before the next attempt.
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// What is to be done about a change that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The database was not there, or another transaction was in the way: the same again, as often as it takes.
    Retry,
    /// The change itself cannot be made: a constraint, a value, a row that is gone.
    Poison,
    /// It may be either: a missing table may be a migration that is late. Some attempts, then poison.
    Doubtful,
}

/// The verdict on `error`.
pub(super) fn of(error: &Error) -> Verdict {
    match error.kind() {
        ErrorKind::Connection
        | ErrorKind::Timeout
        | ErrorKind::Authentication
        | ErrorKind::Serialization
        | ErrorKind::Deadlock
        | ErrorKind::StatementOutdated
        | ErrorKind::LockNotAvailable
        | ErrorKind::AmbiguousCommit
        | ErrorKind::TransactionAborted
        | ErrorKind::Closed => Verdict::Retry,
        ErrorKind::UniqueViolation
        | ErrorKind::ForeignKeyViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation
        | ErrorKind::NotFound
        | ErrorKind::Stale
        | ErrorKind::Decode
        | ErrorKind::Encode
        | ErrorKind::Unsupported
        | ErrorKind::InvalidQuery => Verdict::Poison,
        ErrorKind::Database if error.code().is_some_and(is_of_a_value) => Verdict::Poison,
        _ => Verdict::Doubtful,
    }
}

/// Whether the code is about a value: too long, out of range, of a wrong form. PostgreSQL's class 22 (manual, appendix
/// A), MariaDB's and MySQL's data errors, SQLite's TOOBIG and MISMATCH.
fn is_of_a_value(code: &str) -> bool {
    let postgres = code.len() == 5 && code.starts_with("22");
    postgres || ["1264", "1265", "1292", "1366", "1406", "1690", "18", "20"].contains(&code)
}

/// How long to wait after failed attempts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Backoff {
    /// The wait after `attempt` (from 1): twice as long each time, of which a random half is left out, so that
    /// processes that lost their database together do not come back together.
    pub(super) fn delay(&self, attempt: u32, random: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.first.saturating_mul(doubled).min(self.longest);
        longest.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lost_database_is_waited_for_and_a_bad_value_is_not() {
        let of_kind = |kind| of(&Error::new(kind, "as the test says"));
        assert_eq!(of_kind(ErrorKind::Connection), Verdict::Retry);
        assert_eq!(of_kind(ErrorKind::AmbiguousCommit), Verdict::Retry);
        assert_eq!(of_kind(ErrorKind::UniqueViolation), Verdict::Poison);
        assert_eq!(of_kind(ErrorKind::Stale), Verdict::Poison);
        assert_eq!(of_kind(ErrorKind::Syntax), Verdict::Doubtful);
        assert_eq!(of_kind(ErrorKind::Database), Verdict::Doubtful);
        assert!(is_of_a_value("22001") && is_of_a_value("1406") && !is_of_a_value("53100"));
    }

    proptest! {
        #[test]
        fn waits_grow_up_to_the_longest(attempt in 1_u32..100, random in 0.0_f64..1.0) {
            let backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(5) };
            let delay = backoff.delay(attempt, random);
            prop_assert!(delay <= Duration::from_secs(5));
            prop_assert!(delay >= Duration::from_millis(25));
            prop_assert!(backoff.delay(attempt + 1, 1.0) >= backoff.delay(attempt, 1.0));
        }
    }
}
