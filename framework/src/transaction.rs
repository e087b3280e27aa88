//! Transactions: a handle over one pooled connection.
//!
//! A [`Transaction`] is owned and cheap to clone, so that it can go into closures and tasks; its statements run one
//! after the other. It ends by [`commit`](Transaction::commit), by [`rollback`](Transaction::rollback), or is rolled back
//! when its last clone is dropped, before anybody else gets the connection. Inside it [`begin`](Transaction::begin) makes
//! a savepoint, with the same rules.
//!
//! Cancellation: a future dropped in the middle of a statement ends the transaction, on every database: the next
//! statement fails, and the connection is rolled back or closed. Dropped during COMMIT, the outcome is not known.
mod builder;
pub mod hooks;
pub mod options;
pub mod retry;
mod session;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    panic::Location,
    sync::{
        Arc, Mutex as SyncMutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    executor::{
        AtomicScope, Executor, ExecutorHandle, IntoExecutor,
        watch::{self, Place, Watch},
    },
    observe::Observers,
    pool::Pool,
    statement::Statement,
};
use options::TransactionOptions;
use session::{Session, Turn};

pub use builder::TransactionBuilder;
pub use hooks::End;
pub use options::{AccessMode, IsolationLevel, TransactionMode};
pub use retry::Retry;

/// Where transactions begin: the pool and the observers of a database handle.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) pool: Pool,
    pub(crate) observers: Arc<Observers>,
}

/// A transaction, or a savepoint inside one. Clones are the same transaction.
///
/// Dropped without [`commit`](Transaction::commit), it is rolled back.
#[derive(Clone)]
pub struct Transaction {
    core: Arc<Core>,
    level: Arc<Level>,
}

/// What all levels of one transaction share.
struct Core {
    session: Mutex<Session>,
    origin: Origin,
    read_only: bool,
    /// Savepoints whose handles were dropped; whoever has the session next rolls them back.
    abandoned: SyncMutex<Vec<u32>>,
    /// Told when a savepoint ends.
    turn: Notify,
    hooks: hooks::Hooks,
}

/// The transaction itself (0) or a savepoint of it.
struct Level {
    core: Arc<Core>,
    id: u32,
    over: AtomicBool,
    begun: &'static Location<'static>,
}

impl Transaction {
    async fn start(
        origin: Origin,
        options: TransactionOptions,
        begun: &'static Location<'static>,
    ) -> Result<Self> {
        let pool = &origin.pool;
        let script = options
            .script(pool.dialect(), pool.has_readers())
            .map_err(|error| error.at(begun))?;
        let connection = pool.acquire(script.access, begun).await?;
        let place = place(&origin);
        let session = Session::begin(connection, &script, place, begun).await?;
        let core = Arc::new(Core {
            session: Mutex::new(session),
            origin,
            read_only: options.access == AccessMode::ReadOnly,
            abandoned: SyncMutex::default(),
            turn: Notify::new(),
            hooks: hooks::Hooks::default(),
        });
        Ok(Self::level(core, 0, begun))
    }

    fn level(core: Arc<Core>, id: u32, begun: &'static Location<'static>) -> Self {
        let level = Arc::new(Level {
            core: Arc::clone(&core),
            id,
            over: AtomicBool::new(false),
            begun,
        });
        Self { core, level }
    }

