//! Concurrent single writes that share a transaction.
//!
//! One task takes what callers have queued and writes it together, while the next writes queue up. Where something in a
//! batch is refused, the batch is taken back and its halves are tried, until what is refused stands alone.
use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, Location},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{NewEntity, delete::delete_row, insert::insert_rows, update_many::update_many};
use crate::{
    database::Database,
    error::{Error, ErrorKind, Result},
    executor::Executor,
    schema::{Entity, Key, Value, Writable},
};

/// How many writes share a transaction, unless the user says otherwise.
const MAX_BATCH: usize = 500;
const LARGEST_BATCH: usize = 65_536;

/// What a batch waits at most.
const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

/// Writes rows of one entity, those of concurrent callers in common transactions: a commit, and on a server its round
/// trips, are paid once for all of them. Each caller gets its own result. Cheap to clone; the batcher ends with its last
/// clone.
///
/// Writes of one batch happen together: updates first, then inserts, then deletes. Statements run on the batcher's own
/// task: recordings of the database handle count them, scopes of the callers do not; with read replicas, they leave their
/// marks in the session of the handle that the batcher was made with.
///
/// ```
/// # use entourage::{Database, prelude::*};
/// # #[derive(Debug, Clone, Entity)]
/// # #[entity(table = "events")]
/// # struct Event { #[entity(primary_key, generated)] id: i64, name: String }
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.create_schema::<Event>().await?;
/// use entourage::repository::WriteBatcher;
///
/// let events = WriteBatcher::<Event>::builder(&db).start();
/// // In as many handlers and tasks as there are.
/// let (one, two) = tokio::try_join!(
///     events.insert(NewEvent { name: "opened".into() }),
///     events.insert(NewEvent { name: "closed".into() }),
/// )?;
/// assert_ne!(one.id, two.id);
/// # Ok(()) }
/// ```
pub struct WriteBatcher<E> {
    queue: mpsc::Sender<Queued<E>>,
}

impl<E: Entity> WriteBatcher<E> {
    /// A batcher to be started.
    pub fn builder(db: &Database) -> WriteBatcherBuilder<E>
    where
        E: Writable,
    {
        WriteBatcherBuilder {
            db: db.clone(),
            max_batch: MAX_BATCH,
            max_delay: Duration::ZERO,
            entity: std::marker::PhantomData,
        }
    }

    /// Inserts a row and returns it, as [`Repository::insert`](super::Repository::insert).
    ///
    /// # Errors
    /// What the row itself is refused for; what all writes of its batch failed by: a lost connection, a time-out, a lock
    /// that is not had in time. Of a row
    /// that cannot be read back ([`Decode`](ErrorKind::Decode)), or a conversion that panics, nobody knows but the
    /// database whether it was written. [`Closed`](ErrorKind::Closed) if the runtime is shutting down.
    ///
    /// # Cancellation
    /// A future dropped midway may or may not have inserted the row. Others are not touched by it.
    #[track_caller]
    pub fn insert<N: NewEntity<Entity = E>>(
        &self,
        new: N,
    ) -> impl Future<Output = Result<E>> + Send + use<E, N> {
        let row = new.into_values();
        self.queue(move |answer| Write::Insert(row, answer))
    }

    /// Writes all columns of `entity`, as [`Repository::update`](super::Repository::update).
    ///
    /// # Errors
    /// As [`insert`](WriteBatcher::insert); [`Stale`](ErrorKind::Stale) if the row has another version or is gone, or
    /// [`NotFound`](ErrorKind::NotFound).
    ///
    /// # Cancellation
    /// As [`insert`](WriteBatcher::insert).
    #[track_caller]
    pub fn update(&self, entity: &E) -> impl Future<Output = Result<E>> + Send + use<E> {
        let entity = entity.clone();
        self.queue(move |answer| Write::Update(entity, answer))
    }

