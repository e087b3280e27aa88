//! Scopes: what one task, and the tasks it spawns through them, runs.
//!
//! A scope belongs to the task, not to the database handle, so that tests and requests that share a handle stay apart.
//! Scopes nest: a statement is recorded in every scope around it. A statement belongs to the scopes that its task was in
//! when it was asked for, wherever its future ends.
use std::{
    future::Future,
    ops::Deref,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::task::JoinHandle;

use super::{Arguments, CacheEventKind, Observers, Recorded, StatementLog, recorded::DatabaseId};
use crate::statement::Statement;

tokio::task_local! {
    static CURRENT: Arc<Node>;
}

/// How many scopes are run and how many handles are recorded now: with none, nobody has to look for one.
static LISTENING: AtomicUsize = AtomicUsize::new(0);

/// The recordings of database handles.
static RECORDINGS: RwLock<Vec<(DatabaseId, Arc<StatementLog>)>> = RwLock::new(Vec::new());

/// A log of the statements that are run within [`Scope::run`].
///
/// Cheap to clone; clones are the same scope.
///
/// ```
/// # use entourage::{Database, observe::Scope, prelude::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let db = Database::connect("sqlite::memory:").await?;
/// let scope = Scope::new();
/// scope
///     .run(async {
///         db.sql("SELECT 1", args![]).fetch::<(i64,)>().await?;
///         // A task of its own needs to be told.
///         let (db, inner) = (db.clone(), scope.clone());
///         let task = scope.spawn(async move {
///             db.sql("SELECT 2", args![]).fetch::<(i64,)>().await
///         });
///         task.await.expect("the task does not panic")
///     })
///     .await?;
/// db.sql("SELECT 3", args![]).fetch::<(i64,)>().await?;
/// assert_eq!(scope.count(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Scope {
    log: Arc<StatementLog>,
    only: Option<DatabaseId>,
}

/// A scope and those around it.
#[derive(Debug)]
struct Node {
    scope: Scope,
    outer: Option<Arc<Node>>,
}

impl Scope {
    /// A scope that records everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope that records the statements of the handle that has `observers`, and of connections that are lent.
    pub fn only(observers: &Observers) -> Self {
        Self {
            only: Some(DatabaseId::of(observers)),
            ..Self::default()
        }
    }

    /// The same, with a log that keeps `limit` statements and only counts the rest.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.log = Arc::new(StatementLog::with_limit(limit));
        self
    }

    /// The same, with an empty log that keeps the arguments of statements that read ([`Recorded::arguments`]), as far as
    /// they are no larger than 16 KiB for each statement: to ask the database about them again.
    #[must_use]
    pub fn keeping_arguments(mut self) -> Self {
        self.log = Arc::new(self.log.keeping_arguments());
        self
    }

    /// The innermost scope that the task is in.
    pub fn current() -> Option<Self> {
        current().map(|node| node.scope.clone())
    }

    /// Runs `future` within the scope, and within those that the task is in already.
    ///
    /// Tasks that it spawns are outside, unless they are spawned by [`Scope::spawn`] or [`spawn`].
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        let node = self.enter();
        let _listening = Listening::new();
        CURRENT.scope(node, future).await
    }

    /// Runs `call` within the scope: for what blocks on a runtime of its own.
    pub fn run_blocking<T>(&self, call: impl FnOnce() -> T) -> T {
        let node = self.enter();
        let _listening = Listening::new();
        CURRENT.sync_scope(node, call)
    }

    /// Spawns `future` as a task within the scope, and within those that the spawning task is in.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (node, listening) = (self.enter(), Listening::new());
        tokio::spawn(async move {
            let _listening = listening;
            CURRENT.scope(node, future).await
        })
    }

    fn enter(&self) -> Arc<Node> {
        let outer = current();
        match outer {
            Some(outer) if outer.holds(self) => outer,
            outer => Arc::new(Node {
                scope: self.clone(),
                outer,
            }),
        }
    }
}

/// The log of what was run within the scope.
impl Deref for Scope {
    type Target = Arc<StatementLog>;

    fn deref(&self) -> &Self::Target {
        &self.log
    }
}