    /// Begins a savepoint. Until it ends, statements of the levels around it wait, and fail after the pool's acquire
    /// timeout.
    ///
    /// # Errors
    /// The database's refusal; [`TransactionAborted`](ErrorKind::TransactionAborted) after an error that the database
    /// does not go on from.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction>> + Send + use<> {
        let (outer, begun) = (self.clone(), Location::caller());
        async move { outer.nested(begun).await }
    }

    async fn nested(&self, begun: &'static Location<'static>) -> Result<Self> {
        let mut session = self.session(begun).await?;
        let id = session.begin_savepoint(self.core.place(), begun).await?;
        drop(session);
        Ok(Self::level(Arc::clone(&self.core), id, begun))
    }

    /// Makes the changes permanent; those of a savepoint, as far as the transaction around it is.
    ///
    /// # Errors
    /// [`AmbiguousCommit`](ErrorKind::AmbiguousCommit) if the connection was lost meanwhile: the changes may or may not
    /// be there. After any other error nothing is kept: a conflict or a deferred constraint that the database reports
    /// only now, or [`TransactionAborted`](ErrorKind::TransactionAborted) if an error was passed over that the database
    /// does not go on from.
    #[track_caller]
    pub fn commit(self) -> impl Future<Output = Result<()>> + Send + use<> {
        let call_site = Location::caller();
        async move { self.commit_at(call_site).await }
    }

    async fn commit_at(self, call_site: &'static Location<'static>) -> Result<()> {
        let core = &*self.core;
        let mut session = self.session(call_site).await?;
        if self.level.id != 0 {
            let id = self.level.id;
            let released = session
                .release_savepoint(id, core.place(), call_site)
                .await
                .map_err(|error| error.at(call_site));
            self.level.over.store(true, Ordering::Release);
            drop(session);
            core.turn.notify_waiters();
            return match released {
                Ok(outer) => {
                    core.hooks.hand_up(id, outer);
                    Ok(())
                }
                Err(error) => {
                    core.hooks.run(id, End::RolledBack);
                    Err(error)
                }
            };
        }
        let committed = session
            .commit(core.place(), core.read_only, call_site)
            .await
            .map_err(|error| error.at(call_site));
        let end = session.end_if_dropped();
        drop(session);
        core.turn.notify_waiters();
        core.hooks.run(0, end);
        committed
    }

    /// Takes the changes back.
    ///
    /// # Errors
    /// The transaction has ended already, or a savepoint inside it is still open. A connection lost meanwhile is none:
    /// the server takes the changes back then.
    #[track_caller]
    pub fn rollback(self) -> impl Future<Output = Result<()>> + Send + use<> {
        let call_site = Location::caller();
        async move { self.rollback_at(call_site).await }
    }

    async fn rollback_at(self, call_site: &'static Location<'static>) -> Result<()> {
        let core = &*self.core;
        let mut session = self.session(call_site).await?;
        let (id, place) = (self.level.id, core.place());
        let rolled_back = match id {
            0 => session.roll_back(place, call_site).await,
            _ => session.roll_back_savepoint(id, place, call_site).await,
        };
        self.level.over.store(true, Ordering::Release);
        drop(session);
        core.turn.notify_waiters();
        core.hooks.run(id, End::RolledBack);
        rolled_back
    }

    /// Rolls the whole transaction back, whatever is open inside it. Whether it had met a conflict.
    async fn abandon(self, call_site: &'static Location<'static>) -> bool {
        let mut session = self.core.session.lock().await;
        let conflict = session.met_conflict();
        if session.end().is_none() {
            // Its only error is that of a lost connection, which takes everything back too.
            let _ = session.roll_back(self.core.place(), call_site).await;
        }
        let end = session.end_if_dropped();
        drop(session);
        self.core.turn.notify_waiters();
        self.core.hooks.run(0, end);
        conflict
    }

    /// Runs text of one or several statements without arguments.
    ///
    /// # Errors
    /// The database's, for the first statement that fails.
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        let call_site = Location::caller();
        async move {
            let mut session = self.session(call_site).await?;
            session.script(sql, self.core.place(), call_site).await
        }
    }

    /// Calls `hook` once the transaction is committed, after the hooks registered before. Inside a savepoint: if it and
    /// everything around it is kept. A panic in it is logged and keeps no other hook from running.
    pub fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        self.after_end(|end| {
            if end == End::Committed {
                hook();
            }
        });
    }

    /// Calls `hook` once the changes of this level are taken back, as [`after_commit`](Transaction::after_commit).
    pub fn after_rollback(&self, hook: impl FnOnce() + Send + 'static) {
        self.after_end(|end| {
            if end == End::RolledBack {
                hook();
            }
        });
    }

    /// Calls `hook` once it is known how the changes of this level ended, even if nobody knows.
    pub fn after_end(&self, hook: impl FnOnce(End) + Send + 'static) {
        self.core.hooks.add(self.level.id, Box::new(hook));
    }

    /// The session, when it is this level's turn and every abandoned savepoint is rolled back.
    async fn session(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<MutexGuard<'_, Session>> {
        let waiting = async {
            loop {
                let ended = self.core.turn.notified();
                tokio::pin!(ended);
                ended.as_mut().enable();
                match self.try_session(call_site).await? {
                    Ok(session) => return Ok(session),
                    Err(_) => ended.await,
                }
            }
        };
        let begun = match self.try_session(call_site).await? {
            Ok(session) => return Ok(session),
            Err(begun) => begun,
        };
        let limit = self.core.origin.pool.acquire_timeout();
        match tokio::time::timeout(limit, waiting).await {
            Ok(session) => session,
            Err(_) => Err(savepoint_open(begun, limit).at(call_site)),
        }
    }

    /// The session, or where the savepoint was begun that must end first.
    async fn try_session(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Result<MutexGuard<'_, Session>, &'static Location<'static>>> {
        let mut session = self.core.session.lock().await;
        for id in self.core.take_abandoned() {
            session
                .roll_back_savepoint(id, self.core.place(), call_site)
                .await?;
            self.core.hooks.run(id, End::RolledBack);
        }
        if self.level.over.load(Ordering::Acquire) {
            return Err(session::ended(session.end()).at(call_site));
        }
        match session.turn(self.level.id) {
            Turn::Mine => Ok(Ok(session)),
            Turn::Waits(begun) => Ok(Err(begun)),
            Turn::Over => Err(session::ended(session.end()).at(call_site)),
        }
    }
}

