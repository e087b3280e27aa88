//! Budgets of statements for HTTP requests, as a layer for tower. Feature `tower`.
//!
//! Each request is a [`Scope`]. When its response is there, the statements are counted: more than the budget are warned
//! of while developing, counted in production, and a failure in tests. The response's `Server-Timing` header
//! (<https://www.w3.org/TR/server-timing/>) says how long the database took, so that a browser's network panel shows it.
//! Statements that a streamed body sends after its headers are not seen.
use std::{
    fmt,
    fmt::Write as _,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{Alarm, Event, Observer, Recorded, Rules, Scope};

/// How many statements of one request are kept; the others are only counted.
const KEPT: usize = 10_000;

static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What happens when a request sends more statements than its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverBudget {
    /// It is warned of by `tracing` (target `entourage::budget`), counted and told to the observers.
    Warn,
    /// It is counted and told to the observers.
    Count,
    /// The request's future panics, with the statements and what to do: for tests that call the service themselves.
    Fail,
}

/// Among a response's extensions: how many statements its request was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// The budget.
    pub statements: usize,
}

/// A layer that gives each request a budget of statements.
///
/// ```
/// use entourage::observe::{OverBudget, QueryBudget};
/// use http::{Request, Response};
/// use tower_layer::Layer;
/// # use std::convert::Infallible;
/// # use tower_service::Service;
/// # #[derive(Clone)] struct Hello;
/// # impl Service<Request<String>> for Hello {
/// #     type Response = Response<String>;
/// #     type Error = Infallible;
/// #     type Future = std::future::Ready<Result<Response<String>, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
/// #         std::task::Poll::Ready(Ok(()))
/// #     }
/// #     fn call(&mut self, _: Request<String>) -> Self::Future {
/// #         std::future::ready(Ok(Response::new("hello".into())))
/// #     }
/// # }
/// # #[tokio::main]
/// # async fn main() {
/// let budget = QueryBudget::new(10);
/// let mut service = budget.layer(Hello);
/// let response = service.call(Request::new(String::new())).await.unwrap();
/// let timing = response.headers()["server-timing"].to_str().unwrap();
/// assert!(timing.starts_with("db;dur=0.0;desc=\"0 statements\""), "{timing}");
/// assert_eq!(budget.exceeded(), 0);
/// # }
/// ```
///
/// With axum it goes where every layer goes: `router.layer(QueryBudget::new(10))`, or on one route with a budget of its
/// own.
#[derive(Clone)]
pub struct QueryBudget(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    budget: usize,
    over: OverBudget,
    server_timing: bool,
    alarm: Option<Arc<Alarm>>,
    observers: Vec<Arc<dyn Observer>>,
    exceeded: Arc<AtomicU64>,
}

impl QueryBudget {
    /// A budget of `statements` for each request; BEGIN, COMMIT and schema statements are not counted. Beyond it, debug
    /// builds [`Warn`](OverBudget::Warn) and release builds [`Count`](OverBudget::Count).
    pub fn new(statements: usize) -> Self {
        Self(Arc::new(Settings {
            budget: statements,
            over: match cfg!(debug_assertions) {
                true => OverBudget::Warn,
                false => OverBudget::Count,
            },
            server_timing: true,
            alarm: None,
            observers: Vec::new(),
            exceeded: Arc::default(),
        }))
    }

    /// What happens when a request sends more.
    #[must_use]
    pub fn when_exceeded(self, over: OverBudget) -> Self {
        self.with(|settings| settings.over = over)
    }

    /// Whether responses get a `Server-Timing` header; they do unless set. It tells anybody who asks how long the
    /// database took.
    #[must_use]
    pub fn server_timing(self, set: bool) -> Self {
        self.with(|settings| settings.server_timing = set)
    }

    /// Has `alarm` review each request for N+1 queries.
    #[must_use]
    pub fn alarm(self, alarm: Arc<Alarm>) -> Self {
        self.with(|settings| settings.alarm = Some(alarm))
    }

