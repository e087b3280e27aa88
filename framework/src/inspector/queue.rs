//! Write-behind queues that are looked at.
use std::sync::Arc;

use super::{Inspector, json::queue};
use crate::repository::WriteBehind;

impl Inspector {
    /// Shows the figures of a write-behind queue, by that name, among the caches. It does not keep the queue open: one
    /// that was shut down or dropped is shown as such.
    #[must_use]
    pub fn write_behind(mut self, name: impl Into<String>, queue: &WriteBehind) -> Self {
        let (name, watch) = (name.into(), queue.watch());
        let told = move || queue::told(&name, watch.stats());
        self.settings.queues.push(Arc::new(told));
        self
    }
}
