//! What happens, told to whoever listens.
//!
//! Every statement of the framework ends as one [`Event`] at the executor seam. [`Observers`] fans it out; with no
//! observer, no event is made.
pub mod event;
pub mod recorder;
pub(crate) mod trace;

use std::sync::{Arc, RwLock};

pub use event::{Event, StatementEvent};
pub use recorder::{Recorded, Recording};

/// Listens to events. Called on the task that ran the statement: be quick, never block.
pub trait Observer: Send + Sync + 'static {
    /// Takes one event; it is borrowed, so copy what is to be kept.
    fn on_event(&self, event: &Event<'_>);
}

/// The observers of one database handle.
#[derive(Default)]
pub struct Observers {
    list: RwLock<Vec<Arc<dyn Observer>>>,
    any: std::sync::atomic::AtomicBool,
}

impl Observers {
    /// Adds an observer; it hears every event from now on.
    pub fn add(&self, observer: Arc<dyn Observer>) {
        let mut list = self
            .list
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        list.push(observer);
        self.any.store(true, std::sync::atomic::Ordering::Release);
    }

    /// Removes an observer, by identity.
    pub fn remove(&self, observer: &Arc<dyn Observer>) {
        let mut list = self
            .list
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        list.retain(|other| !Arc::ptr_eq(other, observer));
        self.any
            .store(!list.is_empty(), std::sync::atomic::Ordering::Release);
    }

    /// Whether anybody listens: the one test on the hot path.
    #[inline]
    pub fn is_listening(&self) -> bool {
        self.any.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Tells every observer.
    pub fn emit(&self, event: &Event<'_>) {
        let list = self
            .list
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for observer in list.iter() {
            observer.on_event(event);
        }
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.list.read().map_or(0, |list| list.len());
        f.debug_struct("Observers").field("count", &count).finish()
    }
}
