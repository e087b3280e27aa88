//! What the typed surface calls: start, write, look, flush, end.
mod recover;
mod shared;

use std::{
    panic::Location,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
};

use shared::Offer;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use super::{
    Settings, WhenFull,
    change::Change,
    complaint::{closed, full, left_over, no_letter, not_opened},
    dead_letter::{DeadLetter, DeadLetters},
    flusher,
    journal::{
        Journal, JournalOptions,
        folder::{Disk, Folder},
        record::{Letter, Record, Unnumbered, Write},
        recovery::Recovered,
        turns::Ticket,
    },
    keys::Keys,
    marker::Marker,
    order,
    queue::{Queue, View},
    stats::{WriteBehindStats, WriteBehindWatch},
};
use crate::{
    error::{Error, Result},
    executor::Executor,
    observe::Observers,
    pool::random_fraction,
    schema::{KeyPart, TableDef, Value},
};

/// A running queue.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    flusher: Mutex<Option<JoinHandle<()>>>,
}

/// What callers and the flusher share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) executor: Arc<dyn Executor>,
    observers: Arc<Observers>,
    pub(super) settings: Settings,
    pub(super) tables: Vec<&'static TableDef>,
    pub(super) ranks: Vec<usize>,
    pub(super) fingerprints: Vec<u64>,
    /// By table, where the database makes the keys.
    keys: Vec<Option<Arc<Keys>>>,
    pub(super) marker: Marker,
    /// Where the mark stands: behind what is committed by batches of which nothing was left to write.
    pub(super) marked: AtomicU64,
    pub(super) journal: Option<Journal>,
    state: Mutex<State>,
    /// Set under the state's lock: what is taken after it was seen there is none.
    is_closing: AtomicBool,
    /// Told when the flusher should look again.
    changed: Notify,
    /// Told when a wait after a failure should end.
    hurry: Notify,
    /// Told when there is room.
    space: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    letters: DeadLetters,
    figures: Figures,
}

#[derive(Debug, Default)]
struct Figures {
    queued: u64,
    coalesced: u64,
    flushed: u64,
    batches: u64,
    retried: u64,
    dead: u64,
    back_pressure: u64,
    last_error: Option<String>,
}

/// How far the flusher is.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    through: u64,
    /// Ends of attempts, so that each of them is a change.
    attempts: u64,
    ended: bool,
}

impl Engine {
    /// Opens the journal, asks the database how far it is, queues what is missing there, and begins to flush.
    pub(crate) async fn start(
        executor: Arc<dyn Executor>,
        observers: Arc<Observers>,
        tables: Vec<&'static TableDef>,
        settings: Settings,
        call_site: &'static Location<'static>,
    ) -> Result<Self> {
        settings.check()?;
        if settings.key_block.is_none() {
            tables.iter().try_for_each(|table| check_table(table))?;
        }
        let folder: Option<Arc<dyn Folder>> = match &settings.path {
            Some(path) => Some(Arc::new(
                Disk::open(path).map_err(|error| not_opened(path, error))?,
            )),
            None => None,
        };
        Self::start_in(executor, observers, tables, settings, folder, call_site).await
    }

    /// The same with a folder that is open already.
    pub(super) async fn start_in(
        executor: Arc<dyn Executor>,
        observers: Arc<Observers>,
        tables: Vec<&'static TableDef>,
        settings: Settings,
        folder: Option<Arc<dyn Folder>>,
        call_site: &'static Location<'static>,
    ) -> Result<Self> {
        let mut recovered = match &folder {
            Some(folder) => Journal::recover(&**folder)?,
            None => Recovered::default(),
        };
        let journal_id = *recovered.journal.get_or_insert_with(Uuid::now_v7);
        let marker = Marker {
            journal: journal_id,
            call_site,
        };
        let committed = marker
            .find(&*executor)
            .await
            .map_err(|error| error.at(call_site))?;
        let mut keys = Vec::with_capacity(tables.len());
        if let Some(block) = settings.key_block {
            for table in &tables {
                let pause = settings.first_delay;
                let opened = Keys::open(&executor, table, block, pause, call_site).await;
                keys.push(opened.map_err(|error| error.at(call_site))?);
            }
        }
        let fingerprints: Vec<u64> = tables.iter().map(|table| table.fingerprint()).collect();
        let mut state =
            State::recover(&mut recovered, &tables, &fingerprints, &settings, committed)?;
        let journal = match folder {
            Some(folder) => {
                let names = tables.iter().map(|table| table.name.to_owned());
                let options = JournalOptions {
                    durability: settings.durability(),
                    segment_bytes: settings.segment_bytes,
                    tables: fingerprints.iter().copied().zip(names).collect(),
                };
                let carry = state.letters.carry()?;
                Some(Journal::open(
                    folder, &recovered, options, carry, committed,
                )?)
            }
            None => None,
        };
        state.queue.close();
        let shared = Arc::new(Shared {
            ranks: order::ranks(&tables),
            executor,
            observers,
            settings,
            tables,
            fingerprints,
            keys,
            marker,
            marked: AtomicU64::new(committed),
            journal,
            state: Mutex::new(state),
            is_closing: AtomicBool::new(false),
            changed: Notify::new(),
            hurry: Notify::new(),
            space: Notify::new(),
            progress: watch::Sender::new(Progress {
                through: committed,
                ..Progress::default()
            }),
        });
        let flusher = tokio::spawn(flusher::run(Arc::clone(&shared)));
        Ok(Self {
            shared,
            flusher: Mutex::new(Some(flusher)),
        })
    }

