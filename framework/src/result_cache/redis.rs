//! Redis as second tier of the cache, and as what carries notices between processes.
//!
//! Every step is one script, so that nothing comes in between. What is in the server, below the namespace:
//!
//! | key | what |
//! |---|---|
//! | `e`, `g:<table>` | numbers that count up with every write to anything, and to unknown rows of the table; each row that is kept names those it was loaded under, and is void when they have changed |
//! | `w`, `w:<table>`, `w:<table>:<key>` | who writes to anything, the table, the row at present, with the time until when that is believed |
//! | `r:<table>:<key>` | the row, by fingerprint of the entity's columns, and the lease of who loads it |
//!
//! A number that the server has forgotten begins anew with the time in microseconds: never with one that it had before.
//! All keys have one hash tag, so that a cluster keeps them on one node.
mod connection;
mod scripts;
mod stored;

use std::{sync::Arc, time::Duration};

use self::connection::RedisLink;
use super::processes::link::{Link, Means, Share, Times};
use crate::{
    driver::ConnectOptions,
    error::{Error, Result},
};

/// Redis, or a server that speaks its protocol (Valkey), between the processes that use a database: it carries the
/// notices of writes, and keeps rows of cached entities for all of them. Version 5 or later.
///
/// Entities with a column marked `#[entity(sensitive)]` stay in the process; only notices of their writes, with their
/// keys, are sent.
///
/// ```no_run
/// # async fn run() -> entourage::Result<()> {
/// use entourage::{
///     Database,
///     result_cache::{CacheOptions, RedisOptions},
/// };
///
/// let redis = RedisOptions::new("redis://127.0.0.1:6379", "shop");
/// let db = Database::builder()
///     .url("postgres://localhost/shop")
///     .cache(CacheOptions::new().share(redis))
///     .connect()
///     .await?;
/// # let _ = db;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it has to be given to `CacheOptions::share`"]
pub struct RedisOptions {
    url: Secret,
    namespace: String,
    keeps_rows: bool,
    times: Times,
}

/// A URL that may hold a password.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

impl RedisOptions {
    /// The server at `url` (`redis://[user:password@]host[:port][/db]`, `redis+unix:///path`; not by TLS). `namespace` stands for the
    /// database: processes that use the same one give the same, and no others do. Shards may give one: each adds its name.
    pub fn new(url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            url: Secret(url.into()),
            namespace: namespace.into(),
            keeps_rows: true,
            times: Times::DEFAULT,
        }
    }

    /// Sends notices only, and keeps no rows in the server.
    pub fn notices_only(mut self) -> Self {
        self.keeps_rows = false;
        self
    }

    /// How long the server may take for an answer before it counts as lost: 500 ms unless set. A write waits for it twice.
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

    /// For how long others wait for the process that loads a row, before they load it themselves: 3 s unless set.
    pub fn lease(mut self, time: Duration) -> Self {
        self.times.lease = time;
        self
    }
}

impl From<RedisOptions> for Share {
    fn from(options: RedisOptions) -> Self {
        Share(Arc::new(options))
    }
}

impl Means for RedisOptions {
    fn link(&self, _: &ConnectOptions, shard: Option<&str>) -> Result<Box<dyn Link>> {
        // Rows of one key on two shards are two rows.
        let namespace = match shard {
            None => self.namespace.clone(),
            Some(shard) => format!("{}:{shard}", self.namespace),
        };
        if self.namespace.is_empty() || namespace.contains(['{', '}']) {
            return Err(Error::configuration(format!(
                "`{namespace}` is no namespace for the cache in Redis"
            ))
            .with_hint(
                "give a name for the database, and to each shard, without braces: `RedisOptions::new(url, \"shop\")`",
            ));
        }
        self.times.check()?;
        let link = RedisLink::new(&self.url.0, &namespace, self.keeps_rows, self.times)?;
        Ok(Box::new(link))
    }

    fn times(&self) -> Times {
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn refused(options: RedisOptions) -> String {
        let database = ConnectOptions::parse("sqlite::memory:").unwrap();
        let error = options.link(&database, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    }

    #[test]
    fn what_has_no_meaning_is_refused_at_once() {
        let url = "redis://127.0.0.1:6379";
        assert!(refused(RedisOptions::new(url, "")).contains("no namespace"));
        assert!(refused(RedisOptions::new(url, "a{b}")).contains("`a{b}` is no namespace"));
        assert!(
            refused(RedisOptions::new("http://localhost", "shop"))
                .contains("no URL of a Redis server")
        );
        let never = RedisOptions::new(url, "shop").timeout(Duration::ZERO);
        assert!(refused(never).contains("time-out"));
        let never = RedisOptions::new(url, "shop").heartbeat(Duration::ZERO);
        assert!(refused(never).contains("heartbeat"));
    }

    #[test]
    fn a_password_is_not_shown() {
        let options = RedisOptions::new("redis://:hunter2@localhost", "shop");
        assert!(!format!("{options:?}").contains("hunter2"));
        for url in ["redis://:hunter2@local host", "http://:hunter2@localhost"] {
            let wrong = refused(RedisOptions::new(url, "shop"));
            assert!(!wrong.contains("hunter2"), "{wrong}");
        }
        let tls = refused(RedisOptions::new("rediss://:hunter2@localhost", "shop"));
        assert!(
            tls.contains("TLS to Redis is not supported") && !tls.contains("hunter2"),
            "{tls}"
        );
    }
}
