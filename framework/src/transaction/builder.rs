//! What `db.transaction()` returns: options, then `begin` or `run`.
use std::{
    panic::Location,
    time::{Duration, Instant},
};

use super::{
    AccessMode, Deadline, IsolationLevel, Limits, Origin, Retry, Transaction, TransactionMode,
    TransactionOptions, retry::is_conflict,
};
use crate::{
    error::{Error, Result},
    executor::watch,
    observe::TransactionStep,
};

/// After how long an open transaction is told of, unless the program says otherwise.
const WARN_AFTER: Duration = Duration::from_secs(5);

/// A transaction to be begun.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `begin` or `run` is awaited"]
pub struct TransactionBuilder {
    origin: Origin,
    options: TransactionOptions,
    retry: Retry,
    deadline: Option<Duration>,
    warn_after: Duration,
    call_site: &'static Location<'static>,
}

impl TransactionBuilder {
    pub(crate) fn new(origin: Origin, call_site: &'static Location<'static>) -> Self {
        Self {
            origin,
            options: TransactionOptions::default(),
            retry: Retry::never(),
            deadline: None,
            warn_after: WARN_AFTER,
            call_site,
        }
    }

    /// How far it is kept apart from others; the database's own default unless set. A level that the database does not
    /// have is refused when the transaction begins.
    pub fn isolation(mut self, level: IsolationLevel) -> Self {
        self.options.isolation = Some(level);
        self
    }

    /// Whether it may write.
    pub fn access(mut self, access: AccessMode) -> Self {
        self.options.access = access;
        self
    }

    /// It only reads; the database refuses writes. On an SQLite file it runs beside the writer.
    pub fn read_only(self) -> Self {
        self.access(AccessMode::ReadOnly)
    }

    /// Waits for a moment at which it can neither fail by a conflict nor hold others up: PostgreSQL only, for
    /// serializable transactions that only read.
    pub fn deferrable(mut self) -> Self {
        self.options.deferrable = true;
        self
    }

    /// When it takes its lock: SQLite only.
    pub fn mode(mut self, mode: TransactionMode) -> Self {
        self.options.mode = Some(mode);
        self
    }

    /// Runs the whole transaction again after a conflict; only [`run`](TransactionBuilder::run) can.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// How long the whole may take: the wait for a connection, every attempt, and what the program does in between.
    ///
    /// When the time is over, the statement that runs is given up, the transaction is rolled back even if nothing more
    /// is asked of it, and every later call fails with a [`Timeout`](crate::ErrorKind::Timeout) that names the line
    /// where it began. A COMMIT on its way is not given up: nobody would know how it ended. The program's own code is
    /// not stopped; it learns of the deadline at its next call. PostgreSQL is told the time too, as
    /// `statement_timeout`; MySQL may first finish what it was doing.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use entourage::{Database, transaction::Retry};
    /// # #[tokio::main]
    /// # async fn main() -> entourage::Result<()> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// let transaction = db
    ///     .transaction()
    ///     .retry(Retry::default())
    ///     .deadline(Duration::from_secs(2));
    /// transaction
    ///     .run(|tx| async move { tx.execute_script("CREATE TABLE notes (id INTEGER)").await })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// After how long observers and tracing (target `entourage::transaction`) are warned, once, of a transaction that
    /// is still open: 5 s unless set. The warning names the line where it began and that of its last statement.
    /// [`Duration::MAX`] is never.
    pub fn warn_after(mut self, open: Duration) -> Self {
        self.warn_after = open;
        self
    }

    /// Begins it; the handle must be committed, or it is rolled back when it is dropped.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an option that the database does not have; a
    /// [`Timeout`](crate::ErrorKind::Timeout) or connection error; the database's refusal.
    pub async fn begin(self) -> Result<Transaction> {
        let limits = self.limits();
        Transaction::start(self.origin, self.options, limits, self.call_site).await
    }

    /// The limits of a transaction that begins now.
    fn limits(&self) -> Limits {
        let deadline = self.deadline;
        Limits {
            deadline: deadline.and_then(|limit| Deadline::after(limit, self.call_site)),
            warn_after: self.warn_after,
        }
    }

    /// Runs `work` in a transaction: committed if it returns `Ok`, rolled back if it returns an error, panics or is
    /// dropped. With [`retry`](TransactionBuilder::retry) it is called again after a conflict, in a new transaction, so
    /// what it does outside the database it may do more than once.
    ///
    /// # Errors
    /// Those of `work`, of the last attempt; those of [`begin`](TransactionBuilder::begin) and
    /// [`Transaction::commit`].
    ///
    /// # Cancellation
    /// Dropped midway it is rolled back, unless COMMIT was on its way: of that nobody knows the outcome.
    pub async fn run<T, E, Fut>(
        self,
        mut work: impl FnMut(Transaction) -> Fut + Send,
    ) -> Result<T, E>
    where
        T: Send,
        E: From<Error> + Send,
        Fut: Future<Output = Result<T, E>> + Send,
    {
        let began = Instant::now();
        let limits = self.limits();
        let mut attempt = 1;
        loop {
            let (error, conflict) = match self.attempt(limits, &mut work).await {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            let delay = match conflict {
                true => self.retry.delay(attempt, began.elapsed()),
                false => None,
            };
            let in_time = |delay: &Duration| {
                limits
                    .deadline
                    .is_none_or(|deadline| *delay < deadline.remaining())
            };
            let Some(delay) = delay.filter(in_time) else {
                return Err(error);
            };
            tracing::debug!(target: "entourage::transaction", attempt, ?delay, "conflict, running it again");
            let step = TransactionStep::Retry { attempts: attempt };
            let (observers, target) = (&self.origin.observers, self.origin.server.target());
            watch::tell_step(observers, target, step, delay, None, self.call_site);
            drop(error);
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    /// One attempt; the error says whether it met a conflict.
    async fn attempt<T, E, Fut>(
        &self,
        limits: Limits,
        work: &mut (impl FnMut(Transaction) -> Fut + Send),
    ) -> Result<T, (E, bool)>
    where
        T: Send,
        E: From<Error> + Send,
        Fut: Future<Output = Result<T, E>> + Send,
    {
        let dialect = self.origin.pool.dialect();
        let origin = self.origin.clone();
        let begun = Transaction::start(origin, self.options, limits, self.call_site).await;
        let tx = match begun {
            Ok(tx) => tx,
            Err(error) => {
                let conflict = is_conflict(dialect, &error);
                return Err((error.into(), conflict));
            }
        };
        match work(tx.clone()).await {
            Ok(value) => {
                let handle = tx.clone();
                let Err(error) = tx.commit_at(self.call_site).await else {
                    return Ok(value);
                };
                let conflict = handle.abandon(self.call_site).await;
                Err((error.into(), conflict))
            }
            Err(error) => Err((error, tx.abandon(self.call_site).await)),
        }
    }
}
