//! The second tier: rows that a server keeps for all processes.
//!
//! A row is loaded from the database under a *lease*: whoever finds nothing is given one, the others wait for it, and what
//! it loads is taken only as long as nobody has written the row since; a write ends all leases of its rows. So a slow
//! load never overwrites a newer write, and one process loads a row for all of them. The idea is that of R. Nishtala et al.,
//! "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1. While a row is written, and as long as nobody knows how that
//! ended, there is neither row nor lease, as in the cache itself.
//!
//! The server that does not answer in time is passed by: the database is asked.
use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout};

use super::{Inner, processes::link::Speaker, rows::Rows, stats::count};
use crate::{
    error::Result,
    executor::written::{Fetched, Lease, Loaded},
    schema::{CachedRow, KeyPart, TableDef},
};

/// How long a waiter for somebody else's load sleeps at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Keeps rows for all processes.
#[async_trait]
pub(crate) trait Tier: Send + Sync + fmt::Debug {
    /// What there is under `keys`; a lease lasts for `lease`.
    async fn look(&self, place: Place<'_>, keys: &[KeyPart], lease: Duration) -> Result<Vec<Look>>;

    /// Puts rows in under their leases, for `ttl`. A row that is not there ends its lease.
    async fn fill(&self, place: Place<'_>, rows: &[Loaded], ttl: Duration) -> Result<()>;
}

/// Where the rows of one entity are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table's plain name, as notices have it.
    pub(crate) name: &'a str,
    /// The entity.
    pub(crate) table: &'static TableDef,
    /// Of the table's form: rows of another version of the program are not for this one.
    pub(crate) fingerprint: u64,
}

/// What the server has of a row.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// The row.
    Row(Arc<dyn CachedRow>),
    /// Nothing; the asker may put it in.
    Lease(Lease),
    /// Nothing, and somebody else loads it.
    Held,
    /// The row is being written, or what is there cannot be read.
    Closed,
}

impl Inner {
    /// The connection to the second tier for these rows, if there is one.
    fn tier_of(&self, rows: &Rows) -> Option<Arc<dyn Speaker>> {
        if !rows.is_shared {
            return None;
        }
        let speaker = self.processes.get()?.speaker()?;
        speaker.tier().is_some().then_some(speaker)
    }

    /// What the second tier has of rows that the cache does not; nothing without a tier.
    pub(super) fn fetch<'a>(
        &'a self,
        rows: &'a Rows,
        keys: &'a [KeyPart],
    ) -> Option<BoxFuture<'a, Vec<Fetched>>> {
        let speaker = self.tier_of(rows)?;
        Some(Box::pin(async move {
            let fetched = self.fetch_from(&*speaker, rows, keys).await;
            fetched.unwrap_or_else(|| vec![Fetched::Closed; keys.len()])
        }))
    }

    async fn fetch_from(
        &self,
        speaker: &dyn Speaker,
        rows: &Rows,
        keys: &[KeyPart],
    ) -> Option<Vec<Fetched>> {
        let (processes, tier) = (self.processes.get()?, speaker.tier()?);
        let times = processes.times();
        let figures = &processes.figures;
        let look = async |keys: &[KeyPart]| {
            let looked = timeout(times.timeout, tier.look(rows.place(), keys, times.lease)).await;
            let looked = looked.ok().and_then(Result::ok);
            if looked.is_none() {
                count(&figures.tier_failures);
            }
            looked
        };
        let mut looked = look(keys).await?;
        let until = Instant::now() + times.lease.min(self.options.patience);
        let mut pause = FIRST_PAUSE;
        // Rows that somebody else loads: they will be there soon, or the lease runs out.
        while looked.iter().any(is_held) && Instant::now() < until {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let places: Vec<usize> = (0..looked.len())
                .filter(|&at| is_held(&looked[at]))
                .collect();
            let asked: Vec<KeyPart> = places.iter().map(|&at| keys[at].clone()).collect();
            for (at, look) in places.into_iter().zip(look(&asked).await?) {
                if matches!(look, Look::Row(_)) {
                    count(&figures.tier_waits);
                }
                looked[at] = look;
            }
        }
        let fetched = |look| match look {
            Look::Row(row) => {
                count(&figures.tier_hits);
                Fetched::Row(row)
            }
            Look::Lease(lease) => {
                count(&figures.tier_misses);
                Fetched::Missing(lease)
            }
            Look::Held | Look::Closed => {
                count(&figures.tier_misses);
                Fetched::Closed
            }
        };
        Some(looked.into_iter().map(fetched).collect())
    }

    /// Gives rows that were loaded under a lease to the second tier.
    pub(super) async fn fill(&self, rows: &Rows, loaded: Vec<Loaded>) {
        let Some(speaker) = self.tier_of(rows).filter(|_| !loaded.is_empty()) else {
            return;
        };
        let (Some(processes), Some(tier)) = (self.processes.get(), speaker.tier()) else {
            return;
        };
        let ttl = self.clock.jittered(rows.def.ttl);
        let filled = timeout(
            processes.times().timeout,
            tier.fill(rows.place(), &loaded, ttl),
        )
        .await;
        if !matches!(filled, Ok(Ok(()))) {
            count(&processes.figures.tier_failures);
        }
    }
}

fn is_held(look: &Look) -> bool {
    matches!(look, Look::Held)
}

/// Whether rows of the table may leave the process: not those with columns that are marked as sensitive.
pub(super) fn may_be_shared(table: &TableDef) -> bool {
    table.columns.iter().all(|column| !column.sensitive)
}
