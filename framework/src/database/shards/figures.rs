//! Which shard does how much.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{executor::sharding::ShardAccess, pool::PoolStats};

/// The calls that went to one shard.
#[derive(Debug, Default)]
pub(super) struct Calls {
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Calls {
    pub(super) fn note(&self, access: ShardAccess) {
        match access {
            ShardAccess::Read => self.reads.fetch_add(1, Relaxed),
            ShardAccess::Write => self.writes.fetch_add(1, Relaxed),
        };
    }

    pub(super) fn figures(&self, name: &Arc<str>, pool: PoolStats) -> ShardFigures {
        ShardFigures {
            name: Arc::clone(name),
            reads: self.reads.load(Relaxed),
            writes: self.writes.load(Relaxed),
            share: 0.0,
            is_hot: false,
            pool,
        }
    }
}

/// What one shard has done since the handle was made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShardFigures {
    /// Its name.
    pub name: Arc<str>,
    /// Calls of repositories on the [`Shards`](super::Shards) that read from it. One that reads from all of them counts for each.
    pub reads: u64,
    /// Calls that wrote to it, and transactions.
    pub writes: u64,
    /// Its part of all calls, from 0 to 1; 0 where there were none.
    pub share: f64,
    /// Whether it takes more than twice the calls of a mean shard; of two shards, more than three quarters.
    pub is_hot: bool,
    /// Its pool. Calls through [`Shards::at`](super::Shards::at) and [`Shards::shard`](super::Shards::shard) are seen here alone.
    pub pool: PoolStats,
}

/// What all shards have done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShardsFigures {
    /// Each of them, in the order in which they were added.
    pub shards: Vec<ShardFigures>,
}

impl ShardsFigures {
    pub(super) fn new(mut shards: Vec<ShardFigures>) -> Self {
        let calls = |shard: &ShardFigures| shard.reads + shard.writes;
        let all: u64 = shards.iter().map(calls).sum();
        if all > 0 {
            let mean = 1.0 / shards.len() as f64;
            // Nobody takes more than all, so it is at most half-way there from the mean.
            let hot = (2.0 * mean).min((mean + 1.0) / 2.0);
            for shard in &mut shards {
                shard.share = calls(shard) as f64 / all as f64;
                shard.is_hot = shard.share > hot;
            }
        }
        Self { shards }
    }

    /// The shard with the most calls; `None` if there were none.
    pub fn hottest(&self) -> Option<&ShardFigures> {
        let calls = |shard: &&ShardFigures| shard.reads + shard.writes;
        self.shards
            .iter()
            .max_by_key(calls)
            .filter(|shard| calls(shard) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(calls: &[(u64, u64)]) -> ShardsFigures {
        let one = |(at, &(reads, writes)): (usize, &(u64, u64))| {
            let counted = Calls::default();
            (0..reads).for_each(|_| counted.note(ShardAccess::Read));
            (0..writes).for_each(|_| counted.note(ShardAccess::Write));
            counted.figures(&format!("s{at}").into(), PoolStats::default())
        };
        ShardsFigures::new(calls.iter().enumerate().map(one).collect())
    }

    #[test]
    fn a_shard_is_hot_that_takes_more_than_twice_its_part() {
        let figures = figures(&[(1, 0), (1, 1), (9, 2), (2, 0)]);
        let hot: Vec<bool> = figures.shards.iter().map(|shard| shard.is_hot).collect();
        assert_eq!(hot, [false, false, true, false]);
        assert_eq!(figures.hottest().map(|shard| &*shard.name), Some("s2"));
        assert_eq!(figures.shards[2].share, 11.0 / 16.0);
    }

    #[test]
    fn one_of_two_shards_may_be_hot() {
        let hot = |calls: &[(u64, u64)]| -> Vec<bool> {
            let figures = figures(calls);
            figures.shards.iter().map(|shard| shard.is_hot).collect()
        };
        assert_eq!(hot(&[(80, 0), (20, 0)]), [true, false]);
        assert_eq!(hot(&[(70, 0), (30, 0)]), [false, false]);
        assert_eq!(hot(&[(70, 0), (20, 0), (10, 0)]), [true, false, false]);
        assert_eq!(hot(&[(5, 0)]), [false]);
    }

    #[test]
    fn nobody_is_hot_where_nothing_happened() {
        let figures = figures(&[(0, 0), (0, 0)]);
        assert!(figures.hottest().is_none());
        assert!(
            figures
                .shards
                .iter()
                .all(|shard| shard.share == 0.0 && !shard.is_hot)
        );
    }
}
