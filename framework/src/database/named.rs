//! Several databases of one program, by name.
use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{Database, HealthReport};
use crate::error::{Error, ErrorKind, Result};

/// Databases by name: to be found where they are needed, and closed together.
///
/// ```
/// # async fn run() -> entourage::Result<()> {
/// use entourage::{Database, database::Databases};
///
/// let mut databases = Databases::new();
/// databases.insert("blog", Database::connect("sqlite::memory:").await?)?;
/// databases.insert("jobs", Database::connect("sqlite::memory:").await?)?;
/// databases.get("jobs")?.execute_script("CREATE TABLE jobs (id INTEGER PRIMARY KEY)").await?;
/// assert!(databases.get("logs").unwrap_err().to_string().contains("`blog`, `jobs`"));
/// databases.close().await?;
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Databases(BTreeMap<String, Database>);

impl Databases {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a database.
    ///
    /// # Errors
    /// A [`Configuration`](ErrorKind::Configuration) error if there is one of that name; the first one stays.
    pub fn insert(&mut self, name: impl Into<String>, db: Database) -> Result<()> {
        let name = name.into();
        if self.0.contains_key(&name) {
            return Err(Error::configuration(format!(
                "there is a database by the name of `{name}` already"
            )));
        }
        self.0.insert(name, db);
        Ok(())
    }

    /// The database of that name.
    ///
    /// # Errors
    /// A [`Configuration`](ErrorKind::Configuration) error that lists the names there are.
    pub fn get(&self, name: &str) -> Result<&Database> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<String> = self.names().map(|name| format!("`{name}`")).collect();
            Error::configuration(format!("there is no database by the name of `{name}`"))
                .with_hint(format!("there are: {}", names.join(", ")))
        })
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Checks all of them at once, see [`Database::health`].
    pub async fn health(&self) -> BTreeMap<String, HealthReport> {
        let checks = self
            .0
            .iter()
            .map(async |(name, db)| (name.clone(), db.health().await));
        join_all(checks).await.into_iter().collect()
    }

    /// Closes all of them at once, see [`Database::close`].
    ///
    /// # Errors
    /// A [`Timeout`](ErrorKind::Timeout) error that names every database that had to be closed by force, and the calls
    /// that hold its connections. All are closed all the same.
    pub async fn close(&self) -> Result<()> {
        let closing = self
            .0
            .iter()
            .map(async |(name, db)| (name, db.close().await));
        let reports = join_all(closing).await;
        let forced: Vec<String> = reports
            .iter()
            .filter(|(_, report)| !report.is_clean())
            .map(|(name, report)| format!("`{name}` was {report}"))
            .collect();
        match forced.is_empty() {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Timeout, forced.join("; "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{panic::Location, sync::Arc, time::Duration};

    use super::*;
    use crate::{
        dialect::Dialect,
        pool::{Access, Pool, PoolOptions, Topology, fake::FakeServer},
        transaction::Origin,
    };

    async fn database(server: &FakeServer) -> Database {
        let options = PoolOptions::new().close_timeout(Duration::from_secs(1));
        let pool = Pool::open(Arc::new(server.clone()), &options, Topology::Shared).await;
        let origin = Origin::new(pool.unwrap(), Arc::default());
        let name = || "a".to_owned();
        let (counters, cache) = Default::default();
        Database::new(origin, counters, name(), name(), cache, None, None)
    }

    #[tokio::test(start_paused = true)]
    async fn all_are_closed_and_every_one_that_was_forced_is_named() {
        let server = FakeServer::new(Dialect::Postgres);
        let mut databases = Databases::new();
        for name in ["web", "jobs", "reports"] {
            databases.insert(name, database(&server).await).unwrap();
        }
        let again = databases.insert("web", database(&server).await);
        assert!(again.unwrap_err().to_string().contains("`web` already"));
        assert_eq!(databases.health().await.len(), 3);
        let hold = async |name: &str| {
            let pool = databases.get(name).unwrap().pool();
            pool.acquire(Access::Write, Location::caller())
                .await
                .unwrap()
        };
        let held = (hold("web").await, hold("jobs").await);
        let error = databases.close().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let text = error.to_string();
        assert!(
            text.starts_with("`jobs` was closed by force, 1 connection"),
            "{text}"
        );
        assert!(text.contains("; `web` was closed by force"), "{text}");
        assert!(!text.contains("reports"), "{text}");
        assert!(databases.get("reports").unwrap().begin().await.is_err());
        drop(held);
        databases.close().await.unwrap();
    }
}
