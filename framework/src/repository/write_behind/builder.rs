//! How a queue is started.
use std::{future::Future, panic::Location, path::PathBuf, sync::Arc, time::Duration};

use super::WriteBehind;
use crate::{
    database::Database,
    error::{Error, Result},
    result_cache::write_behind::{Durability, Settings, WhenFull, engine::Engine},
    schema::{EntitySet, TableDef},
};

/// A queue to be started; see [`WriteBehind::builder`].
#[must_use = "a queue does nothing until `.start()` is awaited"]
#[derive(Debug)]
pub struct WriteBehindBuilder {
    db: Database,
    tables: Vec<&'static TableDef>,
    settings: Settings,
}

impl WriteBehindBuilder {
    pub(super) fn new(db: &Database) -> Self {
        Self {
            db: db.clone(),
            tables: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// The entities that are written through the queue: `User`, or `(User, Post)`. Parents are written before children
    /// if both are in the same queue.
    pub fn entities<S: EntitySet>(mut self) -> Self {
        for table in S::tables() {
            if self.tables.iter().all(|other| !other.is(table)) {
                self.tables.push(table);
            }
        }
        self
    }

    /// Takes entities whose keys the database makes too: their keys are reserved in blocks, at most `block` of them at a
    /// time for each entity. An insert returns with its key, and does not wait for the database as long as one is in
    /// hand; half a block is asked for when half of it is left. What is left when the program ends becomes a gap among
    /// the keys.
    ///
    /// See [the guide](crate::result_cache::write_behind#keys-that-the-database-makes) for what each database needs.
    pub fn reserve_keys(mut self, block: u32) -> Self {
        self.settings.key_block = Some(block);
        self
    }

    /// Keeps what is queued in a journal in this folder, which is made if it is not there. A write is acknowledged when
    /// it is in the journal, and what a process leaves behind there is flushed by the next one.
    pub fn durable(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.path = Some(folder.into());
        self
    }

    /// What an acknowledged write survives: [`Durability::Fsync`] with a journal unless said otherwise, and
    /// [`Durability::None`] without.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = Some(durability);
        self
    }

    /// How many rows may wait for the database; 10 000 by default. Changes of a row that waits already need no room.
    pub fn max_pending(mut self, rows: usize) -> Self {
        self.settings.max_pending = rows;
        self
    }

    /// How many dead letters may wait for a decision before no more writes are taken; 10 000 by default.
    pub fn max_dead_letters(mut self, letters: usize) -> Self {
        self.settings.max_dead_letters = letters;
        self
    }

    /// How large the journal may be, in bytes, before writes meet a full queue; 1 GiB by default. Many changes of few
    /// rows need no room in the queue, but they do in the journal.
    pub fn max_journal_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_journal_bytes = bytes;
        self
    }

    /// After how many bytes the journal begins its next file; 16 MiB by default. Files whose changes are all in the
    /// database are removed then.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.settings.segment_bytes = bytes;
        self
    }

    /// How long a change waits for others before it is flushed; 500 ms by default.
    pub fn flush_every(mut self, interval: Duration) -> Self {
        self.settings.flush_every = interval;
        self
    }

    /// How many rows are flushed without waiting for the interval, in one transaction; 1 000 by default.
    pub fn flush_at(mut self, rows: usize) -> Self {
        self.settings.flush_at = rows;
        self
    }

    /// What a write does when the queue is full; it waits by default.
    pub fn when_full(mut self, policy: WhenFull) -> Self {
        self.settings.when_full = policy;
        self
    }

    /// The wait after the first failed attempt, and the longest one; it doubles in between. 50 ms and 5 s by default.
    pub fn retry_delays(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.first_delay = first;
        self.settings.max_delay = longest;
        self
    }

    /// How long [`shutdown`](WriteBehind::shutdown) waits for the database; 30 s by default.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_timeout = timeout;
        self
    }

    /// Opens the journal, makes the table `entourage_write_behind` if it is not there, queues what an earlier process
    /// left behind, and begins to flush.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration), with the way out: an entity whose key the database makes
    /// and that is not [reserved](WriteBehindBuilder::reserve_keys) or cannot be, a durability without a journal, a folder that cannot be written or is in use, a journal that is damaged, or one
    /// with changes of an entity that has another form now. The database's, if it does not answer.
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Result<WriteBehind>> + Send {
        let call_site = Location::caller();
        async move {
            let Self {
                db,
                tables,
                settings,
            } = self;
            if tables.is_empty() {
                return Err(Error::configuration("a write-behind queue has no entities")
                    .with_hint("name them: `.entities::<(User, Post)>()`"));
            }
            if let Some(view) = tables.iter().find(|table| table.view.is_some()) {
                let entity = view.entity;
                return Err(Error::configuration(format!(
                    "`{entity}` is a view and cannot be written"
                ))
                .with_hint("name the entities that the view reads"));
            }
            let observers = Arc::clone(db.observers());
            // What it reads it goes on from: marks, counters, versions.
            let executor = Arc::new(db.primary());
            let engine = Engine::start(executor, observers, tables, settings, call_site).await?;
            Ok(WriteBehind {
                engine: Arc::new(engine),
                db,
            })
        }
    }
}
