//! Transactions: a handle over one pooled connection.
//!
//! A [`Transaction`] is owned and cheap to clone, so that it can go into closures and tasks; its statements run one
//! after the other. It ends by [`commit`](Transaction::commit), by [`rollback`](Transaction::rollback), or is rolled back
//! when its last clone is dropped, before anybody else gets the connection. Inside it [`begin`](Transaction::begin) makes
//! a savepoint, with the same rules.
//!
//! ```
//! # use entourage::{Database, Error, prelude::*, transaction::Retry};
//! # #[derive(Debug, Clone, Entity)]
//! # #[entity(table = "accounts")]
//! # struct Account { #[entity(primary_key)] id: i64, balance: i64 }
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! # let db = Database::connect("sqlite::memory:").await?;
//! # db.create_schema::<Account>().await?;
//! # AccountRepository::new(&db).insert(NewAccount { id: 1, balance: 20 }).await?;
//! // Run again after a conflict or a deadlock; committed if it gives `Ok`, else rolled back.
//! let withdraw = db.transaction().retry(Retry::default()).run(|tx| async move {
//!     let accounts = AccountRepository::new(&tx);
//!     let mut account = accounts.filter(Account::ID.eq(1)).for_update().one().await?;
//!     account.balance -= 5;
//!     Ok::<_, Error>(accounts.update(&account).await?.balance)
//! });
//! assert_eq!(withdraw.await?, 15);
//! # Ok(()) }
//! ```
//!
//! Cancellation: a future dropped in the middle of a statement ends the transaction, on every database: the next
//! statement fails, and the connection is rolled back or closed. Dropped during COMMIT, the outcome is not known.
pub mod advisory;
mod builder;
mod deadline;
mod executor;
pub mod hooks;
mod monitor;
pub mod options;
pub mod retry;
mod session;
mod shared;
#[cfg(test)]
mod tests;
pub(crate) mod writes;

