//! Which statements a connection has prepared, and how often that helped.
//!
//! The drivers' libraries keep prepared statements by text, in a list of bounded length that drops the least recently
//! used, and do not tell what is in it. [`PreparedStatements`] is a mirror of one such list: the same capacity, the same
//! order of use, fed with what was prepared in truth. Texts marked as one-off are not kept.
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use hashlink::LruCache;

use crate::statement::Plan;

/// Figures of the prepared statements of a database handle's connections, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementStats {
    /// Statements that their connection had prepared already.
    pub hits: u64,
    /// Statements that were prepared to be kept.
    pub misses: u64,
    /// Prepared statements dropped because their connection's list was full.
    pub evictions: u64,
    /// Statements prepared for one use: texts unlikely to come again, and everything behind a pooler.
    pub one_off: u64,
    /// Prepared statements that the open connections hold now.
    pub len: usize,
}

impl StatementStats {
    /// The part of all statements that needed no preparing, from 0 to 1; 0 before the first.
    ///
    /// ```
    /// # async fn run() -> entourage::Result<()> {
    /// use entourage::{Database, prelude::*};
    ///
    /// let db = Database::connect("sqlite::memory:").await?;
    /// for _ in 0..10 {
    ///     let (one,): (i64,) = db.sql("SELECT 1", args![]).fetch_one().await?;
    ///     assert_eq!(one, 1);
    /// }
    /// assert!(db.statement_stats().reuse_rate() > 0.7);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn reuse_rate(&self) -> f64 {
        match self.hits + self.misses + self.one_off {
            0 => 0.0,
            all => self.hits as f64 / all as f64,
        }
    }

    /// What has happened since `earlier` was taken. `len` stays what it is now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            evictions: self.evictions.saturating_sub(earlier.evictions),
            one_off: self.one_off.saturating_sub(earlier.one_off),
            len: self.len,
        }
    }
}

/// The counters that the connections of one database handle share.
#[derive(Debug, Default)]
pub struct StatementCounters {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
    one_off: AtomicU64,
    len: AtomicUsize,
}

impl StatementCounters {
    /// The figures now.
    pub fn stats(&self) -> StatementStats {
        StatementStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
            one_off: self.one_off.load(Ordering::Relaxed),
            len: self.len.load(Ordering::Relaxed),
        }
    }
}

/// What a connection has of a statement about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// It is prepared already.
    Kept,
    /// It is going to be prepared and kept.
    New,
    /// It is going to be prepared for this use.
    OneOff,
}

impl Preparation {
    /// Whether the statement was prepared before, if it is one to be kept.
    pub fn was_prepared(self) -> Option<bool> {
        match self {
            Preparation::Kept => Some(true),
            Preparation::New => Some(false),
            Preparation::OneOff => None,
        }
    }
}

/// The prepared statements of one connection.
#[derive(Debug)]
pub struct PreparedStatements {
    kept: LruCache<Arc<str>, ()>,
    counters: Arc<StatementCounters>,
}

impl PreparedStatements {
    /// Those of a new connection, which keeps up to `capacity`.
    pub fn new(capacity: usize, counters: Arc<StatementCounters>) -> Self {
        Self {
            kept: LruCache::new(capacity),
            counters,
        }
    }

    /// What there is of `plan`'s statement, which is about to be sent and counted. `keep` says whether the connection
    /// keeps statements at all.
    pub fn look_up(&mut self, plan: &Plan, keep: bool) -> Preparation {
        let counters = &self.counters;
        let (preparation, counter) = if !(keep && plan.persistent) {
            (Preparation::OneOff, &counters.one_off)
        } else if self.kept.get(&*plan.sql).is_some() {
            (Preparation::Kept, &counters.hits)
        } else {
            (Preparation::New, &counters.misses)
        };
        counter.fetch_add(1, Ordering::Relaxed);
        preparation
    }

    /// The statement was prepared and is kept, in place of the one unused for longest if the list is full.
    pub fn keep(&mut self, sql: &Arc<str>) {
        let before = self.kept.len();
        if self.kept.insert(Arc::clone(sql), ()).is_some() {
            return;
        }
        match self.kept.len() > before {
            true => self.counters.len.fetch_add(1, Ordering::Relaxed),
            false => {
                self.counters.evictions.fetch_add(1, Ordering::Relaxed);
                0
            }
        };
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether one more drops another.
    pub fn is_full(&self) -> bool {
        self.kept.len() >= self.kept.capacity()
    }

    /// All of them were dropped.
    pub fn clear(&mut self) {
        self.counters
            .len
            .fetch_sub(self.kept.len(), Ordering::Relaxed);
        self.kept.clear();
    }
}

impl Drop for PreparedStatements {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::StatementKind;

    fn plan(sql: &str) -> Plan {
        Plan::new(sql, StatementKind::Select, Vec::new())
    }

    fn send(statements: &mut PreparedStatements, sql: &str) -> Preparation {
        let plan = plan(sql);
        let preparation = statements.look_up(&plan, true);
        if preparation == Preparation::New {
            statements.keep(&plan.sql);
        }
        preparation
    }

    #[test]
    fn the_least_recently_used_is_dropped_and_everything_is_counted() {
        let counters = Arc::new(StatementCounters::default());
        let mut statements = PreparedStatements::new(2, Arc::clone(&counters));
        let sent = ["a", "b", "a", "c", "a", "b"].map(|sql| send(&mut statements, sql));
        use Preparation::{Kept, New};
        assert_eq!(sent, [New, New, Kept, New, Kept, New]);
        assert!(statements.is_full());
        let once = statements.look_up(&plan("d").one_off(), true);
        assert_eq!(once, Preparation::OneOff);
        assert_eq!(statements.look_up(&plan("a"), false), Preparation::OneOff);
        let stats = StatementStats {
            hits: 2,
            misses: 4,
            evictions: 2,
            one_off: 2,
            len: 2,
        };
        assert_eq!(counters.stats(), stats);
        assert_eq!(stats.reuse_rate(), 0.25);
        assert_eq!(stats.since(&stats).misses, 0);
        drop(statements);
        assert_eq!(counters.stats().len, 0);
    }

    #[test]
    fn connections_of_one_handle_are_counted_together() {
        let counters = Arc::new(StatementCounters::default());
        let mut one = PreparedStatements::new(5, Arc::clone(&counters));
        let mut two = PreparedStatements::new(5, Arc::clone(&counters));
        send(&mut one, "a");
        send(&mut two, "a");
        assert_eq!(counters.stats().len, 2);
        assert_eq!(counters.stats().misses, 2);
        one.clear();
        assert!(one.is_empty());
        assert_eq!((two.len(), counters.stats().len), (1, 1));
        assert_eq!(StatementStats::default().reuse_rate(), 0.0);
    }
}
