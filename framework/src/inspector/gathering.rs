//! A request while it runs: what is gathered until its response is there.
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Instant, SystemTime},
};

use super::{
    figures::Figures,
    record::{Ending, Foreign, RequestRecord},
    setup::{Settings, Shared},
};
use crate::observe::{Recorded, Rules, Scope};

tokio::task_local! {
    static CURRENT: Arc<Heard>;
}

/// What was heard of statements that do not pass the framework.
#[derive(Debug, Default)]
struct Heard {
    kept: Mutex<Vec<Foreign>>,
    limit: usize,
    dropped: AtomicUsize,
}

/// Adds a statement to the request that the task answers, if it does.
pub(super) fn hear(foreign: impl FnOnce() -> Foreign) {
    // Outside a request nobody asks.
    let _ = CURRENT.try_with(|heard| {
        let mut kept = heard.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.len() < heard.limit {
            true => kept.push(foreign()),
            false => _ = heard.dropped.fetch_add(1, Ordering::Relaxed),
        }
    });
}

/// What is known of a request before it is answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) route: String,
    pub(super) path: String,
}

/// A request on its way. Dropped before [`Gathering::finish`], it is kept as cancelled.
pub(super) struct Gathering {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
    asked: Option<Asked>,
    scope: Scope,
    heard: Arc<Heard>,
    began: SystemTime,
    origin: Instant,
}

/// How it went.
pub(super) struct Answer {
    pub(super) ending: Ending,
    /// The route's name, if the response knows it better.
    pub(super) route: Option<String>,
    /// The budget that the response says it had.
    pub(super) budget: Option<usize>,
}

impl Gathering {
    pub(super) fn start(settings: Arc<Settings>, shared: Arc<Shared>, asked: Asked) -> Self {
        let limit = settings.caps.statements;
        Self {
            settings,
            shared,
            asked: Some(asked),
            scope: Scope::new().with_limit(limit).keeping_arguments(),
            heard: Arc::new(Heard {
                limit,
                ..Heard::default()
            }),
            began: SystemTime::now(),
            origin: Instant::now(),
        }
    }

    pub(super) fn enter<T>(&self, call: impl FnOnce() -> T) -> T {
        let heard = Arc::clone(&self.heard);
        CURRENT.sync_scope(heard, || self.scope.run_blocking(call))
    }

    pub(super) async fn run<F: Future>(&self, future: F) -> F::Output {
        let heard = Arc::clone(&self.heard);
        CURRENT.scope(heard, self.scope.run(future)).await
    }

    /// Keeps nothing of it.
    pub(super) fn discard(mut self) {
        self.asked = None;
    }

    pub(super) fn finish(mut self, answer: Answer) {
        self.keep(answer);
    }

    fn keep(&mut self, answer: Answer) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let ended = Instant::now();
        let statements = self.scope.statements();
        let heard = self
            .heard
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let foreign = not_ours(&heard, &statements);
        drop(heard);
        let dropped = self.scope.dropped() + self.heard.dropped.load(Ordering::Relaxed);
        let request = RequestRecord {
            id: 0,
            method: asked.method,
            route: answer.route.unwrap_or(asked.route),
            path: asked.path,
            ending: answer.ending,
            began: self.began,
            origin: self.origin,
            total: ended - self.origin,
            figures: Figures::of(&statements, &foreign, dropped),
            cache: (self.scope.cache_hits(), self.scope.cache_misses()),
            found: self.scope.n_plus_ones(&Rules::default()),
            statements,
            foreign,
            dropped,
            budget: answer.budget.or(self.settings.budget),
        };
        self.shared.ring.push(request, self.settings.caps);
        self.shared.ring.add_spent(ended.elapsed());
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        self.keep(Answer {
            ending: Ending::Cancelled,
            route: None,
            budget: None,
        });
    }
}

/// Those of sqlx's statements that the framework did not send itself, over a connection that was lent to it.
fn not_ours(foreign: &[Foreign], statements: &[Recorded]) -> Vec<Foreign> {
    let is_ours = |run: &Foreign| {
        statements.iter().any(|ours| {
            ours.database.is_none()
                && ours.normalized() == run.sql
                && ours.began <= run.began
                && run.began + run.duration <= ours.began + ours.duration
        })
    };
    foreign
        .iter()
        .filter(|run| !is_ours(run))
        .cloned()
        .collect()
}