    /// Deletes the row with this key; whether there was one. As [`Repository::delete`](super::Repository::delete).
    ///
    /// # Errors
    /// As [`insert`](WriteBatcher::insert).
    ///
    /// # Cancellation
    /// As [`insert`](WriteBatcher::insert).
    #[track_caller]
    pub fn delete<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<bool>> + Send + use<E, K> {
        let key = key.into().to_values();
        self.queue(move |answer| Write::Delete(key, answer))
    }

    #[track_caller]
    fn queue<T, W>(&self, write: W) -> impl Future<Output = Result<T>> + Send + use<E, T, W>
    where
        T: Send,
        W: FnOnce(Answer<T>) -> Write<E> + Send,
    {
        let call_site = Location::caller();
        let queue = self.queue.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let write = write(answer);
            let ended = || {
                Error::new(ErrorKind::Closed, "the write batcher's task has ended").at(call_site)
            };
            let queued = queue.send(Queued { write, call_site }).await;
            queued.map_err(|_| ended())?;
            answered.await.map_err(|_| ended())?
        }
    }
}

impl<E> Clone for WriteBatcher<E> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
        }
    }
}

impl<E> fmt::Debug for WriteBatcher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBatcher")
            .field("room", &self.queue.capacity())
            .finish_non_exhaustive()
    }
}

/// A [`WriteBatcher`] to be started.
#[must_use = "it is started by `.start()`"]
pub struct WriteBatcherBuilder<E> {
    db: Database,
    max_batch: usize,
    max_delay: Duration,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: Entity> WriteBatcherBuilder<E> {
    /// At most so many writes in one transaction: 500 by default, at least 1 and at most 65,536. Twice as many may wait;
    /// further callers wait for room.
    pub fn max_batch(mut self, writes: usize) -> Self {
        self.max_batch = writes.clamp(1, LARGEST_BATCH);
        self
    }

    /// How long a write waits for others, at most. None by default: a batch is what came while the one before was written,
    /// and a write that is alone does not wait. An hour at most.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay.min(LONGEST_DELAY);
        self
    }

    /// Starts its task.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(self) -> WriteBatcher<E> {
        let (queue, queued) = mpsc::channel(self.max_batch * 2);
        tokio::spawn(work(self, queued));
        WriteBatcher { queue }
    }
}

impl<E> fmt::Debug for WriteBatcherBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBatcherBuilder")
            .field("max_batch", &self.max_batch)
            .field("max_delay", &self.max_delay)
            .finish_non_exhaustive()
    }
}

type Answer<T> = oneshot::Sender<Result<T>>;

/// A write, and who waits for it.
enum Write<E> {
    Insert(Vec<Option<Value>>, Answer<E>),
    Update(E, Answer<E>),
    /// Of the row with this key.
    Delete(Vec<Value>, Answer<bool>),
}

/// How a write ended.
enum Done<E> {
    Row(E),
    Deleted(bool),
}

struct Queued<E> {
    write: Write<E>,
    call_site: &'static Location<'static>,
}

impl<E> Queued<E> {
    /// Tells the caller, unless it is gone.
    fn end(self, done: Result<Done<E>>) {
        match (self.write, done) {
            (Write::Insert(_, answer) | Write::Update(_, answer), Ok(Done::Row(row))) => {
                drop(answer.send(Ok(row)));
            }
            (Write::Delete(_, answer), Ok(Done::Deleted(deleted))) => {
                drop(answer.send(Ok(deleted)));
            }
            (Write::Insert(_, answer) | Write::Update(_, answer), Err(error)) => {
                drop(answer.send(Err(error)));
            }
            (Write::Delete(_, answer), Err(error)) => drop(answer.send(Err(error))),
            (_, Ok(_)) => unreachable!("a deletion ends as a deletion, and all else with a row"),
        }
    }
}

async fn work<E: Entity>(settings: WriteBatcherBuilder<E>, mut queue: mpsc::Receiver<Queued<E>>) {
    let most = settings.max_batch;
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, most).await > 0 {
        let until = Instant::now() + settings.max_delay;
        while batch.len() < most && !settings.max_delay.is_zero() {
            let room = most - batch.len();
            match timeout_at(until, queue.recv_many(&mut batch, room)).await {
                Ok(received) if received > 0 => {}
                _ => break,
            }
        }
        settle(&settings.db, std::mem::take(&mut batch)).await;
    }
}

