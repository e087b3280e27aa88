//! Which rows a write touches, as far as the one who writes knows, and what becomes of them: for caches of rows.
//!
//! A write that says nothing may have touched any row of its table.
use std::sync::{Arc, Mutex, PoisonError};

use crate::schema::{CachedRow, KeyPart, TableDef};

/// The rows that one write touches.
#[derive(Debug)]
pub struct Touched {
    /// The table.
    pub table: &'static TableDef,
    /// Which of its rows.
    pub rows: TouchedRows,
    fresh: Mutex<Vec<Fresh>>,
}

/// Which rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TouchedRows {
    /// Those with these primary keys, and no others.
    Keys(Vec<KeyPart>),
    /// Only rows that were not there before, with keys that the database makes.
    New,
}

/// A row as it is after a write.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// Its primary key.
    pub key: KeyPart,
    /// The row; `None` if it is gone.
    pub row: Option<Arc<dyn CachedRow>>,
}

impl Touched {
    /// A write of these rows of `table`.
    pub fn new(table: &'static TableDef, rows: TouchedRows) -> Arc<Self> {
        Arc::new(Self {
            table,
            rows,
            fresh: Mutex::default(),
        })
    }

    /// Notes how a row is after the write. What is noted holds only if the write is kept.
    pub fn note(&self, fresh: Fresh) {
        self.lock().push(fresh);
    }

    /// Takes back what was noted: nothing is known of how the rows are.
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// The rows as they are after the write, as far as they were noted.
    pub fn take(&self) -> Vec<Fresh> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fresh>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
