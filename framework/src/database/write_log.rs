//! Which tables were written through a handle, and when: for views, which are as old as what they read.
//!
//! Nothing is noted before somebody watches. A write is noted when it has ended, unless it was taken back.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::{
    executor::written::{PendingWrites, Settled, Told, Write, WriteListener, plain_name},
    schema::view::Source,
};

/// The writes of one handle.
#[derive(Debug)]
pub(crate) struct WriteLog {
    /// Since when anything is noted.
    since: OnceLock<DateTime<Utc>>,
    noted: Mutex<Noted>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Noted {
    tables: HashMap<String, Marks>,
    /// Of nobody knows what.
    anything: Mark,
}

#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    any: Mark,
    /// Of those that may remove rows.
    removing: Mark,
}

#[derive(Debug, Default, Clone, Copy)]
struct Mark {
    writes: u64,
    last: Option<DateTime<Utc>>,
}

impl Mark {
    fn note(&mut self, now: DateTime<Utc>) {
        self.writes += 1;
        self.last = Some(now);
    }
}

impl Default for WriteLog {
    fn default() -> Self {
        Self {
            since: OnceLock::new(),
            noted: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl WriteLog {
    /// Notes writes from now on.
    pub(crate) fn watch(&self) {
        self.since.get_or_init(Utc::now);
    }

    /// How many writes to `sources` were noted.
    pub(crate) fn count(&self, sources: &[Source]) -> u64 {
        let noted = self.noted();
        noted.marks_of(sources).map(|mark| mark.writes).sum()
    }

    /// Whether `sources` were written since `moment`; `None` if nobody was watching then.
    pub(crate) fn written_since(&self, sources: &[Source], moment: DateTime<Utc>) -> Option<bool> {
        let noted = self.noted();
        let last = noted.marks_of(sources).filter_map(|mark| mark.last).max();
        if last.is_some_and(|last| last >= moment) {
            return Some(true);
        }
        (*self.since.get()? <= moment).then_some(false)
    }

    /// Resolves for every write, or for several at once.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.watch();
        self.changed.subscribe()
    }

    fn note(&self, writes: &[Write]) {
        if writes.is_empty() {
            return;
        }
        let now = Utc::now();
        let mut noted = self.noted();
        for write in writes {
            match write {
                Write::Anything => noted.anything.note(now),
                Write::Table { name, removes, .. } => {
                    let marks = noted
                        .tables
                        .entry(plain_name(name).into_owned())
                        .or_default();
                    marks.any.note(now);
                    if *removes {
                        marks.removing.note(now);
                    }
                }
            }
        }
        drop(noted);
        self.changed.send_replace(());
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn marks_of<'a>(&'a self, sources: &'a [Source]) -> impl Iterator<Item = Mark> + 'a {
        let tables = sources.iter().filter_map(|source| {
            let marks = self.tables.get(&*plain_name(source.table.name))?;
            Some(match source.by_deletes {
                false => marks.any,
                true => marks.removing,
            })
        });
        tables.chain([self.anything])
    }
}

/// The handle's result cache, and the log beside it.
#[derive(Debug)]
pub(super) struct Logging<L> {
    pub(super) cache: L,
    pub(super) log: Arc<WriteLog>,
}

impl<L: WriteListener> WriteListener for Logging<L> {
    fn begin(&self, writes: Vec<Write>) -> Box<dyn PendingWrites> {
        if self.log.since.get().is_none() {
            return self.cache.begin(writes);
        }
        Box::new(Logged {
            log: Arc::clone(&self.log),
            writes: writes.clone(),
            inner: Some(self.cache.begin(writes)),
        })
    }

    fn left(&self) {
        self.cache.left();
    }
}

/// Writes that are noted when they end.
struct Logged {
    log: Arc<WriteLog>,
    writes: Vec<Write>,
    /// None once they have ended.
    inner: Option<Box<dyn PendingWrites>>,
}

impl PendingWrites for Logged {
    fn announced(&mut self) -> Told {
        self.inner.as_mut()?.announced()
    }

    fn end(mut self: Box<Self>, settled: Settled) -> Told {
        if settled != Settled::TakenBack {
            self.log.note(&self.writes);
        }
        self.inner.take()?.end(settled)
    }
}

/// Nobody knows how they ended.
impl Drop for Logged {
    fn drop(&mut self) {
        if self.inner.is_some() {
            self.log.note(&self.writes);
        }
    }
}
