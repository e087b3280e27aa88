//! A lent connection, which finds its way back by itself.
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::lane::Lane;
use crate::driver::Connection;

/// How long the clean-up of a connection may take before it is given up.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// An open connection and what the pool knows of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) connection: Box<dyn Connection>,
    pub(super) opened: Instant,
    /// When it is too old; `None` for never.
    pub(super) expires: Option<Instant>,
    /// What must be sent before it is lent again.
    pub(super) cleanup: Option<&'static str>,
    /// See [`Lane::retire`].
    pub(super) generation: u64,
}

impl Entry {
    /// Whether the server gives a sign of life in time.
    pub(super) async fn is_alive(&mut self) -> bool {
        let pinged = tokio::time::timeout(CLEANUP_TIMEOUT, self.connection.ping()).await;
        matches!(pinged, Ok(Ok(())))
    }
}

/// A connection on loan. Dropped, it goes back to its pool, or to the caller that waits longest.
///
/// A connection that is broken, or whose statement was cancelled in the middle, is closed instead. One with an open
/// transaction ([`PoolConnection::begin_cleanup`]) is rolled back before anybody else gets it.
pub struct PoolConnection {
    lane: Arc<Lane>,
    /// `None` only once it went back.
    entry: Option<Entry>,
    ticket: usize,
    fate: Fate,
}

/// What becomes of the connection when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes back, cleaned up if it must be.
    Return,
    /// The same, but a clean-up was tried already.
    CleaningUp,
    /// It is closed.
    Close,
}

impl PoolConnection {
    pub(super) fn new(lane: Arc<Lane>, entry: Entry, ticket: usize) -> Self {
        Self {
            lane,
            entry: Some(entry),
            ticket,
            fate: Fate::Return,
        }
    }

    /// Takes the entry out without giving it back, for a caller that is gone already.
    pub(super) fn dissolve(mut self) -> Option<(Entry, usize)> {
        self.entry.take().map(|entry| (entry, self.ticket))
    }

    /// From now on `sql` must be sent before anybody else may use the connection: it is about to begin a transaction,
    /// or to change a setting.
    pub fn begin_cleanup(&mut self, sql: &'static str) {
        self.entry_mut().cleanup = Some(sql);
    }

    /// The connection is as it was when it was lent: its transaction ended, its settings were put back.
    pub fn end_cleanup(&mut self) {
        self.entry_mut().cleanup = None;
    }

    /// Sends what must be sent before anybody else may use the connection, if anything must; otherwise that happens behind
    /// the back of whoever gives it back, and the next caller may have to open another one meanwhile. A connection on which
    /// it fails is closed instead of going back.
    ///
    /// Dropped in its middle, it leaves a connection that is closed.
    pub async fn clean_up(&mut self) {
        if !self.is_broken() {
            self.try_clean_up().await;
        }
    }

    /// The connection will be closed instead of going back.
    pub fn condemn(&mut self) {
        self.fate = Fate::Close;
    }

    pub(super) fn needs_cleanup(&self) -> bool {
        self.entry.as_ref().is_some_and(|e| e.cleanup.is_some())
    }

    /// Makes a connection fit to be lent that left something open, or lay idle for long. `false` if it is lost.
    pub(super) async fn revive(&mut self) -> bool {
        let entry = self.entry_mut();
        match entry.cleanup {
            Some(_) => self.try_clean_up().await,
            None => entry.is_alive().await,
        }
    }

    async fn try_clean_up(&mut self) -> bool {
        let keep = self.lane.keeps_connections();
        self.fate = Fate::CleaningUp;
        let entry = self.entry_mut();
        let Some(sql) = entry.cleanup else {
            return true;
        };
        let cleaned = tokio::time::timeout(CLEANUP_TIMEOUT, entry.connection.batch(sql)).await;
        // The only connection of a database in memory is worth more than a setting that was not put back.
        if matches!(cleaned, Ok(Ok(()))) || (keep && !entry.connection.is_broken()) {
            entry.cleanup = None;
            self.fate = Fate::Return;
            true
        } else {
            self.fate = Fate::Close;
            false
        }
    }

    fn entry_mut(&mut self) -> &mut Entry {
        self.entry
            .as_mut()
            .expect("the entry is taken when the connection is dropped")
    }
}

impl Deref for PoolConnection {
    type Target = dyn Connection;

    fn deref(&self) -> &Self::Target {
        let entry = self.entry.as_ref();
        &*entry
            .expect("the entry is taken when the connection is dropped")
            .connection
    }
}

impl DerefMut for PoolConnection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.entry_mut().connection
    }
}

impl Drop for PoolConnection {
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else {
            return;
        };
        if self.fate == Fate::Close || entry.connection.is_broken() {
            return self.lane.discard(entry, self.ticket);
        }
        if entry.cleanup.is_none() {
            return self.lane.release(entry, self.ticket);
        }
        let runtime = tokio::runtime::Handle::try_current();
        match (runtime, self.fate) {
            (Ok(runtime), Fate::Return) => {
                let mut connection = Self {
                    lane: Arc::clone(&self.lane),
                    entry: Some(entry),
                    ticket: self.ticket,
                    fate: Fate::CleaningUp,
                };
                runtime.spawn(async move { connection.try_clean_up().await });
            }
            // No runtime to clean it up on: whoever acquires it next does, if it must not be closed.
            _ if self.lane.keeps_connections() => self.lane.release(entry, self.ticket),
            _ => self.lane.discard(entry, self.ticket),
        }
    }
}

impl fmt::Debug for PoolConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolConnection")
            .field("connection", &self.entry.as_ref().map(|e| &e.connection))
            .finish_non_exhaustive()
    }
}
