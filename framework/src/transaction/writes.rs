//! What a transaction has written so far, each write with the savepoint it belongs to.
use std::sync::{Mutex, PoisonError};

use crate::executor::written::Write;

/// The writes in order, each with its level (0: the transaction itself).
#[derive(Debug, Default)]
pub(crate) struct Writes(Mutex<Vec<(u32, Write)>>);

impl Writes {
    pub(crate) fn add(&self, level: u32, writes: Vec<Write>) {
        if !writes.is_empty() {
            self.lock()
                .extend(writes.into_iter().map(|write| (level, write)));
        }
    }

    /// A savepoint was released: its writes are those of what it was part of.
    pub(crate) fn hand_up(&self, from: u32, to: u32) {
        for (level, _) in self.lock().iter_mut() {
            if *level >= from {
                *level = to;
            }
        }
    }

    /// The writes of a level and of everything inside it were taken back.
    pub(crate) fn drop_from(&self, from: u32) {
        self.lock().retain(|(level, _)| *level < from);
    }

    pub(crate) fn take(&self) -> Vec<Write> {
        let writes = std::mem::take(&mut *self.lock());
        writes.into_iter().map(|(_, write)| write).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u32, Write)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