use std::{
    fmt,
    panic::Location,
    sync::{
        Arc, Mutex as SyncMutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::{
    driver::Outcome,
    error::{Error, ErrorKind, Result},
    executor::{
        sharding::Seat,
        written::{Write, WriteListener, told},
    },
    observe::Observers,
    pool::Pool,
    statement::Statement,
};
use deadline::Deadline;
use monitor::Monitor;
use options::TransactionOptions;
use session::{Session, Turn};
use shared::{Core, Level, RunHooks, place, settled};

pub use advisory::AdvisoryKey;
pub use builder::TransactionBuilder;
pub use hooks::End;
pub use options::{AccessMode, IsolationLevel, TransactionMode};
pub use retry::Retry;

/// Where transactions begin: the pool and the observers of a database handle.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) pool: Pool,
    pub(crate) observers: Arc<Observers>,
    /// Those of the server, which know what it is; the handle's own, if it has one server.
    pub(crate) server: Arc<Observers>,
    /// Which shard it is, if it is one of several.
    pub(crate) seat: Option<Arc<Seat>>,
    /// Told of what is committed.
    pub(crate) listener: Option<Arc<dyn WriteListener>>,
    /// Who looks for another server, if there may be one.
    leader: Option<Arc<dyn Leader>>,
    monitor: Monitor,
}

/// Whoever knows which of several servers takes the writes.
pub(crate) trait Leader: Send + Sync + fmt::Debug {
    /// A transaction that may write met `error`.
    fn failed(&self, error: &Error);
}

impl Origin {
    pub(crate) fn new(pool: Pool, observers: Arc<Observers>) -> Self {
        Self {
            pool,
            monitor: Monitor::new(Arc::clone(&observers)),
            server: Arc::clone(&observers),
            observers,
            seat: None,
            listener: None,
            leader: None,
        }
    }

    /// The same, for a server that is known by observers of its own.
    pub(crate) fn known_as(self, server: Arc<Observers>) -> Self {
        Self { server, ..self }
    }

    /// The same, as one shard of several.
    pub(crate) fn seated(self, seat: Option<Arc<Seat>>) -> Self {
        Self { seat, ..self }
    }

    /// The same, with somebody who is told of what is committed.
    pub(crate) fn told_to(self, listener: Arc<dyn WriteListener>) -> Self {
        Self {
            listener: Some(listener),
            ..self
        }
    }

    /// The same on another server, which has `pool` and `observers`, as long as `leader` says so.
    pub(crate) fn on(&self, pool: &Pool, server: &Arc<Observers>, leader: Arc<dyn Leader>) -> Self {
        Self {
            pool: pool.clone(),
            server: Arc::clone(server),
            leader: Some(leader),
            ..self.clone()
        }
    }
}

/// How long a transaction may take, and after how long it is told of.
#[derive(Debug, Clone, Copy)]
struct Limits {
    deadline: Option<Deadline>,
    warn_after: Duration,
}

/// A transaction, or a savepoint inside one. Clones are the same transaction.
///
/// Dropped without [`commit`](Transaction::commit), it is rolled back.
#[derive(Clone)]
pub struct Transaction {
    core: Arc<Core>,
    level: Arc<Level>,
}

impl Transaction {
    async fn start(
        origin: Origin,
        options: TransactionOptions,
        limits: Limits,
        begun: &'static Location<'static>,
    ) -> Result<Self> {
        let shard = origin.server.target().shard.clone();
        let on_shard = |error: Error| match &shard {
            Some(shard) => error.on_shard(shard),
            None => error,
        };
        let starting = Self::start_now(origin, options, limits, begun);
        let Some(deadline) = limits.deadline else {
            return starting.await.map_err(on_shard);
        };
        let started = deadline.limit(starting).await.map_err(on_shard)?;
        let enforcer = deadline.enforce(Arc::downgrade(&started.core));
        started.core.enforcer.get_or_init(|| enforcer);
        Ok(started)
    }

    async fn start_now(
        origin: Origin,
        options: TransactionOptions,
        limits: Limits,
        begun: &'static Location<'static>,
    ) -> Result<Self> {
        let pool = &origin.pool;
        let mut script = options
            .script(pool.dialect(), pool.has_readers())
            .map_err(|error| error.at(begun))?;
        let read_only = options.access == AccessMode::ReadOnly;
        // A transaction that only reads is refused writes by any server.
        let leader = origin.leader.clone().filter(|_| !read_only);
        let connection = pool
            .acquire(script.access, begun)
            .await
            .inspect_err(|error| {
                if let Some(leader) = &leader {
                    leader.failed(error);
                }
            })?;
        if let Some(deadline) = limits.deadline {
            script.limit_statements(pool.dialect(), deadline.remaining());
        }
        let watched = origin.monitor.watch(limits.warn_after, begun);
        let place = place(&origin);
        let session = Session::begin(connection, &script, watched, leader, place, begun).await?;
        let core = Arc::new(Core {
            session: Mutex::new(session),
            origin,
            read_only,
            isolation: options.isolation,
            locks_database: script.locks_database,
            deadline: limits.deadline,
            enforcer: OnceLock::new(),
            abandoned: SyncMutex::default(),
            turn: Notify::new(),
            hooks: hooks::Hooks::default(),
            writes: writes::Writes::default(),
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
    ///
    /// # Cancellation
    /// Of a future dropped midway nobody knows whether the changes were made.
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
                    core.writes.hand_up(id, outer);
                    core.hooks.hand_up(id, outer);
                    Ok(())
                }
                Err(error) => {
                    core.rolled_back(id);
                    Err(error)
                }
            };
        }
        let mut pending = core.begin_writes();
        if let Some(pending) = &mut pending {
            told(pending.announced()).await;
        }
        let committed = session
            .commit(core.place(), core.read_only, call_site)
            .await
            .map_err(|error| error.at(call_site));
        let end = session.end_if_dropped();
        drop(session);
        core.left();
        let ended = pending.and_then(|pending| pending.end(settled(end)));
        core.turn.notify_waiters();
        let hooks = RunHooks { core, end };
        told(ended).await;
        drop(hooks);
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
        core.rolled_back(id);
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
            let place = self.core.place();
            let result = match self.core.deadline {
                None => session.script(sql, place, call_site).await,
                Some(deadline) => {
                    let sent = deadline.limit(session.script(sql, place, call_site));
                    let result = sent.await;
                    self.core.past_deadline(session, call_site).await;
                    result.map_err(|error| error.at(call_site))
                }
            };
            self.core.note(self.level.id, vec![Write::Anything]);
            result
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

    /// Who is told of what happens in it.
    pub(crate) fn observers(&self) -> &Arc<Observers> {
        &self.core.origin.observers
    }

    /// Takes note of what `statement` has written.
    fn note(&self, statement: &Statement, result: &Result<Outcome>) {
        if !statement.plan.kind.is_read() {
            Write::ran(statement, result);
            self.core.note(self.level.id, Write::of(statement));
        }
    }

    /// The session, when it is this level's turn, if there is time left.
    async fn session(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<MutexGuard<'_, Session>> {
        let Some(deadline) = &self.core.deadline else {
            return self.session_in_turn(call_site).await;
        };
        if deadline.has_passed() && self.core.expire(call_site).await {
            return Err(deadline.error().at(call_site));
        }
        deadline.limit(self.session_in_turn(call_site)).await
    }

    /// The session, when it is this level's turn and every abandoned savepoint is rolled back.
    async fn session_in_turn(
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
            self.core.rolled_back(id);
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

fn savepoint_open(begun: &'static Location<'static>, limit: Duration) -> Error {
    let (file, line) = (begun.file(), begun.line());
    Error::new(
        ErrorKind::Timeout,
        format!("the savepoint begun at {file}:{line} did not end within {limit:?}"),
    )
    .with_hint("send the statement on the savepoint's own handle, or end the savepoint first")
}
