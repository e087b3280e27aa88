//! Our own pool over the drivers' connections.
//!
//! Acquire and release of a free connection cost one short mutex each and no round trip; a connection is pinged only
//! after it lay idle. Everything else (growth, waiting, age, broken connections, SQLite's one writer) is off that path.
//! The pool knows connections, not statements: what is read and what is written is for the caller to say.
//!
//! Cancellation: a dropped [`Pool::acquire`] loses neither its place in the pool nor a connection that was on its way.
pub mod connection;
#[cfg(test)]
pub(crate) mod fake;
mod holders;
mod lane;
mod opening;
pub mod options;
mod reaper;
pub mod stats;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

use std::{fmt, panic::Location, sync::Arc};

use async_trait::async_trait;

use crate::{
    dialect::{Capabilities, Dialect},
    driver::Connection,
    error::Result,
};
use lane::Lane;
use opening::Opening;
pub(crate) use opening::random_fraction;

pub use connection::PoolConnection;
pub use options::PoolOptions;
pub use stats::PoolStats;

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
    acquire_timeout: std::time::Duration,
}

impl Pool {
    /// Opens a pool with at least one connection, so that a wrong URL is told here and not by the first statement.
    ///
    /// # Errors
    /// Options that do not go together; the reason why the first connection could not be opened.
    pub async fn open(
        connect: Arc<dyn Connect>,
        options: &PoolOptions,
        topology: Topology,
    ) -> Result<Self> {
        options.validate()?;
        let write = |options, sole| Lane::new(Arc::clone(&connect), Access::Write, options, sole);
        let (main, readers) = match topology {
            Topology::Sole => (write(options.sole(), true), None),
            Topology::SingleWriter if options.max_connections > 1 => {
                let readers =
                    Lane::new(Arc::clone(&connect), Access::Read, options.readers(), false);
                (write(options.writer(), false), Some(readers))
            }
            Topology::Shared | Topology::SingleWriter => (write(options.clone(), false), None),
        };
        open_least(&main, 1).await?;
        if let Some(readers) = &readers {
            open_least(readers, 0).await?;
        }
        let first = main.acquire(Location::caller()).await?;
        let (dialect, capabilities) = (first.dialect(), first.capabilities());
        drop(first);
        reaper::start(&main);
        readers.iter().for_each(reaper::start);
        Ok(Self(Arc::new(Lanes {
            main,
            readers,
            dialect,
            capabilities,
            acquire_timeout: options.acquire_timeout,
        })))
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

    /// How long a caller waits for a connection.
    pub fn acquire_timeout(&self) -> std::time::Duration {
        self.0.acquire_timeout
    }

    /// What the pool is doing and has done, readers and writer together.
    pub fn stats(&self) -> PoolStats {
        let main = self.0.main.stats();
        match &self.0.readers {
            Some(readers) => main + readers.stats(),
            None => main,
        }
    }

    /// The same for the connections that serve `access`.
    pub fn stats_of(&self, access: Access) -> PoolStats {
        self.lane(access).stats()
    }

    /// Refuses new callers, sends those away that wait, and waits until every connection came back and is closed.
    ///
    /// Dropped before its end, the pool stays closed; call it again to wait again.
    pub async fn close(&self) {
        match &self.0.readers {
            // Both at once: neither may go on lending while the other is waited for.
            Some(readers) => {
                tokio::join!(readers.close(), self.0.main.close());
            }
            None => self.0.main.close().await,
        }
    }

    fn lane(&self, access: Access) -> &Arc<Lane> {
        match (access, &self.0.readers) {
            (Access::Read, Some(readers)) => readers,
            _ => &self.0.main,
        }
    }
}

/// Opens the least number of connections of a lane, one after the other.
async fn open_least(lane: &Arc<Lane>, at_least: usize) -> Result<()> {
    for _ in 0..lane.options.min_connections.max(at_least) {
        if lane.reserve() {
            Opening::reserved(lane).run(true).await?;
        }
    }
    Ok(())
}
