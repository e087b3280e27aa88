//! How often articles are looked at: counted in memory, written behind.
//!
//! A view is no reason to wait for the database, and a thousand views of an article are one row to write. So [`Views`]
//! queues them: the sums go to the database in the background, a few times a second, and when the program stops. A
//! process that is killed loses what it had not written, unless it keeps a journal.
use std::{path::PathBuf, time::Duration};

use entourage::{
    Database, ErrorKind,
    prelude::*,
    repository::WriteBehind,
    result_cache::write_behind::{Durability, WhenFull, WriteBehindStats},
};

/// An article as its views are counted: a row of the same table, with these two columns. The key is known by then, and a
/// view is no change of the article, so its time of change stays.
#[derive(Debug, Clone, Entity)]
#[entity(table = "articles")]
pub struct Counter {
    /// The article's key.
    #[entity(primary_key)]
    pub id: i64,
    /// How often it was looked at.
    pub views: i64,
}

/// How views are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long a view waits for others before they are written.
    pub flush_every: Duration,
    /// The folder of a journal, for one process alone: then views survive the process, though not a power cut. To sync
    /// the disk for each view would be too much for a number that nobody is paid by.
    pub journal: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flush_every: Duration::from_millis(500),
            journal: None,
        }
    }
}

/// Counts views. Cheap to clone; all clones are one queue.
#[derive(Debug, Clone)]
pub struct Views(WriteBehind);

impl Views {
    /// Begins to count; what another process left in the journal is written first.
    ///
    /// # Errors
    /// A folder that cannot be used; the database's.
    pub async fn start(db: &Database, options: Options) -> entourage::Result<Self> {
        let queue = WriteBehind::builder(db)
            .entities::<Counter>()
            .flush_every(options.flush_every)
            // A page is not kept waiting for its counter, nor the end of the program for a database that is away.
            .when_full(WhenFull::Error)
            .shutdown_timeout(Duration::from_secs(10));
        let queue = match options.journal {
            Some(folder) => queue.durable(folder).durability(Durability::Os),
            None => queue,
        };
        Ok(Self(queue.start().await?))
    }

    /// Somebody looks at an article. That it cannot be counted is no reason not to show it.
    pub async fn count(&self, article: i64) {
        if let Err(error) = self.add(article).await {
            tracing::warn!(%error, article, "a view is not counted");
        }
    }

    async fn add(&self, article: i64) -> entourage::Result<()> {
        self.forget_removed().await?;
        let counters = self.0.of::<Counter>()?;
        counters.add(article, Counter::VIEWS, 1).await
    }

    /// The views of articles that were removed before they were written: the queue keeps them as dead letters, for
    /// somebody to decide.
    async fn forget_removed(&self) -> entourage::Result<()> {
        if self.0.stats().dead_letters == 0 {
            return Ok(());
        }
        let gone = ErrorKind::NotFound.name();
        let letters = self.0.dead_letters().into_iter();
        for letter in letters.filter(|letter| letter.kind == gone) {
            match self.0.discard(letter.id).await {
                // Another view was faster.
                Err(error) if error.is_not_found() => {}
                discarded => discarded?,
            }
        }
        Ok(())
    }

    /// The figures of the queue.
    pub fn stats(&self) -> WriteBehindStats {
        self.0.stats()
    }

    /// The queue, for whoever looks at it.
    pub fn queue(&self) -> &WriteBehind {
        &self.0
    }

    /// Writes what was counted so far.
    ///
    /// # Errors
    /// After [`stop`](Views::stop).
    pub async fn flush(&self) -> entourage::Result<()> {
        self.0.flush().await
    }

    /// Writes what was counted and counts no more. To be called when all requests are answered, before the database is
    /// closed.
    ///
    /// # Errors
    /// If the database did not take it in time: a journal keeps it for the next start.
    pub async fn stop(&self) -> entourage::Result<()> {
        self.0.shutdown().await
    }
}
