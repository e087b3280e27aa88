//! How large a pool is and how long things may take.
use std::time::Duration;

use crate::error::{Error, Result};

/// The settings of a pool.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    pub(super) max_connections: usize,
    pub(super) min_connections: usize,
    pub(super) acquire_timeout: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) ping_after: Option<Duration>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            min_connections: 0,
            acquire_timeout: Duration::from_secs(10),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            ping_after: Some(Duration::from_secs(1)),
        }
    }
}

impl PoolOptions {
    /// The defaults: 10 connections at most, none kept open for nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The defaults, sized for a server that takes `server_connections` in all, keeps `reserved` of them for others
    /// (administrators, jobs), and is shared by `instances` of this program.
    pub fn for_server(server_connections: usize, reserved: usize, instances: usize) -> Self {
        let shared = server_connections.saturating_sub(reserved);
        Self::new().max_connections((shared / instances.max(1)).max(1))
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

    /// How long a caller waits for a connection.
    pub fn get_acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// How many connections may be open at once.
    pub fn get_max_connections(&self) -> usize {
        self.max_connections
    }

    /// Checks that the settings go together.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error that names the setting and the reason.
    pub fn validate(&self) -> Result<()> {
        let max = self.max_connections;
        if max == 0 {
            return Err(Error::configuration(
                "`max_connections` is 0, so no statement could ever run",
            ));
        }
        if self.min_connections > max {
            return Err(Error::configuration(format!(
                "`min_connections` ({}) is greater than `max_connections` ({max})",
                self.min_connections
            )));
        }
        if self.acquire_timeout.is_zero() {
            return Err(Error::configuration(
                "`acquire_timeout` is zero, so every wait for a connection would fail",
            ));
        }
        for (name, limit) in [
            ("idle_timeout", self.idle_timeout),
            ("max_lifetime", self.max_lifetime),
        ] {
            if limit.is_some_and(|limit| limit.is_zero()) {
                return Err(Error::configuration(format!(
                    "`{name}` is zero, so no connection could be used twice"
                ))
                .with_hint("give `None` to have no limit"));
            }
        }
        if let (Some(idle), Some(lifetime)) = (self.idle_timeout, self.max_lifetime)
            && lifetime < idle
        {
            return Err(Error::configuration(format!(
                "`max_lifetime` ({lifetime:?}) is shorter than `idle_timeout` ({idle:?}), which could then never apply"
            )));
        }
        Ok(())
    }

    /// The same for the single connection of a database in memory, which is the database: it is never closed.
    pub(super) fn sole(&self) -> Self {
        Self {
            max_connections: 1,
            min_connections: 1,
            acquire_timeout: self.acquire_timeout,
            idle_timeout: None,
            max_lifetime: None,
            ping_after: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_go_together_are_refused_with_the_reason() {
        let refused = |options: PoolOptions| options.validate().unwrap_err().to_string();
        let second = Duration::from_secs(1);
        assert!(refused(PoolOptions::new().max_connections(0)).contains("no statement"));
        assert_eq!(
            refused(PoolOptions::new().max_connections(3).min_connections(4)),
            "`min_connections` (4) is greater than `max_connections` (3)"
        );
        assert!(refused(PoolOptions::new().acquire_timeout(Duration::ZERO)).contains("zero"));
        assert!(refused(PoolOptions::new().idle_timeout(Duration::ZERO)).contains("idle_timeout"));
        let shorter = PoolOptions::new().max_lifetime(second);
        assert!(refused(shorter).contains("shorter than `idle_timeout`"));
        assert!(
            PoolOptions::new()
                .max_lifetime(second)
                .idle_timeout(None)
                .validate()
                .is_ok()
        );
    }

    #[test]
    fn a_server_is_shared_fairly() {
        assert_eq!(
            PoolOptions::for_server(100, 10, 4).get_max_connections(),
            22
        );
        assert_eq!(PoolOptions::for_server(5, 10, 4).get_max_connections(), 1);
    }
}