/// Spawns `future` as a task within the scopes that this task is in, if any: `tokio::spawn` for code that is to be
/// counted.
///
/// # Panics
/// Outside a tokio runtime.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match Scope::current() {
        Some(scope) => scope.spawn(future),
        None => tokio::spawn(future),
    }
}

/// What a scope can be about: a database handle, or [`Everything`].
pub trait Observed {
    /// A new scope for it.
    fn scope(&self) -> Scope;
}

/// Every database handle, and connections that are lent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everything;

impl Observed for Everything {
    fn scope(&self) -> Scope {
        Scope::new()
    }
}

impl<T: Observed + ?Sized> Observed for &T {
    fn scope(&self) -> Scope {
        (**self).scope()
    }
}

impl<T: Observed + ?Sized> Observed for Arc<T> {
    fn scope(&self) -> Scope {
        (**self).scope()
    }
}

impl Node {
    fn holds(&self, scope: &Scope) -> bool {
        let mut node = Some(self);
        while let Some(inner) = node {
            if Arc::ptr_eq(&inner.scope.log, &scope.log) {
                return true;
            }
            node = inner.outer.as_deref();
        }
        false
    }
}

fn current() -> Option<Arc<Node>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Who hears of a statement besides the observers: the scopes of the task that asks for it, the recordings of the
/// handle.
#[derive(Debug)]
pub(crate) struct Listeners {
    node: Option<Arc<Node>>,
    recordings: Vec<Arc<StatementLog>>,
}

impl Listeners {
    /// Those that listen now; `None` if nobody does.
    #[inline]
    pub(crate) fn now(database: Option<DatabaseId>) -> Option<Self> {
        match LISTENING.load(Ordering::Acquire) {
            0 => None,
            _ => Self::find(database),
        }
    }

    fn find(database: Option<DatabaseId>) -> Option<Self> {
        let node = current();
        let list = RECORDINGS.read().unwrap_or_else(PoisonError::into_inner);
        let recordings: Vec<_> = list
            .iter()
            .filter(|(id, _)| Some(*id) == database)
            .map(|(_, log)| Arc::clone(log))
            .collect();
        (node.is_some() || !recordings.is_empty()).then_some(Self { node, recordings })
    }

    /// Tells them of `run`, which was `statement`.
    pub(crate) fn tell(&self, mut run: Recorded, statement: &Statement) {
        if self.nodes().any(|node| node.scope.log.keeps_arguments()) {
            run.arguments = Arguments::of(statement);
        }
        self.push(&run);
    }

    fn note_cache(&self, database: DatabaseId, kind: CacheEventKind) {
        for log in &self.recordings {
            log.note_cache(kind);
        }
        for Node { scope, .. } in self.nodes() {
            if scope.only.is_none_or(|only| only == database) {
                scope.log.note_cache(kind);
            }
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.node.as_deref(), |node| node.outer.as_deref())
    }

    fn push(&self, run: &Recorded) {
        for log in &self.recordings {
            log.push(run);
        }
        for Node { scope, .. } in self.nodes() {
            // A connection that is lent belongs to no handle, and to every scope.
            if scope.only.is_none() || run.database.is_none() || scope.only == run.database {
                scope.log.push(run);
            }
        }
    }
}

/// Tells those that listen now what the result cache of a handle has answered.
#[inline]
pub(crate) fn note_cache(observers: &Observers, kind: CacheEventKind) {
    let database = DatabaseId::of(observers);
    if let Some(listeners) = Listeners::now(Some(database)) {
        listeners.note_cache(database, kind);
    }
}

/// Counts as somebody who listens, while it lives.
#[derive(Debug)]
struct Listening;

impl Listening {
    fn new() -> Self {
        LISTENING.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A log that hears everything of one handle, while this lives.
#[derive(Debug)]
pub(super) struct Registered {
    log: Arc<StatementLog>,
    _listening: Listening,
}

impl Registered {
    pub(super) fn new(database: DatabaseId, log: &Arc<StatementLog>) -> Self {
        let mut list = RECORDINGS.write().unwrap_or_else(PoisonError::into_inner);
        list.push((database, Arc::clone(log)));
        Self {
            log: Arc::clone(log),
            _listening: Listening::new(),
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut list = RECORDINGS.write().unwrap_or_else(PoisonError::into_inner);
        list.retain(|(_, log)| !Arc::ptr_eq(log, &self.log));
    }
}
