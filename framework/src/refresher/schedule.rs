//! When a view is refreshed.
use std::time::Duration;

use super::cron::Cron;
use crate::error::{Error, Result};

/// When a view is refreshed: by any of the reasons that it names.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(super) every: Option<Duration>,
    pub(super) cron: Option<Cron>,
    pub(super) after: Option<AfterWrites>,
    pub(super) concurrently: bool,
}

/// How long writes are waited out.
#[derive(Debug, Clone, Copy)]
pub(super) struct AfterWrites {
    /// After the last write.
    pub(super) debounce: Duration,
    /// After the first one that was not refreshed for.
    pub(super) max_delay: Duration,
}

const NEVER: Schedule = Schedule {
    every: None,
    cron: None,
    after: None,
    concurrently: false,
};

impl Schedule {
    /// Once every `period`, counted from the end of the refresh before, and up to a tenth earlier: programs that were
    /// started together do not stay together.
    pub fn every(period: Duration) -> Self {
        NEVER.or_every(period)
    }

    /// At the times of a cron expression, in UTC: `"0 3 * * *"` is every night at three.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) for what is no such expression.
    pub fn cron(expression: &str) -> Result<Self> {
        NEVER.or_cron(expression)
    }

    /// After commits through the database handle that touch a table which the view reads: when there was no other for
    /// `debounce`, and `max_delay` after the first one at the latest. No such write is forgotten: one that comes during a
    /// refresh is followed by another.
    pub fn after_writes(debounce: Duration, max_delay: Duration) -> Self {
        NEVER.or_after_writes(debounce, max_delay)
    }

    /// Also as [`every`](Schedule::every).
    #[must_use]
    pub fn or_every(mut self, period: Duration) -> Self {
        self.every = Some(period);
        self
    }

    /// Also as [`cron`](Schedule::cron).
    ///
    /// # Errors
    /// As there.
    pub fn or_cron(mut self, expression: &str) -> Result<Self> {
        self.cron = Some(Cron::parse(expression)?);
        Ok(self)
    }

    /// Also as [`after_writes`](Schedule::after_writes).
    #[must_use]
    pub fn or_after_writes(mut self, debounce: Duration, max_delay: Duration) -> Self {
        self.after = Some(AfterWrites {
            debounce,
            max_delay: max_delay.max(debounce),
        });
        self
    }

    /// Its refreshes are [`concurrently`](crate::database::Refresh::concurrently).
    #[must_use]
    pub fn concurrently(mut self) -> Self {
        self.concurrently = true;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.every {
            Some(Duration::ZERO) => Err(Error::configuration(
                "the period of a view is zero, so it would be refreshed all the time",
            )
            .with_hint("some seconds are usual")),
            _ => Ok(()),
        }
    }
}
