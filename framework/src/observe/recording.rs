//! Everything that one database handle runs, whatever task it runs on.
use std::{ops::Deref, sync::Arc};

use super::{Observers, StatementLog, recorded::DatabaseId, scope};

/// A running recording of one database handle; it ends when it is dropped. See [`Database::recorded`].
///
/// It hears the statements of all tasks. To keep those of one task and its children apart, use a
/// [`Scope`](super::Scope).
///
/// [`Database::recorded`]: crate::Database::recorded
#[derive(Debug)]
pub struct Recording {
    log: Arc<StatementLog>,
    _registered: scope::Registered,
}

impl Recording {
    /// Starts recording the handle that has `observers`.
    pub fn start(observers: &Arc<Observers>) -> Self {
        let log = Arc::new(StatementLog::default());
        Self {
            _registered: scope::Registered::new(DatabaseId::of(observers), &log),
            log,
        }
    }
}

/// The log of what was recorded.
impl Deref for Recording {
    type Target = Arc<StatementLog>;

    fn deref(&self) -> &Self::Target {
        &self.log
    }
}
