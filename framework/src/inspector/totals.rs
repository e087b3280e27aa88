//! What one database did since the inspector listens, over all requests and beside them.
use std::{
    collections::HashMap,
    panic::Location,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::buckets::Buckets;
use crate::{
    observe::{Event, Observer, PoolEventKind, StatementEvent},
    statement::{Fingerprint, Plan, StatementKind},
};

/// How many texts are kept; then the one that took the least time goes for a new one.
const MOST_TEXTS: usize = 300;

/// An observer that adds up.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// The shard that it is about, if it is one of several: observers hear all of them.
    shard: Option<Box<str>>,
    state: Mutex<State>,
    /// Nanoseconds spent on it, and for how many events.
    spent: AtomicU64,
    events: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    texts: HashMap<Fingerprint, Total>,
    forgotten: u64,
    waits: Buckets,
}

/// What all runs of one text took.
#[derive(Debug, Clone)]
pub(super) struct Total {
    pub(super) sql: String,
    pub(super) kind: StatementKind,
    pub(super) table: String,
    /// Of the latest run.
    pub(super) call_site: &'static Location<'static>,
    pub(super) times: Buckets,
    pub(super) errors: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) prepared: u64,
}

impl Totals {
    /// Of a database, or of that shard of it.
    pub(super) fn of(shard: Option<&str>) -> Self {
        Self {
            shard: shard.map(Into::into),
            ..Self::default()
        }
    }

    /// The texts, those that took the most time first, and how many were forgotten.
    pub(super) fn top(&self) -> (Vec<Total>, u64) {
        let state = self.lock();
        let (mut texts, forgotten) = (
            state.texts.values().cloned().collect::<Vec<_>>(),
            state.forgotten,
        );
        drop(state);
        texts.sort_by_key(|total| std::cmp::Reverse(total.times.sum()));
        (texts, forgotten)
    }

    /// How long callers waited for connections.
    pub(super) fn waits(&self) -> Buckets {
        self.lock().waits.clone()
    }

    /// How long it took to add up, and how many events were heard.
    pub(super) fn spent(&self) -> (Duration, u64) {
        let nanos = self.spent.load(Ordering::Relaxed);
        (
            Duration::from_nanos(nanos),
            self.events.load(Ordering::Relaxed),
        )
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Totals {
    fn on_event(&self, event: &Event<'_>) {
        let began = Instant::now();
        let target = match event {
            Event::Statement(run) => run.target,
            Event::Pool(pool) => pool.target,
            _ => return,
        };
        if target.shard.as_deref() != self.shard.as_deref() {
            return;
        }
        match event {
            Event::Statement(run) if counts(run.statement.plan.kind) => self.lock().add(run),
            Event::Pool(pool) => match pool.kind {
                PoolEventKind::Acquired { wait } => self.lock().waits.record(wait),
                _ => return,
            },
            _ => return,
        }
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.spent.fetch_add(nanos, Ordering::Relaxed);
        self.events.fetch_add(1, Ordering::Relaxed);
    }
}

fn counts(kind: StatementKind) -> bool {
    !matches!(
        kind,
        StatementKind::Transaction | StatementKind::Schema | StatementKind::Explain
    )
}

impl State {
    fn add(&mut self, run: &StatementEvent<'_>) {
        let fingerprint = run.fingerprint();
        if !self.texts.contains_key(&fingerprint) && self.texts.len() >= MOST_TEXTS {
            self.forget();
        }
        let total = self
            .texts
            .entry(fingerprint)
            .or_insert_with(|| Total::of(run));
        total.call_site = run.statement.call_site;
        total.times.record(run.execute + run.decode);
        total.errors += u64::from(run.error.is_some());
        total.rows += run.rows;
        total.bytes += run.bytes;
        total.prepared += u64::from(run.prepared == Some(true));
    }

    fn forget(&mut self) {
        let least = self.texts.iter().min_by_key(|(_, total)| total.times.sum());
        if let Some((&fingerprint, _)) = least {
            self.texts.remove(&fingerprint);
            self.forgotten += 1;
        }
    }
}

impl Total {
    fn of(run: &StatementEvent<'_>) -> Self {
        let plan: &Arc<Plan> = &run.statement.plan;
        Self {
            sql: plan.normalized(run.dialect).to_owned(),
            kind: plan.kind,
            table: plan.table().to_owned(),
            call_site: run.statement.call_site,
            times: Buckets::default(),
            errors: 0,
            rows: 0,
            bytes: 0,
            prepared: 0,
        }
    }
}
