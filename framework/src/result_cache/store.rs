//! The bounded map in which entries are kept: moka, and nobody else names it.
//!
//! moka decides what to drop when it is full (TinyLFU) and frees what is past its time. Whether an entry may still be
//! given out is not its business: entries carry that themselves, and moka's own loading (`get_with`) is not used, because
//! an `invalidate` during a load is lost on it.
use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{
    Expiry,
    notification::RemovalCause,
    sync::{Cache, CacheBuilder},
};

/// A bounded map.
pub(super) struct Store<K, V> {
    cache: Cache<K, V, foldhash::fast::RandomState>,
    evicted: Arc<AtomicU64>,
}

/// What the store wants to know of an entry.
pub(super) trait Stored: Clone + Send + Sync + 'static {
    /// What it counts for.
    fn weight(&self) -> u32;
}

/// An entry that says itself how long it is kept.
pub(super) trait Lasting: Stored {
    /// How long it is kept.
    fn ttl(&self) -> Duration;
}

/// How long all entries are kept at most; each may be over earlier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) ttl: Duration,
    /// How long they are kept unused.
    pub(super) tti: Option<Duration>,
}

/// moka refuses times of more than a thousand years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

struct OwnTimes;

impl<K, V: Lasting> Expiry<K, V> for OwnTimes {
    fn expire_after_create(&self, _: &K, entry: &V, _: Instant) -> Option<Duration> {
        Some(entry.ttl())
    }

    fn expire_after_update(
        &self,
        key: &K,
        entry: &V,
        updated_at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, entry, updated_at)
    }
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Stored> Store<K, V> {
    /// An empty map for `capacity` entries.
    ///
    /// It is not the other one with entries that weigh 1: for those moka counts in a smaller table how often a key was
    /// asked for, and drops entries hardly better than by their last use.
    pub(super) fn of_entries(capacity: u64, times: Times) -> Self {
        Self::build(times.of(Cache::builder().max_capacity(capacity)))
    }

    /// An empty map for entries that weigh `capacity` in all.
    pub(super) fn of_weight(capacity: u64, times: Times) -> Self {
        let weighed = Cache::builder().weigher(|_, entry: &V| entry.weight());
        Self::build(times.of(weighed.max_capacity(capacity)))
    }

    fn build(builder: CacheBuilder<K, V, Cache<K, V>>) -> Self {
        let evicted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&evicted);
        let cache = builder
            .eviction_listener(move |_, _, cause| {
                // An entry that is replaced or removed was not too much.
                if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build_with_hasher(foldhash::fast::RandomState::default());
        Self { cache, evicted }
    }

    /// A copy of the entry: moka has no other way.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.cache.get(key)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.cache.contains_key(key)
    }

    pub(super) fn insert(&self, key: K, entry: V) {
        self.cache.insert(key, entry);
    }

    pub(super) fn remove(&self, key: &K) {
        self.cache.invalidate(key);
    }

    pub(super) fn clear(&self) {
        self.cache.invalidate_all();
    }

    /// How many entries were dropped because the map was full or their time was over.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How many entries there are, after what is due has been dropped.
    pub(super) fn len(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.entry_count()
    }
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Lasting> Store<K, V> {
    /// An empty map for entries that weigh `capacity` in all and last as long as they say.
    pub(super) fn of_lasting(capacity: u64) -> Self {
        let weighed = Cache::builder().weigher(|_, entry: &V| entry.weight());
        Self::build(weighed.max_capacity(capacity).expire_after(OwnTimes))
    }
}

impl Times {
    fn of<K, V>(self, builder: CacheBuilder<K, V, Cache<K, V>>) -> CacheBuilder<K, V, Cache<K, V>>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Stored,
    {
        let builder = builder.time_to_live(self.ttl.min(LONGEST));
        match self.tti {
            Some(tti) => builder.time_to_idle(tti.min(LONGEST)),
            None => builder,
        }
    }
}

impl<K, V> fmt::Debug for Store<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
