//! Tells of N+1 queries in production: seldom, and only when it is sure.
//!
//! One scope is a request, a job, a message. When it ends, its log is reviewed. The first time that a repetition is
//! seen, nobody can tell whether it is one statement a row or a fixed number of look-ups; so it is told only when the
//! statement was repeated for the rows of another one, or when its count was seen to change from scope to scope.
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Event, NPlusOne, Observer, Rules, Scope, StatementLog, detector::place};
use crate::statement::Fingerprint;

/// How many different repetitions are remembered; the one not seen for longest is forgotten first.
const REMEMBERED: usize = 1_000;

/// How many statements of one scope are kept for review.
const KEPT: usize = 10_000;

/// Reviews scopes and warns of N+1 queries: one warning per statement, call site and interval, with the count, the time
/// lost and the fix, by `tracing` (target `entourage::n_plus_one`) and as [`Event::NPlusOne`] to its observers.
///
/// ```
/// # use std::time::Duration;
/// # use entourage::{Database, observe::{Alarm, Rules}, prelude::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # let handle_message = async { db.sql("SELECT 1", args![]).fetch::<(i64,)>().await };
/// let alarm = Alarm::new(Rules::default().threshold(10)).every(Duration::from_secs(600));
/// alarm.watch(handle_message).await?;
/// # Ok(()) }
/// ```
pub struct Alarm {
    rules: Rules,
    interval: Duration,
    observers: Vec<Arc<dyn Observer>>,
    seen: Mutex<HashMap<(Fingerprint, String), Seen>>,
}

/// What is known of one repetition.
#[derive(Debug)]
struct Seen {
    least: usize,
    most: usize,
    /// How often it was found since it was told last.
    times: u64,
    time: Duration,
    told: Option<Instant>,
    last: Instant,
}

impl Alarm {
    /// An alarm that takes for an N+1 what `rules` say, and tells of each once a minute.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            interval: Duration::from_secs(60),
            observers: Vec::new(),
            seen: Mutex::default(),
        }
    }

    /// Tells of each statement and call site at most once in `interval`.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Tells `observer` too.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Runs `future` in a scope of its own and reviews it. Dropped before its end, nothing is reviewed.
    pub async fn watch<F: Future>(&self, future: F) -> F::Output {
        let scope = Scope::new().with_limit(KEPT);
        let output = scope.run(future).await;
        self.review(&scope);
        output
    }

    /// Warns of what is in the log of a scope that has ended; gives what it warned of.
    pub fn review(&self, log: &StatementLog) -> Vec<NPlusOne> {
        let mut told = Vec::new();
        for found in log.n_plus_ones(&self.rules) {
            if let Some((times, time)) = self.note(&found, Instant::now()) {
                self.tell(&found, times, time);
                told.push(found);
            }
        }
        told
    }

    /// Remembers what was found. How often it was found and the time lost since it was told last, if it is to be told
    /// now.
    fn note(&self, found: &NPlusOne, now: Instant) -> Option<(u64, Duration)> {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (found.fingerprint, place(found.call_site));
        if all.len() >= REMEMBERED && !all.contains_key(&key) {
            let oldest = all.iter().min_by_key(|(_, seen)| seen.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                all.remove(&oldest);
            }
        }
        let seen = all.entry(key).or_insert_with(|| Seen {
            least: found.count,
            most: found.count,
            times: 0,
            time: Duration::ZERO,
            told: None,
            last: now,
        });
        seen.least = seen.least.min(found.count);
        seen.most = seen.most.max(found.count);
        seen.times += 1;
        seen.time += found.time;
        seen.last = now;
        let sure = found.parents.is_some() || seen.least != seen.most;
        let due = seen
            .told
            .is_none_or(|told| now.saturating_duration_since(told) >= self.interval);
        (sure && due).then(|| {
            seen.told = Some(now);
            (
                std::mem::take(&mut seen.times),
                std::mem::take(&mut seen.time),
            )
        })
    }

    fn tell(&self, found: &NPlusOne, times: u64, time: Duration) {
        let call_site = found.call_site;
        tracing::warn!(
            target: "entourage::n_plus_one",
            {
                db.query.text = %found.sql,
                db.collection.name = %found.table,
                code.file.path = call_site.file(),
                code.line.number = call_site.line(),
                count = found.count,
                times,
                time_lost = ?time,
            },
            "{} statements where one would do, at {}; {}",
            found.count,
            place(call_site),
            found.fix(),
        );
        for observer in &self.observers {
            observer.on_event(&Event::NPlusOne { found, times });
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm")
            .field("rules", &self.rules)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
