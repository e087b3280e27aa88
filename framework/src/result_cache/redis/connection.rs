//! The connections to the server: one that speaks, one that listens.
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue as _, RedisError, RedisResult, Value,
    aio::{MultiplexedConnection, PubSubStream},
};

use super::{scripts, stored};
use crate::{
    error::{Error, ErrorKind, Result},
    executor::written::{Lease, Loaded},
    result_cache::{
        key_text,
        processes::{
            link::{Link, Listener, Speaker, Times},
            notice::{Notice, Step},
        },
        tier::{Look, Place, Tier},
    },
    schema::KeyPart,
};

/// How many rows are asked for at once at most: the server does nothing else meanwhile.
const MOST_ROWS: usize = 256;

/// A server to connect to.
pub(super) struct RedisLink {
    client: Client,
    namespace: String,
    keeps_rows: bool,
    times: Times,
}

impl RedisLink {
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) for a URL that is none.
    pub(super) fn new(url: &str, namespace: &str, keeps_rows: bool, times: Times) -> Result<Self> {
        if url.starts_with("rediss:") {
            return Err(Error::configuration("TLS to Redis is not supported")
                .with_hint("reach it over a private network or through a tunnel, by `redis://..` or `redis+unix://..`"));
        }
        let client = Client::open(url).map_err(|error| {
            // Its text may hold the URL, and that a password.
            let reason = error.detail().filter(|_| !url.contains('@')).unwrap_or_default();
            let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
            Error::configuration(format!(
                "the address given for the cache, `{scheme}:..`, is no URL of a Redis server{}{reason}",
                if reason.is_empty() { "" } else { ": " }
            ))
            .with_hint("give one like `redis://localhost:6379/0`")
        })?;
        Ok(Self {
            client,
            namespace: format!("{{entourage:{namespace}}}"),
            keeps_rows,
            times,
        })
    }
}

#[async_trait]
impl Link for RedisLink {
    async fn connect(&self) -> Result<(Box<dyn Speaker>, Box<dyn Listener>)> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.times.silence()))
            .set_response_timeout(Some(self.times.timeout));
        let connect = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let mut connection = connect.await.map_err(failed)?;
        let mut listening = self.client.get_async_pubsub().await.map_err(failed)?;
        let channel = format!("{}:notices", self.namespace);
        listening.subscribe(&channel).await.map_err(failed)?;
        let mut load = async |script: &str| {
            let mut command = redis::cmd("SCRIPT");
            command.arg("LOAD").arg(script);
            let loaded: RedisResult<String> = command.query_async(&mut connection).await;
            loaded.map_err(failed)
        };
        let (tell, look, fill) = (
            load(scripts::TELL).await?,
            load(scripts::LOOK).await?,
            load(scripts::FILL).await?,
        );
        let speaker = RedisSpeaker {
            connection,
            namespace: self.namespace.clone(),
            channel,
            keeps_rows: self.keeps_rows,
            tell,
            look,
            fill,
            name: uuid::Uuid::new_v4().simple().to_string(),
            leases: AtomicU64::new(0),
        };
        let listener = RedisListener(listening.into_on_message());
        Ok((Box::new(speaker), Box::new(listener)))
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLink")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// The connection that speaks.
struct RedisSpeaker {
    connection: MultiplexedConnection,
    namespace: String,
    channel: String,
    keeps_rows: bool,
    /// The scripts' hashes.
    tell: String,
    look: String,
    fill: String,
    /// What leases of this connection are called, with a number behind.
    name: String,
    leases: AtomicU64,
}

impl RedisSpeaker {
    fn key(&self, kind: &str, table: &str) -> String {
        format!("{}:{kind}:{table}", self.namespace)
    }

    fn all(&self, kind: &str) -> String {
        format!("{}:{kind}", self.namespace)
    }

    fn row(&self, kind: &str, table: &str, key: &str) -> String {
        format!("{}:{kind}:{table}:{key}", self.namespace)
    }

    /// The call of the script that tells of `notice`.
    fn telling(&self, notice: &Notice, doubt: Duration) -> Cmd {
        let (mut writers, mut numbers, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        if self.keeps_rows && notice.step != Step::Alive {
            if notice.anything {
                writers.push(self.all("w"));
                numbers.push(self.all("e"));
            }
            for (table, touched) in &notice.tables {
                if touched.any {
                    writers.push(self.key("w", table));
                    numbers.push(self.key("g", table));
                }
                for key in &touched.keys {
                    writers.push(self.row("w", table, key));
                    rows.push(self.row("r", table, key));
                }
            }
        }
        let step = match notice.step {
            Step::Begin => "begin",
            Step::End | Step::Alive => "end",
            Step::Doubt => "doubt",
        };
        let mut call = evalsha(&self.tell, writers.len() + numbers.len() + rows.len());
        call.arg(&writers).arg(&numbers).arg(&rows);
        call.arg(writers.len())
            .arg(numbers.len())
            .arg(step)
            .arg(format!("{:x}-{}", notice.from, notice.write))
            .arg(millis(doubt))
            .arg(&self.channel)
            .arg(notice.to_text());
        call
    }

    /// The keys of a script about rows of `table`.
    fn row_keys<'k>(
        &self,
        table: &str,
        keys: impl ExactSizeIterator<Item = &'k KeyPart>,
        call: &mut Cmd,
    ) {
        call.arg(self.all("e")).arg(self.key("g", table));
        call.arg(self.all("w")).arg(self.key("w", table));
        for key in keys {
            let key = key_text::write(key);
            call.arg(self.row("r", table, &key))
                .arg(self.row("w", table, &key));
        }
    }