impl Core {
    fn place(&self) -> Place<'_> {
        place(&self.origin)
    }

    fn take_abandoned(&self) -> Vec<u32> {
        let mut abandoned = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *abandoned)
    }
}

fn place(origin: &Origin) -> Place<'_> {
    Place {
        observers: &origin.observers,
        dialect: origin.pool.dialect(),
        in_transaction: true,
    }
}

fn savepoint_open(begun: &'static Location<'static>, limit: Duration) -> Error {
    let (file, line) = (begun.file(), begun.line());
    Error::new(
        ErrorKind::Timeout,
        format!("the savepoint begun at {file}:{line} did not end within {limit:?}"),
    )
    .with_hint("send the statement on the savepoint's own handle, or end the savepoint first")
}

impl Drop for Level {
    fn drop(&mut self) {
        if self.id == 0 || self.over.load(Ordering::Acquire) {
            return;
        }
        let mut abandoned = self
            .core
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        abandoned.push(self.id);
        drop(abandoned);
        self.core.turn.notify_waiters();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let end = self.session.get_mut().end_if_dropped();
        self.hooks.run(0, end);
    }
}

#[async_trait]
impl Executor for Transaction {
    fn dialect(&self) -> Dialect {
        self.core.origin.pool.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.core.origin.pool.capabilities()
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let mut watch = Watch::start(self.core.place(), statement);
        let result = match self.session(statement.call_site).await {
            Ok(mut session) => {
                watch.sent();
                session.run(statement, sink).await
            }
            Err(error) => Err(error),
        };
        watch.ended(result)
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        let mut watch = Watch::start(self.core.place(), statement);
        let result = match self.session(statement.call_site).await {
            Ok(mut session) => {
                watch.sent();
                session.stream(statement, sender).await
            }
            Err(error) => Err(error),
        };
        watch.ended(result)
    }

    fn in_transaction(&self) -> bool {
        true
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        Ok(Box::new(self.nested(call_site).await?))
    }

    fn warn(&self, message: &str) {
        watch::warn(&self.core.origin.observers, message);
    }
}

#[async_trait]
impl AtomicScope for Transaction {
    fn executor(&self) -> &dyn Executor {
        self
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let call_site = self.level.begun;
        self.commit_at(call_site).await
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        let call_site = self.level.begun;
        self.rollback_at(call_site).await
    }
}

impl<'a> IntoExecutor<'a> for &'a Transaction {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(self)
    }
}

impl<'a> IntoExecutor<'a> for &'a &Transaction {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(*self)
    }
}

impl<'a> IntoExecutor<'a> for Transaction {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::shared(self)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("begun", &format_args!("{}", self.level.begun))
            .field("savepoint", &self.level.id)
            .finish_non_exhaustive()
    }
}
