//! Our own pool over the drivers' connections.
//!
//! Acquire and release of a free connection cost one short mutex each and no round trip; a connection is pinged only
//! after it lay idle. Everything else (growth, waiting, age, broken connections, SQLite's one writer) is off that path.
//! The pool knows connections, not statements: what is read and what is written is for the caller to say.
//!
//! Cancellation: a dropped [`Pool::acquire`] loses neither its place in the pool nor a connection that was on its way.
//!
//! What happens is told as [`PoolEvent`](crate::observe::PoolEvent), never under the pool's lock; what went wrong
//! (leaks, alerts, a close by force) goes to `tracing` too, as warnings of the target `entourage::pool`. With no observer
//! an acquire pays one load for it. Figures are counted all the time: [`Pool::stats`], [`Pool::histograms`].
//!
//! ```
//! # async fn run() -> entourage::Result<()> {
//! use std::{sync::Arc, time::Duration};
//! use entourage::{Database, observe::{Event, Observer, PoolEventKind}, pool::PoolOptions};
//!
//! struct Leaks;
//!
//! impl Observer for Leaks {
//!     fn on_event(&self, event: &Event<'_>) {
//!         if let Event::Pool(event) = event
//!             && let PoolEventKind::Leaked { call_site, held } = event.kind
//!         {
//!             eprintln!("{call_site} holds a connection of {} for {held:?}", event.pool);
//!         }
//!     }
//! }
//!
//! let db = Database::builder()
//!     .url("sqlite::memory:")
//!     .pool(PoolOptions::web().name("blog"))
//!     .observer(Arc::new(Leaks))
//!     .monitor(Duration::from_secs(10))
//!     .connect()
//!     .await?;
//! assert_eq!(db.pool_stats().in_use, 0);
//! assert!(db.close().await.is_clean());
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
//! ```
pub mod close;
pub mod connection;
#[cfg(test)]
pub(crate) mod fake;
pub mod histogram;
mod holders;
mod lane;
mod monitor;
mod opening;
pub mod options;
mod reaper;
pub mod retry;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

use std::{fmt, panic::Location, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    dialect::{Capabilities, Dialect},
    driver::Connection,
    error::{Error, Result},
    observe::Observers,
};
use lane::Lane;
use opening::Opening;
pub(crate) use opening::random_fraction;

pub use crate::observe::PoolStats;
pub use close::CloseReport;
pub use connection::PoolConnection;
pub use histogram::{Distribution, PoolHistograms};
pub use holders::Holding;
pub use options::PoolOptions;
pub use retry::ConnectRetry;

/// The target of what the pool tells `tracing`.
const TARGET: &str = "entourage::pool";

/// Opens the connections of a pool.
#[async_trait]
pub trait Connect: Send + Sync + fmt::Debug + 'static {
    /// Opens a connection that is going to be used for `access`.
    ///
    /// # Errors
    /// The real cause: it is what the callers that wait for a connection get.
    async fn connect(&self, access: Access) -> Result<Box<dyn Connection>>;
}

/// What a connection is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Only reading; may be served by a connection that cannot write.
    Read,
    /// Writing, or not known to be only reading.
    Write,
}

/// How the connections of a pool share the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topology {
    /// Any connection does anything: PostgreSQL, MySQL.
    Shared,
    /// One connection writes, the others read: a file of SQLite, which takes one writer at a time anyway. Writers wait
    /// in our queue instead of running into `SQLITE_BUSY`.
    SingleWriter,
    /// One connection, which is the database: SQLite in memory. It is never closed while the pool lives.
    Sole,
}

/// A pool of connections. Cheap to clone; all clones are the same pool.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Lanes>);

#[derive(Debug)]
struct Lanes {
    /// For writing, and for reading where there is no other.
    main: Arc<Lane>,
    /// For reading beside one writer.
    readers: Option<Arc<Lane>>,
    dialect: Dialect,
    capabilities: Capabilities,
    /// Of the whole pool; each lane has its part.
    options: PoolOptions,
}

impl Lanes {
    fn stats(&self) -> PoolStats {
        let main = self.main.stats();
        match &self.readers {
            Some(readers) => main + readers.stats(),
            None => main,
        }
    }
}

