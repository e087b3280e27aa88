//! An observer that writes down what a pool tells.
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::observe::{Event, Observer, Observers, PoolEventKind};

/// The events of a pool, one line each, without times.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Vec<String>>);

impl Heard {
    /// What was told since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn count(&self, what: &str) -> usize {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter(|line| line.starts_with(what)).count()
    }
}

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let Event::Pool(event) = event else {
            return;
        };
        let line = match event.kind {
            PoolEventKind::Opened { .. } => "opened".to_owned(),
            PoolEventKind::OpenFailed { error } => format!("open failed: {:?}", error.kind()),
            PoolEventKind::Closed { reason, .. } => format!("closed {reason:?}"),
            PoolEventKind::Acquired { wait } if wait.is_zero() => "acquired".to_owned(),
            PoolEventKind::Acquired { wait } => format!("acquired after {wait:?}"),
            PoolEventKind::Released { used } => format!("released after {used:?}"),
            PoolEventKind::TimedOut { waited } => format!("timed out after {waited:?}"),
            PoolEventKind::Leaked { held, .. } => format!("leaked for {held:?}"),
            PoolEventKind::ReturnedAfterAll { held, .. } => format!("returned after {held:?}"),
            PoolEventKind::Snapshot(stats) => format!("snapshot, {} in use", stats.in_use),
            PoolEventKind::PendingGrowing { pending, before } => {
                format!("pending {before} to {pending}")
            }
            PoolEventKind::NearlyFull { in_use, max } => format!("full {in_use} of {max}"),
        };
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(format!("{line} ({})", event.pool));
    }
}

/// A pool that is listened to from its first connection.
pub(super) async fn heard(server: &FakeServer, options: PoolOptions) -> (Pool, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let observers = Arc::new(Observers::default());
    observers.add(Arc::clone(&heard) as Arc<dyn Observer>);
    let connect: Arc<dyn Connect> = Arc::new(server.clone());
    let pool = Pool::open_observed(connect, &options, Topology::Shared, observers);
    (pool.await.unwrap(), heard)
}
