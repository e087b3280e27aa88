//! When the next refresh of a view is due: a state that is told of time and writes. It does nothing itself.
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::schedule::Schedule;
use crate::pool::random_fraction;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// How often the clock on the wall is looked at: it may be set, and a machine may sleep.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A moment by both clocks: the one that tasks sleep by, and the one on the wall.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) time: DateTime<Utc>,
}

impl Now {
    pub(super) fn read() -> Self {
        Self {
            instant: Instant::now(),
            time: Utc::now(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Agenda {
    schedule: Schedule,
    every_at: Option<Instant>,
    /// By the clock on the wall.
    cron_at: Option<DateTime<Utc>>,
    /// The first and the last write that no refresh has seen.
    unseen: Option<(Instant, Instant)>,
    /// How many writes were told of.
    noted: u64,
    /// How many there were when the refresh began that runs.
    at_begin: u64,
    /// When that was.
    began: DateTime<Utc>,
    retry_at: Option<Instant>,
    failures: u32,
}

impl Agenda {
    /// An agenda of now, when there were `writes`.
    pub(super) fn new(schedule: Schedule, writes: u64, now: Now) -> Self {
        let mut agenda = Self {
            schedule,
            every_at: None,
            cron_at: None,
            unseen: None,
            noted: writes,
            at_begin: writes,
            began: now.time,
            retry_at: None,
            failures: 0,
        };
        agenda.plan(now);
        agenda
    }

    /// When to look again, whether it is due by then or not.
    pub(super) fn look_at(&self, now: Now) -> Option<Instant> {
        let look = now.instant + LOOK_EVERY;
        let due = self.due(now)?;
        Some(match self.cron_at {
            Some(_) => due.min(look),
            None => due,
        })
    }

    pub(super) fn is_due(&self, now: Now) -> bool {
        self.due(now).is_some_and(|due| due <= now.instant)
    }

    /// When to refresh, as far as is known now.
    pub(super) fn due(&self, now: Now) -> Option<Instant> {
        // After a failure everything waits.
        if self.retry_at.is_some() {
            return self.retry_at;
        }
        let debounced = self
            .unseen
            .zip(self.schedule.after)
            .and_then(|((first, last), after)| {
                // What lies beyond all time never comes.
                let quiet = last.checked_add(after.debounce);
                let latest = first.checked_add(after.max_delay);
                quiet.into_iter().chain(latest).min()
            });
        let cron_at = self.cron_at.and_then(|at| {
            let wait = at.signed_duration_since(now.time);
            now.instant.checked_add(wait.to_std().unwrap_or_default())
        });
        [self.every_at, cron_at, debounced]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether a write was not refreshed for.
    pub(super) fn is_pending(&self) -> bool {
        self.unseen.is_some()
    }

    /// Nobody knows what was written before.
    pub(super) fn doubt(&mut self, now: Now) {
        self.unseen = Some((now.instant, now.instant));
    }

    /// So many writes there were until now.
    pub(super) fn written(&mut self, writes: u64, now: Now) {
        if writes == self.noted || self.schedule.after.is_none() {
            return;
        }
        self.noted = writes;
        let first = self.unseen.map_or(now.instant, |(first, _)| first);
        self.unseen = Some((first, now.instant));
    }

    /// A refresh begins, which sees so many writes.
    pub(super) fn begins(&mut self, writes: u64, now: Now) {
        self.at_begin = writes;
        self.began = now.time;
    }

    /// It succeeded.
    pub(super) fn succeeded(&mut self, now: Now) {
        self.retry_at = None;
        self.failures = 0;
        self.unseen = None;
        self.noted = self.at_begin;
        self.plan(now);
    }

    /// It failed; how long to wait, and how often it did.
    pub(super) fn failed(&mut self, now: Now) -> (Duration, u32) {
        self.failures = self.failures.saturating_add(1);
        let doubled = 2_u32.saturating_pow(self.failures - 1);
        let longest = FIRST_DELAY.saturating_mul(doubled).min(LONGEST_DELAY);
        let delay = longest.mul_f64(1.0 - random_fraction() / 2.0);
        self.retry_at = Some(now.instant + delay);
        (delay, self.failures)
    }

    /// The next turns of the clock.
    fn plan(&mut self, now: Now) {
        self.every_at = self.schedule.every.and_then(|period| {
            let early = period.mul_f64(random_fraction() / 10.0);
            now.instant.checked_add(period.saturating_sub(early))
        });
        // A time that came while it was refreshed is not passed over.
        let cron = self.schedule.cron.as_ref();
        self.cron_at = cron.and_then(|cron| cron.next(self.began));
    }
}