    /// Tells `observer` of each request that exceeds the budget.
    #[must_use]
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        self.with(|settings| settings.observers.push(observer))
    }

    /// How many requests have exceeded it.
    pub fn exceeded(&self) -> u64 {
        self.0.exceeded.load(Ordering::Relaxed)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Debug for QueryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryBudget")
            .field("budget", &self.0.budget)
            .field("over", &self.0.over)
            .field("exceeded", &self.exceeded())
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for QueryBudget {
    type Service = Budgeted<S>;

    fn layer(&self, inner: S) -> Budgeted<S> {
        Budgeted {
            inner,
            settings: Arc::clone(&self.0),
        }
    }
}

/// A service whose requests have a budget, see [`QueryBudget`].
#[derive(Clone)]
pub struct Budgeted<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S: fmt::Debug> fmt::Debug for Budgeted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgeted")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

type Responding<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for Budgeted<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Responding<Response<R>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let scope = Scope::new().with_limit(KEPT);
        let settings = Arc::clone(&self.settings);
        let asked = format!("{} {}", request.method(), request.uri().path());
        let response = scope.run_blocking(|| self.inner.call(request));
        Box::pin(async move {
            let response = scope.run(response).await;
            settings.review(&scope, &asked);
            let mut response = response?;
            response.extensions_mut().insert(Allowed {
                statements: settings.budget,
            });
            if settings.server_timing {
                let timing = timing(&scope);
                response.headers_mut().append(&SERVER_TIMING, timing);
            }
            Ok(response)
        })
    }
}

impl Settings {
    fn review(&self, scope: &Scope, request: &str) {
        if let Some(alarm) = &self.alarm {
            alarm.review(scope);
        }
        let statements = scope.count();
        if statements <= self.budget {
            return;
        }
        self.exceeded.fetch_add(1, Ordering::Relaxed);
        let budget = self.budget;
        for observer in &self.observers {
            observer.on_event(&Event::BudgetExceeded {
                request,
                budget,
                statements,
            });
        }
        match self.over {
            OverBudget::Count => {}
            OverBudget::Warn => tracing::warn!(
                target: "entourage::budget",
                { budget, statements },
                "{request} sent {statements} statements, over its budget of {budget}{}",
                details(scope),
            ),
            OverBudget::Fail => panic!(
                "{request} sent {statements} statements, over its budget of {budget}{}",
                details(scope)
            ),
        }
    }
}

/// What was sent, and what was repeated.
fn details(scope: &Scope) -> String {
    let mut details = format!("\n{}", scope.report());
    for found in scope.n_plus_ones(&Rules::default()) {
        let _ = write!(details, "\n{found}");
    }
    details
}

/// `db;dur=12.3;desc="7 statements", db-wait;dur=0.1, db-prepared;desc="6 of 7", db-cache;desc="3 of 4"`
fn timing(scope: &Scope) -> HeaderValue {
    let statements = scope.statements();
    let sum = |part: fn(&Recorded) -> Duration| -> f64 {
        let sum: Duration = statements.iter().map(part).sum();
        sum.as_secs_f64() * 1_000.0
    };
    let count = scope.count();
    let mut timing = format!(
        "db;dur={:.1};desc=\"{count} statement{}\", db-wait;dur={:.1}",
        sum(|run| run.execute + run.decode),
        if count == 1 { "" } else { "s" },
        sum(|run| run.wait),
    );
    let prepared: Vec<_> = statements.iter().filter_map(|run| run.prepared).collect();
    if !prepared.is_empty() {
        let hits = prepared.iter().filter(|hit| **hit).count();
        let _ = write!(
            timing,
            ", db-prepared;desc=\"{hits} of {}\"",
            prepared.len()
        );
    }
    let (hits, misses) = (scope.cache_hits(), scope.cache_misses());
    if hits + misses > 0 {
        let _ = write!(timing, ", db-cache;desc=\"{hits} of {}\"", hits + misses);
    }
    HeaderValue::from_str(&timing).expect("digits and letters make a header")
}
