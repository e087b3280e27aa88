//! Other processes that use the same database: they are told of every write, and tell of theirs.
//!
//! A write is told twice, as it is to the own cache. *Before* it can be seen the others hear that it begins; from then on
//! they read its rows from the database and keep nothing of them. *After* it they hear that it ended, before the writer's
//! own call returns. If a writer dies in between, the others count the write as one of which nobody knows how it ended.
//! What is left is the time that a notice takes to arrive, and that nobody can tell that he has not been told: a
//! connection counts as lost when one's own voice is not heard in it, and whoever is not connected keeps nothing.
//! Once connected again he forgets what he knew, and if he has written meanwhile, tells the others to forget as well.
//!
//! Where the server keeps rows too (see `tier`), the same notices close them there.
//!
//! Where things are: what is told in `notice`, the servers behind the traits of `link`, the task that keeps the connection,
//! speaks and listens in `session`.
pub(crate) mod link;
pub(crate) mod notice;
mod session;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use self::{
    link::{Link, Speaker, Times},
    notice::{Notice, Step},
    session::Session,
};
use super::{Inner, stats::count};
use crate::{
    executor::written::{PendingWrites, Settled, Told, Write},
    observe::CacheEventKind,
};

/// A handle among those that share a database.
pub(super) struct Processes {
    /// Who it is to the others.
    id: u64,
    next: AtomicU64,
    times: Times,
    outbox: mpsc::UnboundedSender<Parcel>,
    /// There while the connection is.
    speaker: RwLock<Option<Arc<dyn Speaker>>>,
    /// Whether something was not told that had to be.
    missed: AtomicBool,
    task: JoinHandle<()>,
    pub(super) figures: Figures,
}

/// A notice on its way out.
struct Parcel {
    notice: Notice,
    done: oneshot::Sender<()>,
}

/// Figures that grow.
#[derive(Debug, Default)]
pub(super) struct Figures {
    told: AtomicU64,
    heard: AtomicU64,
    lost: AtomicU64,
    pub(super) tier_hits: AtomicU64,
    pub(super) tier_misses: AtomicU64,
    pub(super) tier_waits: AtomicU64,
    pub(super) tier_failures: AtomicU64,
}

/// What a handle has told others and heard from them, and what it has found in the second tier, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedFigures {
    /// Whether there is a connection now. If not, nothing is kept, and everything is read from the database.
    pub is_connected: bool,
    /// Notices told.
    pub told: u64,
    /// Notices heard from others.
    pub heard: u64,
    /// How often the connection was lost.
    pub lost: u64,
    /// Rows found in the second tier.
    pub tier_hits: u64,
    /// Rows that were not there.
    pub tier_misses: u64,
    /// Rows that somebody else loaded meanwhile, and that were waited for.
    pub tier_waits: u64,
    /// Questions to the second tier without an answer in time; the database was asked instead.
    pub tier_failures: u64,
}

impl Processes {
    /// Joins the others. Returns after the first attempt to connect, whatever came of it: until there is a connection
    /// nothing is kept.
    pub(super) async fn join(cache: &Arc<Inner>, link: Box<dyn Link>, times: Times) {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let (ready, tried) = oneshot::channel();
        cache.tables.begin_all();
        let session = Session::new(Arc::downgrade(cache), link, times, inbox);
        let processes = Self {
            id: uuid::Uuid::new_v4().as_u64_pair().1,
            next: AtomicU64::new(0),
            times,
            outbox,
            speaker: RwLock::default(),
            missed: AtomicBool::new(false),
            task: tokio::spawn(async move {
                // Not before the cache knows of it.
                if let Ok(ready) = tried.await {
                    session.run(ready).await;
                }
            }),
            figures: Figures::default(),
        };
        if cache.processes.set(processes).is_err() {
            return cache.tables.end_all(None);
        }
        let (first, attempted) = oneshot::channel::<()>();
        if ready.send(first).is_ok() {
            // The attempt has a time-out of its own. Dropped is tried as well.
            let _ = attempted.await;
        }
    }

    /// Tells that `writes` are about to happen.
    pub(super) fn begin(&self, cache: &Inner, writes: &[Write]) -> Telling {
        let mut notice = Notice::about(writes, |name| cache.tables.dependents(name));
        notice.write = self.next.fetch_add(1, Relaxed);
        Telling {
            begun: self.tell(notice.clone()),
            notice,
        }
    }

    /// Hands a notice to the task that tells it; nothing if there is no connection.
    fn tell(&self, mut notice: Notice) -> Option<oneshot::Receiver<()>> {
        notice.from = self.id;
        let (done, told) = oneshot::channel();
        // Held until the parcel is in the queue: whoever takes the speaker away finds it there.
        let speaker = self.speaker.read().unwrap_or_else(PoisonError::into_inner);
        let sent = speaker.is_some() && self.outbox.send(Parcel { notice, done }).is_ok();
        if !sent {
            self.missed.store(true, Relaxed);
            return None;
        }
        Some(told)
    }

