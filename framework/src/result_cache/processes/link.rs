//! The way to the other processes: a server that takes notices and hands them to whoever listens.
use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::notice::Notice;
use crate::{
    driver::ConnectOptions,
    error::{Error, Result},
    result_cache::tier::Tier,
};

/// How the processes of a database tell each other of writes: made of `RedisOptions` (feature `redis`) or of a
/// [`ListenNotify`](crate::result_cache::ListenNotify), and given to
/// [`CacheOptions::share`](crate::result_cache::CacheOptions::share).
#[derive(Debug, Clone)]
pub struct Share(pub(crate) Arc<dyn Means>);

/// What a [`Share`] is made of.
pub(crate) trait Means: fmt::Debug + Send + Sync {
    /// The way to the others, who share `database`, and `shard` of it if it is one of several.
    fn link(&self, database: &ConnectOptions, shard: Option<&str>) -> Result<Box<dyn Link>>;

    /// The times of it.
    fn times(&self) -> Times;
}

/// Times of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// How long the server may take for one answer.
    pub(crate) timeout: Duration,
    /// After how much silence the own voice is tested.
    pub(crate) heartbeat: Duration,
    /// For how long others wait for the one who loads a row.
    pub(crate) lease: Duration,
}

impl Times {
    /// The defaults.
    pub(crate) const DEFAULT: Self = Self {
        timeout: Duration::from_millis(500),
        heartbeat: Duration::from_secs(1),
        lease: Duration::from_secs(3),
    };

    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) for a time that is none.
    pub(crate) fn check(&self) -> Result<()> {
        let times = [
            ("time-out", self.timeout),
            ("heartbeat", self.heartbeat),
            ("lease", self.lease),
        ];
        match times.iter().find(|(_, time)| time.is_zero()) {
            None => Ok(()),
            Some((name, _)) => Err(Error::configuration(format!(
                "the {name} of the processes that share a cache is zero"
            ))
            .with_hint("give it some time, or leave the default")),
        }
    }

    /// After how much silence a connection counts as lost.
    pub(crate) fn silence(&self) -> Duration {
        self.heartbeat * 3
    }
}

/// Connects to the server.
#[async_trait]
pub(crate) trait Link: Send + Sync + fmt::Debug {
    /// Connects, and listens already when it returns.
    async fn connect(&self) -> Result<(Box<dyn Speaker>, Box<dyn Listener>)>;
}

/// Tells the others.
#[async_trait]
pub(crate) trait Speaker: Send + Sync + fmt::Debug {
    /// Tells `notices` in their order; returns when the server has taken them. `doubt` is for how long rows are not kept
    /// whose write does not end.
    async fn tell(&self, notices: &[Notice], doubt: Duration) -> Result<()>;

    /// Where the server keeps rows as well.
    fn tier(&self) -> Option<&dyn Tier>;
}

/// Hears the others, and oneself.
#[async_trait]
pub(crate) trait Listener: Send + fmt::Debug {
    /// The next notice. Safe to cancel.
    async fn next(&mut self) -> Result<String>;
}
