//! Settings of a handle's cache.
use std::time::Duration;

use super::processes::link::Share;

/// Settings of a handle's result cache.
///
/// ```
/// use std::time::Duration;
/// use entourage::result_cache::CacheOptions;
///
/// let options = CacheOptions::new()
///     .query_rows(10_000)
///     .jitter(0.2)
///     .doubt(Duration::from_secs(5));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
pub struct CacheOptions {
    pub(super) query_rows: u64,
    pub(super) jitter: f64,
    pub(super) doubt: Duration,
    pub(super) patience: Duration,
    pub(super) disabled: bool,
    pub(super) share: Option<Share>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl CacheOptions {
    /// The defaults, as each setting names them.
    pub fn new() -> Self {
        Self {
            query_rows: 100_000,
            jitter: 0.1,
            doubt: Duration::from_secs(10),
            patience: Duration::from_secs(5),
            disabled: false,
            share: None,
        }
    }

    /// How many rows the results of cached queries hold in all, 100 000 unless set; a result without rows counts as one.
    #[must_use]
    pub fn query_rows(mut self, rows: u64) -> Self {
        self.query_rows = rows;
        self
    }

    /// By which part of its time to live an entry may expire early, at random, so that what was loaded together does
    /// not expire together: 0.1 unless set, from 0 to 1.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part.clamp(0.0, 1.0);
        self
    }

    /// For how long a table is read from the database alone after a write of which nobody knows whether it happened: its
    /// connection was lost, or its future dropped. 10 s unless set; longer than the server takes to end such a write.
    #[must_use]
    pub fn doubt(mut self, time: Duration) -> Self {
        self.doubt = time;
        self
    }

    /// How long a caller waits for another one that loads the same, before it loads itself: 5 s unless set.
    #[must_use]
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// Tells the other processes that use the same database of every write, and hears of theirs, by Redis
    /// (`RedisOptions`, feature `redis`) or by PostgreSQL itself ([`ListenNotify`](super::ListenNotify)). All of them have to
    /// share in the same way.
    ///
    /// A write then takes two more round trips to that server: one before it can be seen, one before its call returns.
    #[must_use]
    pub fn share(mut self, by: impl Into<Share>) -> Self {
        self.share = Some(by.into());
        self
    }

    /// Keeps nothing, whatever entities and queries ask for. Other processes are told of writes all the same, if it is to
    /// [`share`](CacheOptions::share).
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }
}