    /// The connection, while there is one.
    pub(super) fn speaker(&self) -> Option<Arc<dyn Speaker>> {
        self.speaker
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// For how long others wait for the one who loads a row, and for the server.
    pub(super) fn times(&self) -> Times {
        self.times
    }

    /// Tells what is still to be told, and leaves. The cache stays closed.
    pub(super) async fn leave(&self, cache: &Inner) {
        if let Some(told) = self.tell(Notice::new(Step::Alive)) {
            let _ = tokio::time::timeout(self.times.timeout, told).await;
        }
        self.task.abort();
        let speaker = self.lock_speaker().take();
        if speaker.is_some() {
            cache.connected(false);
        }
    }

    fn lock_speaker(&self) -> RwLockWriteGuard<'_, Option<Arc<dyn Speaker>>> {
        self.speaker.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read_figures(&self) -> SharedFigures {
        let figures = &self.figures;
        SharedFigures {
            is_connected: self.speaker().is_some(),
            told: figures.told.load(Relaxed),
            heard: figures.heard.load(Relaxed),
            lost: figures.lost.load(Relaxed),
            tier_hits: figures.tier_hits.load(Relaxed),
            tier_misses: figures.tier_misses.load(Relaxed),
            tier_waits: figures.tier_waits.load(Relaxed),
            tier_failures: figures.tier_failures.load(Relaxed),
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes")
            .field("id", &self.id)
            .field("speaker", &self.speaker())
            .finish_non_exhaustive()
    }
}

/// A write that others were told of.
pub(super) struct Telling {
    notice: Notice,
    begun: Option<oneshot::Receiver<()>>,
}

/// Writes that the own cache and the others were told of. Dropped, they are told that nobody knows.
pub(super) struct SharedWrites {
    cache: Arc<Inner>,
    own: Option<Box<dyn PendingWrites>>,
    telling: Telling,
}

impl SharedWrites {
    pub(super) fn new(cache: Arc<Inner>, own: Box<dyn PendingWrites>, telling: Telling) -> Self {
        Self {
            cache,
            own: Some(own),
            telling,
        }
    }

    fn tell(&self, step: Step) -> Told {
        let processes = self.cache.processes.get()?;
        until_told(processes.tell(self.telling.notice.at(step)))
    }
}

impl PendingWrites for SharedWrites {
    fn announced(&mut self) -> Told {
        until_told(self.telling.begun.take())
    }

    fn end(mut self: Box<Self>, settled: Settled) -> Told {
        let step = match settled {
            Settled::Kept | Settled::TakenBack => Step::End,
            Settled::Unknown => Step::Doubt,
        };
        // The others first: what takes time is on its way while the own cache is put in order.
        let told = self.tell(step);
        if let Some(own) = self.own.take() {
            drop(own.end(settled));
        }
        told
    }
}

impl Drop for SharedWrites {
    fn drop(&mut self) {
        if self.own.is_some() {
            drop(self.tell(Step::Doubt));
        }
    }
}

/// Resolves when the notice was told, or it is known that it cannot be.
fn until_told(told: Option<oneshot::Receiver<()>>) -> Told {
    let told = told?;
    Some(Box::pin(async move {
        let _ = told.await;
    }))
}

impl Inner {
    /// What a row's write of another process does here: as if it were an own one.
    fn heard_of(self: &Arc<Self>, notice: &Notice) -> Box<dyn PendingWrites> {
        let entity = |name: &str| {
            let state = self.tables.state(name);
            self.caches_of(&state).first().map(|rows| rows.table)
        };
        let writes = notice.writes(entity);
        Box::new(super::write_through::Pending::begin(
            Arc::clone(self),
            writes,
        ))
    }

    /// Takes note that the connection to the others is there, or is not.
    fn connected(&self, is_connected: bool) {
        if is_connected {
            // Nobody told of what the others have written meanwhile.
            self.mark(Settled::Kept);
        }
        match is_connected {
            true => self.tables.end_all(None),
            false => self.tables.begin_all(),
        }
        let kind = match is_connected {
            true => CacheEventKind::Connected,
            false => CacheEventKind::Disconnected,
        };
        self.tell("", kind);
    }
}

fn lost(processes: &Processes) {
    count(&processes.figures.lost);
}

/// How long a waiter sleeps before it asks again, the `attempt`th time.
fn pause(attempt: u32, most: Duration) -> Duration {
    let pause = Duration::from_millis(50) * 2_u32.saturating_pow(attempt.min(10));
    pause
        .min(most)
        .mul_f64(0.5 + 0.5 * crate::pool::random_fraction())
}
