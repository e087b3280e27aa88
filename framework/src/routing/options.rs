//! How reads are spread over replicas, and what they may miss.
use std::time::Duration;

use crate::error::{Error, Result};

/// What a read may miss of what was written before it.
///
/// | | own writes | what was read before |
/// |---|---|---|
/// | `Primary` | seen | seen |
/// | `Session` | seen | seen |
/// | `ReadYourWrites` | seen | may be missed: the next read may go to a replica that is further behind |
/// | `Eventual` | may be missed | may be missed |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Consistency {
    /// Every read goes to the primary.
    Primary,
    /// Reads see every write made through the handle, and never less than the reads before them: they stay on one
    /// replica, and go to another only once that has everything.
    Session,
    /// Reads see every write made through the handle that has ended.
    #[default]
    ReadYourWrites,
    /// Reads go to any replica, as it is.
    Eventual,
}

/// Which of the replicas that can serve a read does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest connections in use.
    LeastConnections,
    /// Any.
    Random,
}

/// How a database handle uses its replicas.
///
/// ```
/// use std::time::Duration;
/// use entourage::routing::{Balance, Consistency, RoutingOptions};
///
/// let options = RoutingOptions::new()
///     .balance(Balance::LeastConnections)
///     .wait(Duration::from_millis(50))
///     .max_lag(Duration::from_secs(10));
/// assert!(options.validate().is_ok());
/// let endless = RoutingOptions::new().check_every(Duration::ZERO);
/// assert!(endless.validate().is_err());
/// # let _ = options.consistency(Consistency::Eventual);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingOptions {
    pub(super) consistency: Consistency,
    pub(super) balance: Balance,
    pub(super) wait: Duration,
    pub(super) max_lag: Option<Duration>,
    pub(super) check_every: Duration,
    pub(super) check_timeout: Duration,
    pub(super) first_ban: Duration,
    pub(super) longest_ban: Duration,
    pub(super) promotion: bool,
}

impl Default for RoutingOptions {
    fn default() -> Self {
        Self {
            consistency: Consistency::default(),
            balance: Balance::default(),
            wait: Duration::from_millis(100),
            max_lag: None,
            check_every: Duration::from_secs(1),
            check_timeout: Duration::from_secs(2),
            first_ban: Duration::from_millis(100),
            longest_ban: Duration::from_secs(10),
            promotion: true,
        }
    }
}

impl RoutingOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// What reads through the handle may miss; [`Consistency::ReadYourWrites`] unless set. Another handle on the same
    /// database may be had with [`Database::consistency`](crate::Database::consistency).
    #[must_use]
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// Which replica serves a read; [`Balance::RoundRobin`] unless set.
    #[must_use]
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = balance;
        self
    }

    /// How long a read waits for a replica to get what the read must see, before it goes to the primary; 100 ms unless
    /// set. Zero never waits.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How far a replica may be behind and still be read from; any distance unless set. It is measured with each check, so
    /// a bound shorter than [`check_every`](RoutingOptions::check_every) has no meaning.
    #[must_use]
    pub fn max_lag(mut self, lag: impl Into<Option<Duration>>) -> Self {
        self.max_lag = lag.into();
        self
    }

    /// How often each server is asked how it does, over a connection of its own beside the pool; every second unless
    /// set.
    #[must_use]
    pub fn check_every(mut self, period: Duration) -> Self {
        self.check_every = period;
        self
    }

    /// How long a server may take to answer such a question before it counts as unreachable; 2 seconds unless set.
    #[must_use]
    pub fn check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// For how long a replica that failed is left alone: `first` after the first failure, twice as long after each one
    /// that follows, `longest` at most; 100 ms and 10 s unless set.
    #[must_use]
    pub fn ban(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_ban, self.longest_ban) = (first, longest);
        self
    }

    /// Whether a replica that has become writable takes the place of a primary that is gone or has become a replica; it
    /// does unless set otherwise.
    #[must_use]
    pub fn follow_promotion(mut self, follow: bool) -> Self {
        self.promotion = follow;
        self
    }

    pub(crate) fn get_consistency(&self) -> Consistency {
        self.consistency
    }

    /// Whether the settings go together.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error that names those that do not, and why.
    pub fn validate(&self) -> Result<()> {
        let wrong = |message: String, hint: &'static str| {
            Err(Error::configuration(message).with_hint(hint))
        };
        if self.check_every.is_zero() {
            return wrong(
                "`check_every` is zero, so the servers would do nothing but answer".to_owned(),
                "a second is usual",
            );
        }
        if self.check_timeout.is_zero() {
            return wrong(
                "`check_timeout` is zero, so no server could answer in time".to_owned(),
                "two seconds are usual",
            );
        }
        if self.first_ban.is_zero() {
            return wrong(
                "the first ban is zero, so a dead replica would be asked without a pause"
                    .to_owned(),
                "100 ms are usual",
            );
        }
        if self.first_ban > self.longest_ban {
            let (first, longest) = (self.first_ban, self.longest_ban);
            return wrong(
                format!("the first ban ({first:?}) is longer than the longest ({longest:?})"),
                "give the shorter one first: `.ban(first, longest)`",
            );
        }
        match self.max_lag {
            Some(lag) if lag < self.check_every => wrong(
                format!(
                    "`max_lag` ({lag:?}) is shorter than `check_every` ({:?}), by which it is measured",
                    self.check_every
                ),
                "check more often, or allow more lag; reads that must see a write wait for it by themselves",
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_go_together_are_refused_with_the_reason() {
        let ms = Duration::from_millis;
        let options = RoutingOptions::new;
        options().validate().unwrap();
        options().wait(Duration::ZERO).validate().unwrap();
        options()
            .max_lag(Duration::from_secs(1))
            .validate()
            .unwrap();
        for (options, said) in [
            (
                options().check_every(Duration::ZERO),
                "`check_every` is zero",
            ),
            (
                options().check_timeout(Duration::ZERO),
                "`check_timeout` is zero",
            ),
            (
                options().ban(Duration::ZERO, ms(1)),
                "the first ban is zero",
            ),
            (
                options().ban(ms(20), ms(10)),
                "the first ban (20ms) is longer",
            ),
            (options().max_lag(ms(10)), "`max_lag` (10ms) is shorter"),
        ] {
            let error = options.validate().unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
