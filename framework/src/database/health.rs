//! Whether a database answers, as a report for a `/health` endpoint.
//!
//! A check takes a connection, as any statement would, and asks the server for a sign of life: no statement is run, and
//! nothing is observed but the pool. A checker remembers how many checks failed one after the other, so that one lost
//! packet does not take a program out of service.
use std::{
    panic::Location,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer};

use super::Database;
use crate::{
    error::{Error, ErrorKind, Result},
    pool::{Access, PoolStats},
    routing::ReplicaFigures,
};

/// How well a database does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// It answers.
    Up,
    /// It answers, but all connections are in use and callers wait; or the last checks failed, though not enough of them
    /// to call it down.
    Degraded,
    /// It does not answer.
    Down,
}

/// What a check found. Serialised, times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HealthReport {
    /// How well it does.
    pub status: HealthStatus,
    /// The database system, by OpenTelemetry's name.
    pub system: &'static str,
    /// The database's name. Neither its host nor its user are told, for who asks may be anybody.
    pub database: String,
    /// The pool's name.
    pub pool: String,
    /// How long it took to get a connection and an answer; none if there was no answer.
    #[serde(rename = "latency_ms", serialize_with = "milliseconds")]
    pub latency: Option<Duration>,
    /// The pool's figures after the check.
    pub connections: ConnectionFigures,
    /// The replicas as they were found last; the check itself asks the primary.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<ReplicaHealth>,
    /// How many checks failed one after the other, this one included.
    pub consecutive_failures: u32,
    /// Why a check failed last, if any did since the database last answered. Where the error names the database with its
    /// host and user, the name alone is given; it never holds a password.
    pub last_error: Option<String>,
}

impl HealthReport {
    /// Whether requests should still be sent here: it is not down.
    pub fn is_serving(&self) -> bool {
        self.status != HealthStatus::Down
    }
}

/// What is known of a replica. Neither its host nor why it is not read from is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReplicaHealth {
    /// The name of its pool.
    pub pool: String,
    /// Whether it is read from.
    pub is_up: bool,
    /// For how long it has not had what the primary had; none where that is not known.
    #[serde(rename = "lag_ms", serialize_with = "milliseconds")]
    pub lag: Option<Duration>,
}

impl From<ReplicaFigures> for ReplicaHealth {
    fn from(replica: ReplicaFigures) -> Self {
        Self {
            pool: replica.name,
            is_up: replica.state.is_up(),
            lag: replica.lag,
        }
    }
}

/// The pool's figures that say how well it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectionFigures {
    /// How many connections may be open.
    pub max: usize,
    /// How many are.
    pub open: usize,
    /// How many are free.
    pub idle: usize,
    /// How many are lent.
    pub in_use: usize,
    /// How many callers wait for one.
    pub pending: usize,
    /// How many callers waited in vain so far.
    pub timeouts: u64,
    /// How many loans were reported as leaked so far.
    pub leaked: u64,
}

impl From<PoolStats> for ConnectionFigures {
    fn from(stats: PoolStats) -> Self {
        Self {
            max: stats.max,
            open: stats.open,
            idle: stats.idle,
            in_use: stats.in_use,
            pending: stats.pending,
            timeouts: stats.timeouts,
            leaked: stats.leaked,
        }
    }
}

/// Checks a database again and again.
///
/// ```
/// # async fn run() -> entourage::Result<()> {
/// use std::time::Duration;
/// use entourage::{Database, database::{HealthChecker, HealthStatus}};
///
/// let db = Database::connect("sqlite::memory:").await?;
/// let checker = HealthChecker::new(&db).timeout(Duration::from_secs(1)).down_after(2);
/// let report = checker.check().await;
/// assert_eq!(report.status, HealthStatus::Up);
/// let body = serde_json::to_value(&report).unwrap();
/// assert_eq!((&body["status"], &body["system"]), (&"up".into(), &"sqlite".into()));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Debug)]
pub struct HealthChecker {
    db: Database,
    timeout: Duration,
    down_after: u32,
    seen: Mutex<Seen>,
}

/// What the checks found so far.
#[derive(Debug, Default)]
struct Seen {
    failures: u32,
    last_error: Option<String>,
}

impl HealthChecker {
    /// A checker that gives a check 2 seconds, and calls the database down after 3 failures one after the other.
    pub fn new(db: &Database) -> Self {
        Self {
            db: db.clone(),
            timeout: Duration::from_secs(2),
            down_after: 3,
            seen: Mutex::default(),
        }
    }

    /// How long a check may take, the wait for a connection included.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how many failures one after the other the database is down; at least 1.
    #[must_use]
    pub fn down_after(mut self, failures: u32) -> Self {
        self.down_after = failures.max(1);
        self
    }

    /// Checks the database. It takes a little longer than the time-out at most.
    ///
    /// A check that gets no connection because all are in use is a failure, but never makes the database more than
    /// [`Degraded`](HealthStatus::Degraded): it is busy, not gone.
    #[track_caller]
    pub fn check(&self) -> impl Future<Output = HealthReport> + Send {
        self.check_at(Location::caller())
    }

    pub(super) async fn check_at(&self, call_site: &'static Location<'static>) -> HealthReport {
        let began = Instant::now();
        let probed = tokio::time::timeout(self.timeout, probe(&self.db, call_site)).await;
        let latency = began.elapsed();
        let result = probed.unwrap_or_else(|_| Err(no_answer(self.timeout)));
        self.report(result, latency)
    }