/// Writes the batch, and tells each caller.
fn settle<E: Entity>(db: &Database, mut batch: Vec<Queued<E>>) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let written = AssertUnwindSafe(write(db, &batch)).catch_unwind().await;
        let (error, concerns_all) = match written {
            Ok(Ok(done)) => {
                let pairs = batch.into_iter().zip(done);
                return pairs.for_each(|(queued, done)| queued.end(Ok(done)));
            }
            Ok(Err(error)) => {
                let concerns_all = concerns_all(&error);
                (error, concerns_all)
            }
            Err(_) => (panicked(), false),
        };
        if concerns_all || batch.len() == 1 {
            let error = Arc::new(error);
            for queued in batch {
                let call_site = queued.call_site;
                queued.end(Err(Error::shared(&error, Some(call_site))));
            }
            return;
        }
        let rest = batch.split_off(batch.len() / 2);
        settle(db, batch).await;
        settle(db, rest).await;
    })
}

/// Whether a part of the batch would fare no better.
fn concerns_all(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connection
            | ErrorKind::Authentication
            | ErrorKind::AmbiguousCommit
            | ErrorKind::Timeout
            | ErrorKind::Closed
            // Each part would wait as long again, and others behind it.
            | ErrorKind::LockNotAvailable
    ) || is_of_the_text(error)
}

/// Whether the statement could not have been run with any values. PostgreSQL's 42501 is a row policy's answer, too, and
/// SQLite's 1 that of a function that does not take a value.
fn is_of_the_text(error: &Error) -> bool {
    error.kind() == ErrorKind::Syntax && !matches!(error.code(), Some("42501" | "1"))
}

#[cold]
fn panicked() -> Error {
    let message = "a conversion of one of its values panicked while a row was written";
    Error::new(ErrorKind::Database, message)
        .with_hint("it may or may not have been written; look before you write it again")
}

/// How the writes end, in their order; all of them or none. What is alone is written as it is, and may be there though it
/// cannot be read back.
async fn write<E: Entity>(db: &Database, batch: &[Queued<E>]) -> Result<Vec<Done<E>>> {
    let call_site = batch[0].call_site;
    if batch.len() == 1 {
        return within(db, batch, call_site).await;
    }
    let scope = Executor::atomic(db, call_site).await?;
    let done = within(scope.executor(), batch, call_site).await?;
    scope.commit().await?;
    Ok(done)
}

/// Those of one kind go together.
async fn within<E: Entity>(
    executor: &dyn Executor,
    batch: &[Queued<E>],
    call_site: &'static Location<'static>,
) -> Result<Vec<Done<E>>> {
    let (mut rows, mut entities) = (Vec::new(), Vec::new());
    for queued in batch {
        match &queued.write {
            Write::Insert(row, _) => rows.push(row.clone()),
            Write::Update(entity, _) => entities.push(entity.clone()),
            Write::Delete(..) => {}
        }
    }
    let updated = match entities.is_empty() {
        true => Vec::new(),
        false => update_many(executor, &entities, call_site).await?,
    };
    let mut updated = updated.into_iter();
    let mut inserted = insert_rows::<E>(executor, rows, call_site)
        .await?
        .into_iter();
    let mut done = Vec::with_capacity(batch.len());
    for queued in batch {
        let row = match &queued.write {
            Write::Insert(..) => inserted.next(),
            Write::Update(..) => updated.next(),
            Write::Delete(key, _) => {
                let deleted = delete_row::<E>(executor, key, queued.call_site).await?;
                done.push(Done::Deleted(deleted));
                continue;
            }
        };
        let row = row.ok_or_else(|| Error::decode("a write returned no row").at(call_site))?;
        done.push(Done::Row(row));
    }
    Ok(done)
}
