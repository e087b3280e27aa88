//! What happens, told to whoever listens.
//!
//! Every statement of the framework ends as one [`Event`] at the executor seam. Three kinds of listeners hear it:
//!
//! - the [`Observer`]s of a database handle, each event as it happens;
//! - the [`Scope`]s that the running task is in, and the [`Recording`]s of the handle, which keep a [`StatementLog`] to
//!   be counted, asserted and searched for N+1 queries ([`NPlusOne`]);
//! - subscribers of `tracing`, in OpenTelemetry's terms.
//!
//! With nobody listening no time is taken and no event is made.
#![doc = include_str!("docs/n_plus_one.md")]
pub mod alarm;
#[cfg(feature = "tower")]
pub mod budget;
pub mod cache_event;
pub mod detector;
pub mod event;
pub mod log;
pub mod pool_event;
pub mod pool_stats;
pub mod recorded;
pub mod recording;
pub mod report;
pub mod scope;
pub mod slow;
pub mod target;
pub(crate) mod trace;
pub mod write_behind_event;

use std::{
    fmt,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

pub use alarm::Alarm;
#[cfg(feature = "tower")]
pub use budget::{OverBudget, QueryBudget};
pub use cache_event::{CacheEvent, CacheEventKind};
pub use detector::{NPlusOne, Rules};
pub use event::{Event, StatementEvent, StatementStarted, TransactionEvent, TransactionStep};
pub use log::{Ignored, StatementLog};
pub use pool_event::{CloseReason, PoolEvent, PoolEventKind};
pub use pool_stats::PoolStats;
pub use recorded::{Arguments, Recorded};
pub use recording::Recording;
pub use report::Report;
pub use scope::{Everything, Observed, Scope, spawn};
pub use slow::SlowStatements;
pub use target::Target;
pub use write_behind_event::WriteBehindEvent;

static UNKNOWN: Target = Target::UNKNOWN;

/// Listens to events. Called on the task that ran the statement: be quick, never block.
pub trait Observer: Send + Sync + 'static {
    /// Takes one event; it is borrowed, so copy what is to be kept.
    fn on_event(&self, event: &Event<'_>);
}

/// The observers of one database handle, and what it tells about itself.
#[derive(Default)]
pub struct Observers {
    list: RwLock<Vec<Arc<dyn Observer>>>,
    any: AtomicBool,
    target: OnceLock<Target>,
    shows_arguments: bool,
}

impl Observers {
    /// The same, with arguments in what `tracing` is told. Those of sensitive columns never are.
    #[must_use]
    pub fn showing_arguments(mut self, shows: bool) -> Self {
        self.shows_arguments = shows;
        self
    }

    /// What statements are sent to; nothing is known of it before the first connection.
    pub fn target(&self) -> &Target {
        self.target.get().unwrap_or(&UNKNOWN)
    }

    /// Says what statements are sent to, once it is known.
    pub(crate) fn set_target(&self, target: Target) {
        // Nobody else sets it.
        let _ = self.target.set(target);
    }

    pub(crate) fn shows_arguments(&self) -> bool {
        self.shows_arguments
    }

    /// Adds an observer; it hears every event from now on.
    pub fn add(&self, observer: Arc<dyn Observer>) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        list.push(observer);
        self.any.store(true, Ordering::Release);
    }

    /// Removes an observer, by identity.
    pub fn remove(&self, observer: &Arc<dyn Observer>) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        list.retain(|other| !Arc::ptr_eq(other, observer));
        self.any.store(!list.is_empty(), Ordering::Release);
    }

    /// Whether anybody listens: the one test on the hot path.
    #[inline]
    pub fn is_listening(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Tells every observer. One that adds or removes observers meanwhile is heard from the next event on.
    pub fn emit(&self, event: &Event<'_>) {
        let list = self
            .list
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for observer in &list {
            observer.on_event(event);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.read().map_or(0, |list| list.len());
        f.debug_struct("Observers")
            .field("target", self.target())
            .field("count", &count)
            .finish()
    }
}