    fn report(&self, result: Result<()>, latency: Duration) -> HealthReport {
        let stats = self.db.pool_stats();
        let busy = is_exhausted(&self.db.pool().stats_of(Access::Read));
        let mut seen = self.lock();
        let status = match &result {
            Ok(()) => {
                *seen = Seen::default();
                match busy && stats.pending > 0 {
                    true => HealthStatus::Degraded,
                    false => HealthStatus::Up,
                }
            }
            Err(error) => {
                seen.failures = seen.failures.saturating_add(1);
                let database = &self.db.inner;
                let told = error.to_string().replace(&database.target, &database.name);
                seen.last_error = Some(told);
                let only_busy = busy && error.kind() == ErrorKind::Timeout;
                let down = seen.failures >= self.down_after && !only_busy;
                match down || error.kind() == ErrorKind::Closed {
                    true => HealthStatus::Down,
                    false => HealthStatus::Degraded,
                }
            }
        };
        HealthReport {
            status,
            system: self.db.dialect().system_name(),
            database: self.db.inner.name.clone(),
            pool: self.db.pool().name().to_owned(),
            latency: result.is_ok().then_some(latency),
            connections: stats.into(),
            replicas: self.replicas(),
            consecutive_failures: seen.failures,
            last_error: seen.last_error.clone(),
        }
    }

    fn replicas(&self) -> Vec<ReplicaHealth> {
        let figures = self.db.replicas().map(|figures| figures.replicas);
        figures
            .unwrap_or_default()
            .into_iter()
            .map(ReplicaHealth::from)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gets a connection that answers. One that died unnoticed is closed, and the next one is asked.
async fn probe(db: &Database, call_site: &'static Location<'static>) -> Result<()> {
    let mut left = db.pool_stats().max;
    loop {
        let mut connection = db.pool().acquire(Access::Read, call_site).await?;
        let Err(error) = connection.ping().await else {
            return Ok(());
        };
        connection.condemn();
        drop(connection);
        if left == 0 {
            return Err(error);
        }
        left -= 1;
    }
}

fn is_exhausted(stats: &PoolStats) -> bool {
    stats.in_use >= stats.max
}

fn no_answer(timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no answer within {timeout:?}"))
}

fn milliseconds<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.serialize_some(&(time.as_secs_f64() * 1000.0)),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dialect::Dialect,
        pool::{Pool, PoolOptions, Topology, fake::FakeServer},
        transaction::Origin,
    };

    async fn database(server: &FakeServer, options: PoolOptions) -> Database {
        let connect = Arc::new(server.clone());
        let pool = Pool::open(connect, &options, Topology::Shared).await;
        let (target, name) = ("postgres://ada:***@db/blog".to_owned(), "blog".to_owned());
        let (observers, counters, cache) = Default::default();
        let origin = Origin::new(pool.unwrap(), observers);
        Database::new(origin, counters, target, name, cache, None, None)
    }

    #[tokio::test]
    async fn a_database_is_down_after_failures_one_after_the_other() {
        let server = FakeServer::new(Dialect::Postgres);
        let db = database(&server, PoolOptions::new().max_connections(1).name("web")).await;
        let checker = HealthChecker::new(&db).down_after(2);
        let up = checker.check().await;
        assert_eq!((up.status, up.consecutive_failures), (HealthStatus::Up, 0));
        assert!(up.latency.is_some() && up.is_serving());
        // Its connection dies, and no other can be opened.
        server.lose("ping");
        for expected in [
            HealthStatus::Degraded,
            HealthStatus::Down,
            HealthStatus::Down,
        ] {
            server.lose("connect");
            let report = checker.check().await;
            assert_eq!(report.status, expected);
            assert!(report.last_error.unwrap().starts_with("connection refused"));
            assert_eq!(report.latency, None);
        }
        let up = checker.check().await;
        assert_eq!((up.status, up.consecutive_failures), (HealthStatus::Up, 0));
        let body = serde_json::to_string(&up).unwrap();
        let start =
            r#"{"status":"up","system":"postgresql","database":"blog","pool":"web","latency_ms":"#;
        assert!(body.starts_with(start), "{body}");
        assert!(
            body.contains(r#""connections":{"max":1,"open":1,"idle":1,"in_use":0,"#),
            "{body}"
        );
    }

    #[tokio::test]
    async fn a_dead_connection_is_no_dead_database() {
        let server = FakeServer::new(Dialect::Postgres);
        let db = database(&server, PoolOptions::new()).await;
        server.lose("ping");
        assert_eq!(db.health().await.status, HealthStatus::Up);
        assert_eq!(server.opened(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_database_is_degraded_and_a_silent_one_is_down() {
        let server = FakeServer::new(Dialect::Postgres);
        let db = database(&server, PoolOptions::new().max_connections(1)).await;
        let held = db.pool().acquire(Access::Read, Location::caller()).await;
        let report = db.health().await;
        assert_eq!(report.status, HealthStatus::Degraded);
        assert_eq!(report.last_error.as_deref(), Some("no answer within 2s"));
        drop(held);
        let _gate = server.gate("ping");
        assert_eq!(db.health().await.status, HealthStatus::Down);
        server.remove_gates();
        assert_eq!(db.health().await.status, HealthStatus::Up);
        db.close().await;
        assert_eq!(db.health().await.status, HealthStatus::Down);
    }
}