impl Pool {
    /// Opens a pool with at least one connection, so that a wrong URL is told here and not by the first statement. A
    /// server that cannot be reached is tried again as [`PoolOptions::connect_retry`] says.
    ///
    /// # Errors
    /// Options that do not go together; the reason why the first connection could not be opened.
    pub async fn open(
        connect: Arc<dyn Connect>,
        options: &PoolOptions,
        topology: Topology,
    ) -> Result<Self> {
        Self::open_observed(connect, options, topology, Arc::default()).await
    }

    /// The same, telling `observers` of everything from the first connection.
    ///
    /// # Errors
    /// As [`Pool::open`].
    pub async fn open_observed(
        connect: Arc<dyn Connect>,
        options: &PoolOptions,
        topology: Topology,
        observers: Arc<Observers>,
    ) -> Result<Self> {
        options.validate()?;
        let (main, readers) = lanes(&connect, options, topology, &observers);
        open_least(&main, 1).await?;
        if let Some(readers) = &readers {
            open_least(readers, 0).await?;
        }
        let first = main.acquire(Location::caller()).await?;
        let (dialect, capabilities) = (first.dialect(), first.capabilities());
        drop(first);
        Ok(Self::of(main, readers, options, dialect, capabilities))
    }

    /// A pool that opens its first connection when it is asked for one, for a server of which it is known what it is:
    /// another one of the same kind tells.
    ///
    /// # Errors
    /// Options that do not go together.
    pub(crate) fn unopened(
        connect: Arc<dyn Connect>,
        options: &PoolOptions,
        observers: Arc<Observers>,
        like: &Pool,
    ) -> Result<Self> {
        options.validate()?;
        let (main, readers) = lanes(&connect, options, Topology::Shared, &observers);
        let (dialect, capabilities) = (like.dialect(), like.capabilities());
        Ok(Self::of(main, readers, options, dialect, capabilities))
    }

    fn of(
        main: Arc<Lane>,
        readers: Option<Arc<Lane>>,
        options: &PoolOptions,
        dialect: Dialect,
        capabilities: Capabilities,
    ) -> Self {
        reaper::start(&main);
        readers.iter().for_each(reaper::start);
        Self(Arc::new(Lanes {
            main,
            readers,
            dialect,
            capabilities,
            options: options.clone(),
        }))
    }

    /// Takes a connection, waiting in the order of the callers if none is free. `call_site` is the user's call, named
    /// by the errors of those that wait in vain.
    ///
    /// # Errors
    /// [`Timeout`](crate::ErrorKind::Timeout) with the size of the pool and who holds its connections;
    /// [`Closed`](crate::ErrorKind::Closed); the reason why a connection could not be opened.
    pub async fn acquire(
        &self,
        access: Access,
        call_site: &'static Location<'static>,
    ) -> Result<PoolConnection> {
        self.lane(access).acquire(call_site).await
    }

    /// The dialect its connections speak.
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// What the server can do, as its first connection told.
    pub fn capabilities(&self) -> Capabilities {
        self.0.capabilities
    }

    /// Whether reading connections cannot write, so that a transaction that only reads is held to it.
    pub fn has_readers(&self) -> bool {
        self.0.readers.is_some()
    }

    /// Its name, see [`PoolOptions::name`].
    pub fn name(&self) -> &str {
        self.0.options.get_name()
    }

    /// How long a caller waits for a connection.
    pub fn acquire_timeout(&self) -> Duration {
        self.0.options.acquire_timeout
    }

    /// What the pool is doing and has done, readers and writer together.
    pub fn stats(&self) -> PoolStats {
        self.0.stats()
    }

    /// How long callers waited, connections were used and took to open, readers and writer together.
    pub fn histograms(&self) -> PoolHistograms {
        let mut times = self.0.main.times();
        if let Some(readers) = &self.0.readers {
            times.add(&readers.times());
        }
        times.summary()
    }

    /// Who holds connections now, longest first.
    pub fn holdings(&self) -> Vec<Holding> {
        let mut holdings = self.0.main.holdings();
        if let Some(readers) = &self.0.readers {
            holdings.extend(readers.holdings());
            holdings.sort_by_key(|holding| std::cmp::Reverse(holding.held));
        }
        holdings
    }