    /// The position of `table`.
    pub(crate) fn position(&self, table: &TableDef) -> Option<usize> {
        self.shared.tables.iter().position(|other| other.is(table))
    }

    /// A key for a new row of a table whose keys the database makes. While the database is away and no key is in hand,
    /// it waits or fails as for a full queue.
    pub(crate) async fn key(&self, table: usize) -> Result<i64> {
        let none = || Error::configuration("no keys were reserved at the start");
        let keys = self.shared.keys.get(table);
        let keys = keys.and_then(Option::as_ref).ok_or_else(none)?;
        if self.shared.is_closing() {
            return Err(closed());
        }
        match keys.in_hand() {
            Some(key) => Ok(key),
            // On the heap, as all that seldom happens: the futures of writes are moved, and small ones faster.
            None => Box::pin(self.reserved_key(keys)).await,
        }
    }

    async fn reserved_key(&self, keys: &Arc<Keys>) -> Result<i64> {
        let shared = &self.shared;
        let backoff = shared.settings.backoff();
        let mut attempt = 0;
        loop {
            if shared.is_closing() {
                return Err(closed());
            }
            match keys.take().await {
                Err(error)
                    if error.is_connection() && shared.settings.when_full == WhenFull::Wait =>
                {
                    if attempt == 0 {
                        shared.back_pressure();
                    }
                    attempt += 1;
                    tokio::time::sleep(backoff.delay(attempt, random_fraction())).await;
                }
                taken => return taken,
            }
        }
    }

    /// Takes a change, at once if there is room; the future returns when it is as safe as the settings say.
    pub(crate) fn write(
        &self,
        table: usize,
        key: Vec<Value>,
        change: Change,
    ) -> impl Future<Output = Result<()>> + Send {
        self.write_settling(table, key, change, 0)
    }

    fn write_settling(
        &self,
        table: usize,
        key: Vec<Value>,
        change: Change,
        settles: u64,
    ) -> impl Future<Output = Result<()>> + Send {
        let offer = self.offer(table, key, change, settles);
        self.acknowledged(offer.and_then(|offer| self.shared.take(offer)))
    }

    fn offer(&self, table: usize, key: Vec<Value>, change: Change, settles: u64) -> Result<Offer> {
        let row = (table, row_key(&key)?);
        let write = Write {
            seq: 0,
            table: self.shared.fingerprints[table],
            key,
            change,
            settles,
        };
        let frame = self.shared.journal.as_ref().map(|_| Unnumbered::of(&write));
        Ok(Offer {
            row,
            frame: frame.transpose()?,
            key: write.key,
            change: write.change,
            settles,
        })
    }

    async fn acknowledged(&self, taken: Result<Result<Option<Ticket>, Box<Offer>>>) -> Result<()> {
        let ticket = match taken? {
            Ok(ticket) => ticket,
            Err(offer) => Box::pin(self.take_when_there_is_room(*offer)).await?,
        };
        match (&self.shared.journal, ticket) {
            (Some(journal), Some(ticket)) => journal.written(ticket).await,
            _ => Ok(()),
        }
    }

    /// Takes what met a full queue, or refuses it, as the settings say.
    async fn take_when_there_is_room(&self, mut offer: Offer) -> Result<Option<Ticket>> {
        let shared = &self.shared;
        shared.back_pressure();
        loop {
            if shared.settings.when_full == WhenFull::Error {
                return Err(full(shared.settings.max_pending));
            }
            let mut space = std::pin::pin!(shared.space.notified());
            space.as_mut().enable();
            offer = match shared.take(offer)? {
                Ok(ticket) => return Ok(ticket),
                Err(offer) => *offer,
            };
            space.await;
        }
    }

    /// What waits of the row with this key.
    pub(crate) fn view(&self, table: usize, key: &[Value]) -> Result<View> {
        let row = (table, row_key(key)?);
        Ok(self.shared.lock().queue.view(&row))
    }

