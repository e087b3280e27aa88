//! Figures.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::processes::SharedFigures;
use crate::observe::CacheEventKind;

/// What was done with what is kept of one entity, or of the results of queries, since the handle was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheFigures {
    /// Answered from the cache.
    pub hits: u64,
    /// Loaded, because nothing was kept.
    pub misses: u64,
    /// Answered by a load that somebody else had begun.
    pub coalesced: u64,
    /// Loaded and not kept, because the row was being written.
    pub bypassed: u64,
    /// Kept or loaded values that a write had made old, and that were dropped for it.
    pub stale_drops: u64,
    /// Dropped because there was no room, or its time was over.
    pub evictions: u64,
    /// Writes to the table, and calls of [`Cache::invalidate`](super::Cache::invalidate) and its like; of entities only.
    pub invalidations: u64,
    /// Rows put in by writes.
    pub written: u64,
    /// Entries now.
    pub entries: u64,
}

impl CacheFigures {
    /// The part of the questions that took no statement of their own, from 0 to 1; 0 where nothing was asked.
    pub fn hit_ratio(&self) -> f64 {
        let without = self.hits + self.coalesced;
        match without + self.misses + self.bypassed {
            0 => 0.0,
            all => without as f64 / all as f64,
        }
    }
}

/// The figures of a handle's cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// By entity, in the order of their names; those that were never asked for or written are left out.
    pub entities: Vec<(&'static str, CacheFigures)>,
    /// Of cached queries.
    pub queries: CacheFigures,
    /// Of other processes and the second tier, where there are any.
    pub shared: Option<SharedFigures>,
}

impl CacheStats {
    /// The figures of the entity with this name in Rust; zeros if nothing was done with it.
    pub fn entity(&self, name: &str) -> CacheFigures {
        let found = self.entities.iter().find(|(entity, _)| *entity == name);
        found.map_or_else(CacheFigures::default, |(_, figures)| *figures)
    }
}

/// Figures that grow.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) coalesced: AtomicU64,
    pub(super) bypassed: AtomicU64,
    pub(super) stale_drops: AtomicU64,
    pub(super) invalidations: AtomicU64,
    pub(super) written: AtomicU64,
}

impl Figures {
    pub(super) fn read(&self, evictions: u64, entries: u64) -> CacheFigures {
        CacheFigures {
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            coalesced: self.coalesced.load(Relaxed),
            bypassed: self.bypassed.load(Relaxed),
            stale_drops: self.stale_drops.load(Relaxed),
            evictions,
            invalidations: self.invalidations.load(Relaxed),
            written: self.written.load(Relaxed),
            entries,
        }
    }
}

impl Figures {
    /// Counts what happened; evictions are counted by the store.
    pub(super) fn note(&self, kind: CacheEventKind) {
        count(match kind {
            CacheEventKind::Hit => &self.hits,
            CacheEventKind::Miss => &self.misses,
            CacheEventKind::Coalesced => &self.coalesced,
            CacheEventKind::Bypass => &self.bypassed,
            CacheEventKind::StaleDrop => &self.stale_drops,
            CacheEventKind::Invalidate => &self.invalidations,
            CacheEventKind::Evict(_) | CacheEventKind::Connected | CacheEventKind::Disconnected => {
                return;
            }
        });
    }
}

pub(super) fn count(figure: &AtomicU64) {
    figure.fetch_add(1, Relaxed);
}
