//! Trying again to open the first connection, for programs that start before their database does.
use std::time::Duration;

use super::random_fraction;
use crate::error::{Error, Result};

/// How often and how fast [`Pool::open`](super::Pool::open) tries again. Only connection errors are worth it: a wrong
/// password or option is told at once.
///
/// ```
/// use std::time::Duration;
/// use entourage::pool::{ConnectRetry, PoolOptions};
///
/// let retry = ConnectRetry { attempts: 10, ..ConnectRetry::default() };
/// let options = PoolOptions::new().connect_retry(retry);
/// assert!(options.validate().is_ok());
/// assert_eq!(retry.pause(1), Duration::from_millis(250));
/// assert_eq!(retry.pause(2), Duration::from_millis(500));
/// assert_eq!(retry.pause(9), Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConnectRetry {
    /// How often to try in all; at least 1.
    pub attempts: u32,
    /// The pause after the first attempt.
    pub initial: Duration,
    /// By how much each pause is longer than the one before; at least 1.
    pub multiplier: f64,
    /// The longest pause.
    pub max_interval: Duration,
    /// By which part a pause may be shorter, at random, so that programs started together do not knock together; from 0
    /// to 1.
    pub jitter: f64,
}

/// 5 attempts in about 4 seconds: 250 ms, doubled each time, at most 10 seconds, up to a fifth shorter.
impl Default for ConnectRetry {
    fn default() -> Self {
        Self {
            attempts: 5,
            initial: Duration::from_millis(250),
            multiplier: 2.0,
            max_interval: Duration::from_secs(10),
            jitter: 0.2,
        }
    }
}

impl ConnectRetry {
    /// The pause after `attempt` (from 1), before jitter.
    pub fn pause(&self, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.multiplier.powi(exponent);
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(self.max_interval)
            .min(self.max_interval)
    }

    /// The same, shortened at random.
    pub(super) fn jittered_pause(&self, attempt: u32) -> Duration {
        self.pause(attempt)
            .mul_f64(1.0 - self.jitter * random_fraction())
    }

    pub(super) fn validate(&self) -> Result<()> {
        if self.attempts == 0 {
            return Err(Error::configuration(
                "`connect_retry` has 0 attempts, so no connection would ever be opened",
            )
            .with_hint("1 attempt is the same as no retry"));
        }
        if !(self.multiplier.is_finite() && self.multiplier >= 1.0) {
            return Err(Error::configuration(format!(
                "`connect_retry` has the multiplier {}, so its pauses would shrink",
                self.multiplier
            ))
            .with_hint("give 1.0 for equal pauses, 2.0 to double them"));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(Error::configuration(format!(
                "`connect_retry` has the jitter {}, which is not a part from 0 to 1",
                self.jitter
            )));
        }
        if self.max_interval < self.initial {
            return Err(Error::configuration(format!(
                "`connect_retry` begins with pauses of {:?}, longer than its `max_interval` of {:?}",
                self.initial, self.max_interval
            ))
            .with_hint("raise `max_interval`, or lower `initial`"));
        }
        Ok(())
    }
}