    /// What the connections that serve `access` are doing and have done.
    pub fn stats_of(&self, access: Access) -> PoolStats {
        self.lane(access).stats()
    }

    /// Closes the connections that nobody has now, and the others when they come back, so that the next callers get new
    /// ones: to wherever the server's name leads by then.
    pub(crate) fn retire(&self) {
        self.0.main.retire();
        self.0.readers.iter().for_each(Lane::retire);
    }

    /// Refuses new callers, sends those away that wait, and waits until every connection came back and is closed, for up
    /// to [`PoolOptions::close_timeout`]. Connections that come back later are closed then; the report counts them.
    ///
    /// Dropped before its end, the pool stays closed; call it again to wait again.
    pub async fn close(&self) -> CloseReport {
        self.close_within(self.0.options.close_timeout).await
    }

    /// The same, waiting for up to `timeout`.
    pub async fn close_within(&self, timeout: Duration) -> CloseReport {
        let now = tokio::time::Instant::now();
        // Beyond what the clock can tell is for ever.
        let deadline = now.checked_add(timeout).unwrap_or(now + FOR_EVER);
        let report = match &self.0.readers {
            // Both at once: neither may go on lending while the other is waited for.
            Some(readers) => {
                let (main, readers) =
                    tokio::join!(self.0.main.close(deadline), readers.close(deadline));
                main + readers
            }
            None => self.0.main.close(deadline).await,
        };
        if !report.is_clean() {
            tracing::warn!(target: TARGET, pool = self.name(), "{report}");
        }
        report
    }

    fn lane(&self, access: Access) -> &Arc<Lane> {
        match (access, &self.0.readers) {
            (Access::Read, Some(readers)) => readers,
            _ => &self.0.main,
        }
    }
}

/// The lanes of a pool, with nothing in them: all purposes or writing, and reading.
fn lanes(
    connect: &Arc<dyn Connect>,
    options: &PoolOptions,
    topology: Topology,
    observers: &Arc<Observers>,
) -> (Arc<Lane>, Option<Arc<Lane>>) {
    let lane = |access, options, sole| {
        let observers = Arc::clone(observers);
        Lane::new(Arc::clone(connect), access, options, sole, observers)
    };
    let write = |options, sole| lane(Access::Write, options, sole);
    match topology {
        Topology::Sole => (write(options.sole(), true), None),
        Topology::SingleWriter if options.max_connections > 1 => {
            let readers = lane(Access::Read, options.readers(), false);
            (write(options.writer(), false), Some(readers))
        }
        Topology::Shared | Topology::SingleWriter => (write(options.clone(), false), None),
    }
}

/// A century.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Opens the least number of connections of a lane, one after the other.
async fn open_least(lane: &Arc<Lane>, at_least: usize) -> Result<()> {
    for _ in 0..lane.options.min_connections.max(at_least) {
        open_one(lane).await?;
    }
    Ok(())
}

/// Opens a connection, trying again if the server cannot be reached.
async fn open_one(lane: &Arc<Lane>) -> Result<()> {
    let began = tokio::time::Instant::now();
    let mut attempt = 1;
    while lane.reserve() {
        let Err(error) = Opening::reserved(lane).run(true).await else {
            return Ok(());
        };
        let retry = lane.options.connect_retry;
        let again = |retry: &ConnectRetry| error.is_connection() && attempt < retry.attempts;
        let Some(retry) = retry.filter(again) else {
            return Err(gave_up(error, attempt, began.elapsed()));
        };
        let pause = retry.jittered_pause(attempt);
        tracing::warn!(
            target: TARGET,
            pool = lane.options.get_name(),
            attempt,
            of = retry.attempts,
            ?pause,
            %error,
            "no connection could be opened; trying again"
        );
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
    Ok(())
}

/// Says how often it was tried, if more than once.
fn gave_up(error: Error, attempts: u32, took: Duration) -> Error {
    if attempts == 1 {
        return error;
    }
    let tried = format!("gave up after {attempts} attempts in {took:.1?}");
    let hint = match error.hint() {
        Some(hint) => format!("{hint}; {tried}"),
        None => tried,
    };
    error.with_hint(hint)
}
