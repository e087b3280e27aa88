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
pub mod routing_event;
pub mod scope;
pub mod slow;
pub mod target;
pub(crate) mod trace;
pub mod view_event;
mod write_behind_event;

use std::{
    fmt,
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
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
pub use routing_event::{BanReason, FallbackReason, RoutingEvent, RoutingEventKind};
pub use scope::{Everything, Observed, Scope, spawn};
pub use slow::SlowStatements;
pub use target::{Role, Target};
pub use view_event::ViewEvent;
pub use write_behind_event::WriteBehindEvent;

static UNKNOWN: Target = Target::UNKNOWN;

/// Those who listen.
#[derive(Default)]
struct Listening {
    list: RwLock<Vec<Arc<dyn Observer>>>,
    any: AtomicBool,
}

/// One server in each of its roles: events borrow the one that it has.
struct Targets {
    primary: Target,
    replica: Target,
}

/// Listens to events. Called on the task that ran the statement: be quick, never block.
pub trait Observer: Send + Sync + 'static {
    /// Takes one event; it is borrowed, so copy what is to be kept.
    fn on_event(&self, event: &Event<'_>);
}

/// The observers of one database handle, and what it tells about itself.
#[derive(Default)]
pub struct Observers {
    /// Shared with those of the handle's other servers.
    listening: Arc<Listening>,
    targets: OnceLock<Targets>,
    is_replica: AtomicBool,
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
        match self.targets.get() {
            None => &UNKNOWN,
            Some(targets) if self.is_replica.load(Ordering::Acquire) => &targets.replica,
            Some(targets) => &targets.primary,
        }
    }

    /// Says what statements are sent to, once it is known.
    pub(crate) fn set_target(&self, target: Target) {
        self.set_role(target.role);
        // Nobody else sets it.
        let _ = self.targets.set(Targets {
            primary: target.as_role(Role::Primary),
            replica: target.as_role(Role::Replica),
        });
    }

    /// Says what the server has become.
    pub(crate) fn set_role(&self, role: Role) {
        self.is_replica
            .store(role == Role::Replica, Ordering::Release);
    }

    /// The same observers, for another server that holds the database.
    pub(crate) fn of_server(&self, target: Target) -> Self {
        let others = Self {
            listening: Arc::clone(&self.listening),
            shows_arguments: self.shows_arguments,
            ..Self::default()
        };
        others.set_target(target);
        others
    }

    /// Observers that tell those of `family` and their own, for a server of which nothing is known yet.
    pub(crate) fn joined(self, family: &Self) -> Self {
        let mut list = family.listening.write();
        list.append(&mut self.listening.write());
        family
            .listening
            .any
            .store(!list.is_empty(), Ordering::Release);
        Self {
            listening: Arc::clone(&family.listening),
            shows_arguments: family.shows_arguments,
            ..Self::default()
        }
    }

    pub(crate) fn shows_arguments(&self) -> bool {
        self.shows_arguments
    }

    /// Adds an observer; it hears every event from now on.
    pub fn add(&self, observer: Arc<dyn Observer>) {
        let mut list = self.listening.write();
        list.push(observer);
        self.listening.any.store(true, Ordering::Release);
    }

    /// Removes an observer, by identity.
    pub fn remove(&self, observer: &Arc<dyn Observer>) {
        let mut list = self.listening.write();
        list.retain(|other| !Arc::ptr_eq(other, observer));
        self.listening
            .any
            .store(!list.is_empty(), Ordering::Release);
    }

    /// Whether anybody listens: the one test on the hot path.
    #[inline]
    pub fn is_listening(&self) -> bool {
        self.listening.any.load(Ordering::Acquire)
    }

    /// Tells every observer. One that adds or removes observers meanwhile is heard from the next event on.
    pub fn emit(&self, event: &Event<'_>) {
        let list = self.listening.read().clone();
        for observer in &list {
            observer.on_event(event);
        }
    }
}

impl Listening {
    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<dyn Observer>>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Arc<dyn Observer>>> {
        self.list.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.listening.read().len();
        f.debug_struct("Observers")
            .field("target", self.target())
            .field("count", &count)
            .finish()
    }
}
