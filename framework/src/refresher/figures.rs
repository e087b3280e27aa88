//! What was done for a view.
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{error::Error, view::RefreshReport};

/// What a refresher did for one view.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ViewFigures {
    /// The view's name in the database.
    pub view: &'static str,
    /// Refreshes that succeeded.
    pub refreshes: u64,
    /// Refreshes that failed.
    pub failures: u64,
    /// What the last one that succeeded did.
    pub last: Option<RefreshReport>,
    /// Why the last one failed; `None` if it succeeded.
    pub last_error: Option<String>,
    /// Whether a write was not refreshed for yet.
    pub pending: bool,
}

#[derive(Debug)]
pub(super) struct Figures(Mutex<ViewFigures>);

impl Figures {
    pub(super) fn new(view: &'static str) -> Self {
        Self(Mutex::new(ViewFigures {
            view,
            refreshes: 0,
            failures: 0,
            last: None,
            last_error: None,
            pending: false,
        }))
    }

    pub(super) fn read(&self) -> ViewFigures {
        self.lock().clone()
    }

    pub(super) fn pending(&self, pending: bool) {
        self.lock().pending = pending;
    }

    pub(super) fn succeeded(&self, report: RefreshReport) {
        let mut figures = self.lock();
        figures.refreshes += 1;
        figures.last = Some(report);
        figures.last_error = None;
    }

    pub(super) fn failed(&self, error: Option<&Error>) {
        let mut figures = self.lock();
        figures.failures += 1;
        figures.last_error = Some(match error {
            Some(error) => error.to_string(),
            None => "the refresh panicked".to_owned(),
        });
    }

    fn lock(&self) -> MutexGuard<'_, ViewFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
