//! Putting a database handle together.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Database,
    replicas::{self, Replicas},
    slow_plan,
};
use crate::{
    dialect::Dialect,
    driver::{self, ConnectOptions, Connection, OpenMode},
    error::{Error, Result},
    executor::sharding::Seat,
    observe::{Observer, Observers, SlowStatements, Target},
    pool::{Access, Connect, Pool, PoolOptions, Topology},
    result_cache::CacheOptions,
    routing::RoutingOptions,
    statement_cache::StatementCounters,
    transaction::Origin,
};

/// Settings of a database handle; see [`Database::builder`].
#[derive(Default)]
#[must_use = "nothing happens before `connect` is awaited"]
pub struct DatabaseBuilder {
    options: Option<Result<ConnectOptions>>,
    pool: PoolOptions,
    observers: Observers,
    slow: Option<SlowStatements>,
    monitor: Option<Duration>,
    cache: CacheOptions,
    replicas: Vec<Result<ConnectOptions>>,
    replica_pool: Option<PoolOptions>,
    routing: RoutingOptions,
    family: Option<Family>,
}

/// What a shard has in common with the others.
pub(super) struct Family {
    /// The observers of all shards.
    pub(super) observers: Arc<Observers>,
    /// What the shard is called.
    pub(super) name: Arc<str>,
    pub(super) seat: Seat,
}

/// A database by its URL.
impl From<&str> for DatabaseBuilder {
    fn from(url: &str) -> Self {
        Self::default().url(url)
    }
}

/// A database by its URL.
impl From<String> for DatabaseBuilder {
    fn from(url: String) -> Self {
        Self::default().url(&url)
    }
}

impl DatabaseBuilder {
    /// The database, by URL. What is wrong with it is told by [`connect`](DatabaseBuilder::connect).
    pub fn url(mut self, url: &str) -> Self {
        self.options = Some(ConnectOptions::parse(url));
        self
    }

