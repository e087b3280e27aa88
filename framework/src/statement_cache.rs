//! Plans: the texts that were rendered before, found again by the shape of the query. And the prepared statements of
//! each connection, counted.
//!
//! Rendering a statement costs several hundred nanoseconds, finding its plan some tens. Plans are shared by all
//! connections and database handles of the process, bounded, and evicted least recently used first. A query that holds
//! a raw expression has no shape and is rendered each time.
#![doc = include_str!("docs/statements.md")]
mod finder;
mod prepared;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hashlink::LruCache;

pub use finder::by_key;
pub use prepared::{Preparation, PreparedStatements, StatementCounters, StatementStats};

use crate::{
    error::Result,
    schema::Value,
    statement::{
        Plan, nul,
        render::{Backend, Query, Shape, ShapeToken, render},
    },
};

/// How many plans are kept by default.
const DEFAULT_CAPACITY: NonZeroUsize = NonZeroUsize::new(2_000).expect("the capacity is not zero");

/// The plans of the process.
static PLANS: LazyLock<PlanCache> = LazyLock::new(|| PlanCache::new(DEFAULT_CAPACITY));

/// Figures of the plan cache since the program started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanCacheStats {
    /// Queries whose text was known.
    pub hits: u64,
    /// Queries that were rendered.
    pub misses: u64,
    /// Plans dropped because the cache was full.
    pub evictions: u64,
    /// Plans held now.
    pub len: usize,
}

/// The figures of the process's plan cache.
pub fn stats() -> PlanCacheStats {
    PLANS.stats()
}

/// The plan for `query` and its arguments, from the process's plan cache or rendered now.
///
/// # Errors
/// As [`render`]; [`Encode`](crate::ErrorKind::Encode) for text that the database cannot hold.
pub fn plan(query: Query<'_>, backend: Backend) -> Result<(Arc<Plan>, Vec<Value>)> {
    let (plan, args) = PLANS.plan(query, backend)?;
    nul::refuse(query, &args, backend.dialect)?;
    Ok((plan, args))
}

/// A bounded map from shapes to plans.
#[derive(Debug)]
pub struct PlanCache {
    plans: Mutex<LruCache<Box<[ShapeToken]>, Arc<Plan>>>,
    capacity: usize,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl PlanCache {
    /// An empty cache for `capacity` plans.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self {
            plans: Mutex::new(LruCache::new(capacity.get())),
            capacity: capacity.get(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// The plan for `query` and its arguments.
    ///
    /// # Errors
    /// As [`render`].
    pub fn plan(&self, query: Query<'_>, backend: Backend) -> Result<(Arc<Plan>, Vec<Value>)> {
        let Shape {
            tokens: Some(tokens),
            args,
        } = Shape::of(query, backend)
        else {
            let (plan, args) = render(query, backend)?;
            return Ok((Arc::new(plan.one_off()), args));
        };
        if let Some(plan) = self.lock().get(tokens.as_slice()) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok((Arc::clone(plan), args));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let (plan, rendered) = render(query, backend)?;
        debug_assert_eq!(
            args, rendered,
            "the shape lists other arguments than the text: {}",
            plan.sql
        );
        let plan = Arc::new(plan);
        let mut plans = self.lock();
        if plans.len() >= self.capacity {
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
        plans.insert(tokens.into_boxed_slice(), Arc::clone(&plan));
        Ok((plan, rendered))
    }

    /// The figures of this cache.
    pub fn stats(&self) -> PlanCacheStats {
        PlanCacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
            len: self.lock().len(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<Box<[ShapeToken]>, Arc<Plan>>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
