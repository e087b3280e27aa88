//! How large a pool is and how long things may take.
mod check;
pub mod preset;

use std::{sync::Arc, time::Duration};

use super::ConnectRetry;

/// The settings of a pool. For usual workloads begin with [`PoolOptions::web`], [`PoolOptions::background`] or
/// [`PoolOptions::batch`]; what they are is in a [table](preset).
///
/// ```
/// use std::time::Duration;
/// use entourage::pool::PoolOptions;
///
/// let options = PoolOptions::new()
///     .max_connections(20)
///     .acquire_timeout(Duration::from_secs(2));
/// assert!(options.validate().is_ok());
/// assert!(PoolOptions::new().min_connections(30).validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PoolOptions {
    pub(super) name: Option<Arc<str>>,
    pub(super) max_connections: usize,
    pub(super) min_connections: usize,
    pub(super) acquire_timeout: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) ping_after: Option<Duration>,
    pub(super) keep_alive: Option<Duration>,
    pub(super) leak_after: Option<Duration>,
    pub(super) close_timeout: Duration,
    pub(super) connect_retry: Option<ConnectRetry>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            name: None,
            max_connections: 10,
            min_connections: 0,
            acquire_timeout: Duration::from_secs(10),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            ping_after: Some(Duration::from_secs(1)),
            keep_alive: None,
            leak_after: None,
            close_timeout: Duration::from_secs(30),
            connect_retry: None,
        }
    }
}

impl PoolOptions {
    /// The defaults: 10 connections at most, none kept open for nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The pool's name in events, reports and errors; `default` unless set.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How many connections may be open at once; 10 unless set. On an SQLite file one of them is the writer.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many connections stay open although nobody uses them; none unless set.
    #[must_use]
    pub fn min_connections(mut self, connections: usize) -> Self {
        self.min_connections = connections;
        self
    }

    /// How long a caller waits for a connection before it gets a [`Timeout`](crate::ErrorKind::Timeout) error; 10
    /// seconds unless set.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long an unused connection stays open; 10 minutes unless set, `None` for ever.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// How old a connection gets, give or take a tenth, so that connections opened together do not end together; 30
    /// minutes unless set, `None` for ever.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.max_lifetime = lifetime.into();
        self
    }

    /// After how long without use a connection is pinged before it is lent; 1 second unless set, `None` for never.
    #[must_use]
    pub fn ping_after(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.ping_after = idle.into();
        self
    }

    /// How long an unused connection lies still before it is pinged, so that nothing between here and the server forgets
    /// it; one that does not answer is closed. Not at all unless set.
    ///
    /// A ping does not count as use: [`idle_timeout`](PoolOptions::idle_timeout) still applies.
    #[must_use]
    pub fn keep_alive(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.keep_alive = idle.into();
        self
    }

    /// After how long a lent connection is reported as leaked, once, with the call that holds it: as an event, in
    /// [`PoolStats::leaked`](super::PoolStats::leaked) and by `tracing::warn!`. Never unless set.
    ///
    /// The report takes nothing away. If the connection comes back, that is told too.
    #[must_use]
    pub fn leak_after(mut self, held: impl Into<Option<Duration>>) -> Self {
        self.leak_after = held.into();
        self
    }

    /// How long [`Pool::close`](super::Pool::close) waits for lent connections before it goes on without them; 30
    /// seconds unless set. Zero waits for none.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// How opening the pool tries again when the server cannot be reached; not at all unless set.
    #[must_use]
    pub fn connect_retry(mut self, retry: impl Into<Option<ConnectRetry>>) -> Self {
        self.connect_retry = retry.into();
        self
    }

    /// The pool's name.
    pub fn get_name(&self) -> &str {
        self.name.as_deref().unwrap_or("default")
    }

    /// How long a caller waits for a connection.
    pub fn get_acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// How many connections may be open at once.
    pub fn get_max_connections(&self) -> usize {
        self.max_connections
    }

    /// The same for the single connection of a database in memory, which is the database: it is never closed.
    pub(super) fn sole(&self) -> Self {
        Self {
            max_connections: 1,
            min_connections: 1,
            idle_timeout: None,
            max_lifetime: None,
            ping_after: None,
            keep_alive: None,
            ..self.clone()
        }
    }

    /// The same for one writer.
    pub(super) fn writer(&self) -> Self {
        Self {
            max_connections: 1,
            min_connections: self.min_connections.min(1),
            ..self.clone()
        }
    }

    /// The same for the readers beside the writer.
    pub(super) fn readers(&self) -> Self {
        Self {
            max_connections: self.max_connections - 1,
            min_connections: self.min_connections.saturating_sub(1),
            ..self.clone()
        }
    }
}