    /// Returns when no attempt is under way that may change what [`view`](Engine::view) says.
    pub(crate) async fn settled(&self, view: impl Fn() -> Result<View>) -> Result<View> {
        let mut progress = self.shared.progress.subscribe();
        loop {
            progress.borrow_and_update();
            let view = view()?;
            if !view.unsettled || view.change.as_ref().is_some_and(Change::is_whole) {
                return Ok(view);
            }
            if progress.borrow().ended || progress.changed().await.is_err() {
                return Err(closed());
            }
        }
    }

    /// Flushes what was taken before; returns when it is in the database or among the dead letters.
    pub(crate) async fn flush(&self) -> Result<()> {
        let target = self.shared.lock().queue.close();
        self.shared.changed.notify_one();
        self.shared.hurry.notify_one();
        let mut progress = self.shared.progress.subscribe();
        let done = |progress: &Progress| progress.through >= target || progress.ended;
        let progress = progress.wait_for(done).await.map_err(|_| closed())?;
        if progress.through < target {
            return Err(closed());
        }
        Ok(())
    }

    /// Takes nothing more, flushes what there is, and ends.
    pub(crate) async fn shutdown(&self) -> Result<()> {
        let shared = &self.shared;
        shared.close();
        let flusher = self
            .flusher
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut flusher) = flusher {
            let limit = shared.settings.shutdown_timeout;
            if tokio::time::timeout(limit, &mut flusher).await.is_err() {
                flusher.abort();
                let _ = flusher.await;
                shared.ended();
            }
        }
        let (pending, committed) = {
            let state = shared.lock();
            (state.queue.pending(), state.queue.committed_through())
        };
        if shared.journal.is_some() {
            let shared = Arc::clone(shared);
            // It waits for the disk.
            let closing = move || {
                if let Some(journal) = &shared.journal {
                    shared.carry(committed);
                    journal.close();
                }
            };
            let _ = tokio::task::spawn_blocking(closing).await;
        } else if pending == 0 {
            shared.marker.remove(&*shared.executor).await?;
        }
        match pending {
            0 => Ok(()),
            pending => Err(left_over(pending, &shared.settings)),
        }
    }

    /// The figures now.
    pub(crate) fn stats(&self) -> WriteBehindStats {
        self.shared.stats()
    }

    /// The figures from now on, for one that does not keep the queue.
    pub(crate) fn watch(&self) -> WriteBehindWatch {
        WriteBehindWatch::new(&self.shared)
    }

    /// What the database refused.
    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        let state = self.shared.lock();
        let letter = |letter: &Letter| {
            let table = self.shared.table_of(letter.table)?;
            Some(DeadLetter::new(letter, table))
        };
        state.letters.iter().filter_map(letter).collect()
    }

    /// Queues a dead letter again.
    pub(crate) async fn retry(&self, id: u64) -> Result<()> {
        let letter = self.shared.lock().letters.get(id).cloned();
        let letter = letter.ok_or_else(|| no_letter(id))?;
        let table = self
            .shared
            .fingerprints
            .iter()
            .position(|&own| own == letter.table);
        let table = table.ok_or_else(|| no_letter(id))?;
        self.write_settling(table, letter.key, letter.change, id)
            .await
    }

    /// Gives a dead letter up.
    pub(crate) async fn discard(&self, id: u64) -> Result<()> {
        let frame = Record::Discarded(vec![id]).frame()?;
        let ticket = {
            let mut state = self.shared.lock();
            if !state.letters.remove(id) {
                return Err(no_letter(id));
            }
            let journal = self.shared.journal.as_ref();
            journal.map(|journal| (journal, journal.append(&frame, 0)))
        };
        self.shared.carry_now();
        match ticket {
            Some((journal, ticket)) => journal.written(ticket).await,
            None => Ok(()),
        }
    }
}

/// The flusher goes on until everything is written, and ends then.
impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// The key as what rows are told apart by.
fn row_key(key: &[Value]) -> Result<KeyPart> {
    KeyPart::from_values(key.iter().cloned())
        .ok_or_else(|| Error::invalid_query("a key of which a part is NULL names no row"))
}

/// Refuses entities that a queue cannot be sound for.
fn check_table(table: &TableDef) -> Result<()> {
    if let Some(column) = table.generated() {
        let name = table.columns[column].field;
        return Err(Error::configuration(format!(
            "write-behind of `{}` cannot acknowledge an insert: its key `{name}` is made by the database",
            table.entity
        ))
        .with_hint(format!(
            "reserve keys in blocks: `.reserve_keys(1_000)`; or let the client make it: `#[entity(primary_key, generated)] {name}: Uuid`; or give it: `#[entity(primary_key)] {name}: i64`"
        )));
    }
    Ok(())
}