    /// The database, by options.
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = Some(Ok(options));
        self
    }

    /// The size and the times of its pool.
    pub fn pool(mut self, options: PoolOptions) -> Self {
        self.pool = options;
        self
    }

    /// Tells `observer` of everything from the start.
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        self.observers.add(observer);
        self
    }

    /// Warns of statements that take too long.
    pub fn slow_statements(mut self, slow: SlowStatements) -> Self {
        self.slow = Some(slow);
        self
    }

    /// Shows the arguments of statements to subscribers of `tracing` (not so unless set). Those of statements that may
    /// hold a value of a column marked `#[entity(sensitive)]`, and those of raw SQL, are masked all the same.
    pub fn trace_arguments(mut self, shows: bool) -> Self {
        self.observers = self.observers.showing_arguments(shows);
        self
    }

    /// Tells the observers the pool's figures every `period`, as [`PoolEventKind::Snapshot`](crate::observe::PoolEventKind::Snapshot), and alerts them of a pool
    /// that is nearly full or whose queue grows; see [`Pool::monitor`]. Not at all unless set.
    pub fn monitor(mut self, period: Duration) -> Self {
        self.monitor = Some(period);
        self
    }

    /// Settings of its result cache; see [`result_cache`](crate::result_cache).
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// A server that follows the database and serves reads outside of transactions; one call for each. See the guide of
    /// [`routing`](crate::routing).
    ///
    /// ```no_run
    /// # #[tokio::main]
    /// # async fn main() -> entourage::Result<()> {
    /// use std::time::Duration;
    /// use entourage::{Database, routing::RoutingOptions};
    ///
    /// let db = Database::builder()
    ///     .url("postgres://app@primary/blog")
    ///     .replica("postgres://app@replica-1/blog")
    ///     .replica("postgres://app@replica-2/blog")
    ///     .routing(RoutingOptions::new().max_lag(Duration::from_secs(10)))
    ///     .connect()
    ///     .await?;
    /// println!("{:?}", db.replicas());
    /// # Ok(()) }
    /// ```
    pub fn replica(mut self, url: &str) -> Self {
        self.replicas.push(ConnectOptions::parse(url));
        self
    }

    /// The same by options.
    pub fn replica_options(mut self, options: ConnectOptions) -> Self {
        self.replicas.push(Ok(options));
        self
    }

    /// The size and the times of the pool of each replica; those of [`pool`](DatabaseBuilder::pool) unless set.
    pub fn replica_pool(mut self, options: PoolOptions) -> Self {
        self.replica_pool = Some(options);
        self
    }

    /// How the replicas are used.
    pub fn routing(mut self, options: RoutingOptions) -> Self {
        self.routing = options;
        self
    }

    /// Whether arguments are shown to subscribers of `tracing`.
    pub(super) fn shows_arguments(&self) -> bool {
        self.observers.shows_arguments()
    }

    /// The same, as one shard of several.
    pub(super) fn family(self, family: Family) -> Self {
        Self {
            family: Some(family),
            ..self
        }
    }

    /// Opens the first connection. Replicas that do not answer keep nobody from connecting: they are asked again.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for settings that have no meaning; the reason why no
    /// connection could be opened.
    pub async fn connect(self) -> Result<Database> {
        let options = self.options.unwrap_or_else(|| {
            Err(Error::configuration("no database was given")
                .with_hint("call `.url(..)` or `.options(..)` before `.connect()`"))
        })?;
        let url = options.to_string();
        let name = match options.database_name() {
            Some(name) => name.to_owned(),
            None if options.is_in_memory() => ":memory:".to_owned(),
            None => String::new(),
        };
        let replicas = replicas::check(self.replicas, &options, &self.routing)?;
        let (observers, server, seat) = match self.family {
            None => {
                let observers = Arc::new(self.observers);
                (Arc::clone(&observers), observers, None)
            }
            Some(family) => {
                let server = Arc::new(self.observers.joined(&family.observers));
                (family.observers, server, Some((family.name, family.seat)))
            }
        };
        let target = Target {
            shard: seat.as_ref().map(|(name, _)| Arc::clone(name)),
            ..target(&options)
        };
        let topology = topology(&options);
        let shared = options.clone();
        let counters = Arc::<StatementCounters>::default();
        let dial = Dial::new(options, &counters);
        let connect = Arc::clone(&dial);
        let opening = Pool::open_observed(connect, &self.pool, topology, Arc::clone(&server));
        let pool = opening.await?;
        let system = match pool.capabilities().mariadb {
            true => "mariadb",
            false => pool.dialect().system_name(),
        };
        server.set_target(Target { system, ..target });
        let replicas = Replicas {
            options: replicas,
            pool: self.replica_pool.unwrap_or_else(|| self.pool.clone()),
            routing: self.routing,
        };
        let router = replicas.join(dial, &pool, &server, &counters).await?;
        if let Some(period) = self.monitor {
            match &router {
                None => pool.monitor(period)?,
                Some(router) => router.monitor(period)?,
            }
        }
        let origin = Origin::new(pool, observers).known_as(server);
        let seat = seat.map(|(_, seat)| seat);
        let db = Database::new(origin, counters, url, name, self.cache, router, seat);
        db.cache().join(&shared, db.shard()).await?;
        if let Some(slow) = self.slow {
            slow_plan::install(&db, slow);
        }
        Ok(db)
    }
}

impl std::fmt::Debug for DatabaseBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseBuilder")
            .field("options", &self.options)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

fn topology(options: &ConnectOptions) -> Topology {
    match options.dialect() {
        Dialect::Sqlite if options.is_in_memory() => Topology::Sole,
        // Nobody writes to a file that is opened for reading only.
        Dialect::Sqlite if options.get_open_mode() != OpenMode::ReadOnly => Topology::SingleWriter,
        _ => Topology::Shared,
    }
}

/// What events say of the database.
pub(super) fn target(options: &ConnectOptions) -> Target {
    Target {
        namespace: options.database_name().map(str::to_owned),
        address: options.host_name().map(str::to_owned),
        port: options.get_port(),
        ..Target::UNKNOWN
    }
}

/// Opens connections by the driver. An SQLite file has readers of its own only beside a writer.
#[derive(Debug)]
pub(super) struct Dial {
    options: ConnectOptions,
    counters: Arc<StatementCounters>,
    /// Whether the first connection has looked for a pooler.
    looked: AtomicBool,
}

impl Dial {
    pub(super) fn new(options: ConnectOptions, counters: &Arc<StatementCounters>) -> Arc<Self> {
        Arc::new(Self {
            options,
            counters: Arc::clone(counters),
            looked: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl Connect for Dial {
    async fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
        let counters = &self.counters;
        match access {
            Access::Write => {
                let look = !self.looked.load(Ordering::Relaxed);
                let connection = driver::connect_counted(&self.options, counters, look).await?;
                self.looked.store(true, Ordering::Relaxed);
                Ok(connection)
            }
            Access::Read => {
                let reader = self.options.clone().open_mode(OpenMode::ReadOnly);
                driver::connect_counted(&reader, counters, false).await
            }
        }
    }
}
