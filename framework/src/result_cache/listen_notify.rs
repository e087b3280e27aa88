//! PostgreSQL's LISTEN and NOTIFY as what carries notices between processes.
use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    processes::{
        link::{Link, Listener, Means, Share, Speaker, Times},
        notice::Notice,
    },
    tier::Tier,
};
use crate::{
    dialect::Dialect,
    driver::{self, ConnectOptions, Notifications, Notifier, StatementMode},
    error::{Error, Result},
};

/// PostgreSQL itself between the processes that use a database: it carries the notices of writes by `NOTIFY`. Takes two
/// connections of their own, outside the pool.
///
/// The notices are not part of the transactions that they tell of: PostgreSQL lets no two transactions with a notice
/// commit at once, and theirs would be every one that writes. They are told before COMMIT and after it instead, from a
/// connection that tells many at once and does not wait for the disk.
///
/// Behind a pooler in transaction mode nobody can listen; give the server's own address by [`url`](ListenNotify::url).
///
/// ```no_run
/// # async fn run() -> entourage::Result<()> {
/// use entourage::{
///     Database,
///     result_cache::{CacheOptions, ListenNotify},
/// };
///
/// let db = Database::builder()
///     .url("postgres://localhost/shop")
///     .cache(CacheOptions::new().share(ListenNotify::new()))
///     .connect()
///     .await?;
/// # let _ = db;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it has to be given to `CacheOptions::share`"]
pub struct ListenNotify {
    channel: String,
    options: Option<Result<ConnectOptions, Arc<Error>>>,
    times: Times,
}

impl Default for ListenNotify {
    fn default() -> Self {
        Self::new()
    }
}

impl ListenNotify {
    /// On the database's own server, over the channel `entourage_cache`.
    pub fn new() -> Self {
        Self {
            channel: "entourage_cache".to_owned(),
            options: None,
            times: Times::DEFAULT,
        }
    }

    /// Another channel, of 63 bytes at most: for programs that share a database and no table of it.
    pub fn channel(mut self, name: impl Into<String>) -> Self {
        self.channel = name.into();
        self
    }

    /// Another address of the same database, past a pooler.
    pub fn url(mut self, url: &str) -> Self {
        self.options = Some(ConnectOptions::parse(url).map_err(Arc::new));
        self
    }

    /// How long the server may take to take a notice before it counts as lost: 500 ms unless set. A write waits for it
    /// twice.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.times.timeout = time;
        self
    }

    /// After how much silence the connection is tested: 1 s unless set. After three times that it counts as lost. So this
    /// is how long a process that is cut off, and does not know it, may give out old rows.
    pub fn heartbeat(mut self, time: Duration) -> Self {
        self.times.heartbeat = time;
        self
    }
}

impl From<ListenNotify> for Share {
    fn from(options: ListenNotify) -> Self {
        Share(Arc::new(options))
    }
}

impl Means for ListenNotify {
    fn link(&self, database: &ConnectOptions, _: Option<&str>) -> Result<Box<dyn Link>> {
        let options = match &self.options {
            None => database.clone(),
            Some(Ok(options)) => options.clone(),
            Some(Err(error)) => {
                return Err(Error::configuration("the address to listen at is none")
                    .with_source(Arc::clone(error)));
            }
        };
        if database.dialect() != Dialect::Postgres || options.dialect() != Dialect::Postgres {
            return Err(Error::configuration(
                "only PostgreSQL can carry the notices of a shared cache by LISTEN and NOTIFY",
            )
            .with_hint(
                "share by Redis: `CacheOptions::share(RedisOptions::new(..))`, feature `redis`",
            ));
        }
        if options.get_statement_mode() == StatementMode::Pooler {
            return Err(Error::configuration(
                "behind a pooler in transaction mode nobody hears the notices of a shared cache",
            )
            .with_hint(
                "give the server's own address: `ListenNotify::new().url(\"postgres://..\")`",
            ));
        }
        if self.channel.is_empty() || self.channel.len() > 63 || self.channel.contains('\0') {
            return Err(Error::configuration(format!(
                "`{}` is no channel that PostgreSQL can notify",
                self.channel
            ))
            .with_hint("give it a name of 1 to 63 bytes"));
        }
        self.times.check()?;
        Ok(Box::new(PostgresLink {
            options: options.connect_timeout(self.times.silence()),
            channel: self.channel.clone(),
        }))
    }

    fn times(&self) -> Times {
        self.times
    }
}

#[derive(Debug)]
struct PostgresLink {
    options: ConnectOptions,
    channel: String,
}

#[async_trait]
impl Link for PostgresLink {
    async fn connect(&self) -> Result<(Box<dyn Speaker>, Box<dyn Listener>)> {
        let (notifier, notifications) = driver::notifications(&self.options, &self.channel).await?;
        let speaker = PostgresSpeaker(tokio::sync::Mutex::new(notifier));
        Ok((Box::new(speaker), Box::new(PostgresListener(notifications))))
    }
}

struct PostgresSpeaker(tokio::sync::Mutex<Box<dyn Notifier>>);

#[async_trait]
impl Speaker for PostgresSpeaker {
    async fn tell(&self, notices: &[Notice], _: Duration) -> Result<()> {
        let texts = notices.iter().map(Notice::to_text).collect();
        self.0.lock().await.notify(texts).await
    }

    fn tier(&self) -> Option<&dyn Tier> {
        None
    }
}

impl fmt::Debug for PostgresSpeaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSpeaker").finish_non_exhaustive()
    }
}

struct PostgresListener(Box<dyn Notifications>);

#[async_trait]
impl Listener for PostgresListener {
    async fn next(&mut self) -> Result<String> {
        self.0.next().await
    }
}

impl fmt::Debug for PostgresListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresListener").finish_non_exhaustive()
    }
}