    async fn look_at(
        &self,
        place: Place<'_>,
        keys: &[KeyPart],
        lease: Duration,
    ) -> RedisResult<Vec<Look>> {
        let token = format!("{}-{}", self.name, self.leases.fetch_add(1, Relaxed));
        let mut call = evalsha(&self.look, 4 + 2 * keys.len());
        self.row_keys(place.name, keys.iter(), &mut call);
        call.arg(format!("{:x}", place.fingerprint))
            .arg(&token)
            .arg(millis(lease));
        let found: Vec<Vec<Value>> = call.query_async(&mut self.connection.clone()).await?;
        found
            .into_iter()
            .map(|found| looked(found, place, &token))
            .collect()
    }
}

#[async_trait]
impl Speaker for RedisSpeaker {
    async fn tell(&self, notices: &[Notice], doubt: Duration) -> Result<()> {
        let mut pipeline = redis::pipe();
        for notice in notices {
            pipeline.add_command(self.telling(notice, doubt)).ignore();
        }
        let told: RedisResult<()> = pipeline.query_async(&mut self.connection.clone()).await;
        told.map_err(failed)
    }

    fn tier(&self) -> Option<&dyn Tier> {
        self.keeps_rows.then_some(self)
    }
}

#[async_trait]
impl Tier for RedisSpeaker {
    async fn look(&self, place: Place<'_>, keys: &[KeyPart], lease: Duration) -> Result<Vec<Look>> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MOST_ROWS) {
            found.extend(self.look_at(place, keys, lease).await.map_err(failed)?);
        }
        Ok(found)
    }

    async fn fill(&self, place: Place<'_>, rows: &[Loaded], ttl: Duration) -> Result<()> {
        for rows in rows.chunks(MOST_ROWS) {
            let mut call = evalsha(&self.fill, 4 + 2 * rows.len());
            self.row_keys(place.name, rows.iter().map(|(key, ..)| key), &mut call);
            call.arg(format!("{:x}", place.fingerprint))
                .arg(millis(ttl));
            for (_, row, lease) in rows {
                let row = row
                    .as_ref()
                    .and_then(|row| stored::write(&**row, place.table));
                call.arg(&*lease.numbers)
                    .arg(&*lease.token)
                    .arg(u8::from(row.is_some()))
                    .arg(row.as_deref().unwrap_or_default());
            }
            let filled: RedisResult<()> = call.query_async(&mut self.connection.clone()).await;
            filled.map_err(failed)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisSpeaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSpeaker")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// The connection that listens.
struct RedisListener(PubSubStream);

#[async_trait]
impl Listener for RedisListener {
    async fn next(&mut self) -> Result<String> {
        let message =
            self.0.next().await.ok_or_else(|| {
                Error::new(ErrorKind::Connection, "Redis has closed the connection")
            })?;
        message.get_payload::<String>().map_err(|error| {
            Error::new(ErrorKind::Decode, "a notice in Redis is no text").with_source(error)
        })
    }
}

impl fmt::Debug for RedisListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisListener").finish_non_exhaustive()
    }
}

fn looked(found: Vec<Value>, place: Place<'_>, token: &str) -> RedisResult<Look> {
    let mut found = found.into_iter();
    let kind = found.next().map(i64::from_redis_value).transpose()?;
    let rest = found.next();
    Ok(match (kind, rest) {
        (Some(1), Some(row)) => {
            let bytes = Vec::<u8>::from_redis_value(row)?;
            stored::read(&bytes, place.table).map_or(Look::Closed, Look::Row)
        }
        (Some(3), Some(numbers)) => Look::Lease(Lease {
            numbers: String::from_redis_value(numbers)?.into(),
            token: token.into(),
        }),
        (Some(2), _) => Look::Held,
        _ => Look::Closed,
    })
}

fn evalsha(hash: &str, keys: usize) -> Cmd {
    let mut call = redis::cmd("EVALSHA");
    call.arg(hash).arg(keys);
    call
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

fn failed(error: RedisError) -> Error {
    let kind = match error.is_timeout() {
        true => ErrorKind::Timeout,
        false => ErrorKind::Connection,
    };
    Error::new(kind, format!("Redis: {error}")).with_source(error)
}
