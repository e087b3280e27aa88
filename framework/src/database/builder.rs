//! Putting a database handle together.
use std::sync::Arc;

use async_trait::async_trait;

use super::Database;
use crate::{
    dialect::Dialect,
    driver::{self, ConnectOptions, Connection, OpenMode},
    error::{Error, Result},
    observe::{Observer, Observers},
    pool::{Access, Connect, Pool, PoolOptions, Topology},
};

/// Settings of a database handle; see [`Database::builder`].
#[derive(Default)]
#[must_use = "nothing happens before `connect` is awaited"]
pub struct DatabaseBuilder {
    options: Option<Result<ConnectOptions>>,
    pool: PoolOptions,
    observers: Observers,
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

    /// Opens the first connection.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for settings that have no meaning; the reason why no
    /// connection could be opened.
    pub async fn connect(self) -> Result<Database> {
        let options = self.options.unwrap_or_else(|| {
            Err(Error::configuration("no database was given")
                .with_hint("call `.url(..)` or `.options(..)` before `.connect()`"))
        })?;
        let target = options.to_string();
        let topology = topology(&options);
        let dial = Arc::new(Dial(options));
        let pool = Pool::open(dial, &self.pool, topology).await?;
        Ok(Database::new(pool, Arc::new(self.observers), target))
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

/// Opens connections by the driver. An SQLite file has readers of its own only beside a writer.
#[derive(Debug)]
struct Dial(ConnectOptions);

#[async_trait]
impl Connect for Dial {
    async fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
        match access {
            Access::Write => driver::connect(&self.0).await,
            Access::Read => {
                let reader = self.0.clone().open_mode(OpenMode::ReadOnly);
                driver::connect(&reader).await
            }
        }
    }
}
