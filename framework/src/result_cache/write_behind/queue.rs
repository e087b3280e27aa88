//! The queue as a state machine without clock, lock or database.
//!
//! Changes go into the open batch, where those of one row become one. A full or old batch is closed; closed batches are
//! flushed one after the other, oldest first, each as a whole. So a batch is all that was acknowledged between two
//! sequence numbers, and one number says how far the database has come.
use std::{
    collections::{
        HashMap, VecDeque,
        hash_map::Entry::{Occupied, Vacant},
    },
    sync::Arc,
    time::{Duration, Instant},
};

use super::change::{Change, Edit, Refusal};
use crate::schema::{KeyPart, TableDef, Value};

/// One row's change.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Position of the table among those of the queue.
    pub(super) table: usize,
    /// The key's values.
    pub(super) key: Vec<Value>,
    /// The number of the first change in it.
    pub(super) seq: u64,
    pub(super) change: Change,
}

/// A row: its table and its key.
pub(super) type RowId = (usize, KeyPart);

/// How many gaps of a batch are never worth closing.
const SPARE: usize = 16;

/// Everything between two sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In the order of their numbers; `None` where nothing was left of a row's changes. Whoever writes them finds them in
    /// the order in which they are in memory.
    entries: Vec<Option<Entry>>,
    places: HashMap<RowId, usize, foldhash::fast::RandomState>,
    /// The number of the first change in it.
    id: u64,
    /// The number of the last change in it.
    pub(super) through: u64,
    first_at: Option<Instant>,
}

impl Batch {
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    fn get(&self, row: &RowId) -> Option<&Entry> {
        self.entries[*self.places.get(row)?].as_ref()
    }

    fn has(&self, row: &RowId) -> bool {
        self.places.contains_key(row)
    }

    /// Takes a change, and makes it one with what there is of its row; whether there was something.
    fn take(&mut self, row: RowId, new: Entry, table: &TableDef) -> Result<bool, Refusal> {
        let place = match self.places.entry(row) {
            Vacant(place) => {
                place.insert(self.entries.len());
                self.entries.push(Some(new));
                return Ok(false);
            }
            Occupied(place) => place,
        };
        let slot = &mut self.entries[*place.get()];
        if let Some(entry) = slot
            && let Err(change) = entry.change.absorb(new.change)
        {
            match entry.change.clone().then(change, table)? {
                Some(merged) => entry.change = merged,
                None => {
                    *slot = None;
                    place.remove();
                    self.close_gaps();
                }
            }
        }
        Ok(true)
    }

    /// Keeps what was left of nothing from taking more memory than the rows do.
    fn close_gaps(&mut self) {
        if self.entries.len() <= 2 * self.places.len() + SPARE {
            return;
        }
        let mut kept = 0;
        let places: Vec<usize> = (self.entries.iter())
            .map(|entry| {
                kept += usize::from(entry.is_some());
                kept
            })
            .collect();
        self.entries.retain(Option::is_some);
        for place in self.places.values_mut() {
            *place = places[*place] - 1;
        }
    }
}

/// How large the queue and its batches may be, and how old.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_pending: usize,
    pub(super) batch: usize,
    pub(super) age: Duration,
}

/// Why a change was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    Full,
    Refused(Refusal),
}

/// A change that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) seq: u64,
    /// Whether it became one with a change that was queued.
    pub(super) coalesced: bool,
    /// Whether it is the first of its batch.
    pub(super) opened: bool,
    /// Whether its batch is full now.
    pub(super) closed: bool,
}

/// What the queue knows of one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) change: Option<Change>,
    /// The batches that change it, each with the attempts made: if they differ later, so may the row.
    batches: Vec<(u64, u64)>,
    /// Whether one of them is being written, or may have been.
    pub(crate) unsettled: bool,
}

impl View {
    /// Whether the row in the database had the same of what is queued when `self` and `later` were taken.
    pub(crate) fn is_as_flushed_as(&self, later: &View) -> bool {
        // Batches that came later change nothing in the database as long as those before them are there.
        later.batches.starts_with(&self.batches) && !later.unsettled
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    tables: Vec<&'static TableDef>,
    limits: Limits,
    closed: VecDeque<Arc<Batch>>,
    open: Batch,
    next: u64,
    committed: u64,
    /// Attempts at the oldest batch, over all batches.
    attempts: u64,
    unsettled: bool,
}

impl Queue {
    /// An empty queue whose next change has the number `next`.
    pub(super) fn new(tables: Vec<&'static TableDef>, limits: Limits, next: u64) -> Self {
        Self {
            tables,
            limits,
            closed: VecDeque::new(),
            open: Batch::default(),
            next,
            committed: next - 1,
            attempts: 0,
            unsettled: false,
        }
    }

    /// Whether there is no room for a change of `row`.
    pub(super) fn is_full_for(&self, row: &RowId) -> bool {
        self.pending() >= self.limits.max_pending && !self.open.has(row)
    }

    /// Takes a change.
    pub(super) fn push(
        &mut self,
        row: RowId,
        key: Vec<Value>,
        change: Change,
        now: Instant,
    ) -> Result<Taken, NotTaken> {
        if self.is_full_for(&row) {
            return Err(NotTaken::Full);
        }
        let table = self.tables[row.0];
        let refused = NotTaken::Refused;
        let is_closed_too = |batch: &Arc<Batch>| batch.has(&row);
        if self.closed.iter().any(is_closed_too)
            && let Some(queued) = self.view(&row).change
        {
            queued.then(change.clone(), table).map_err(refused)?;
        }
        let seq = self.next;
        let new = Entry {
            table: row.0,
            key,
            seq,
            change,
        };
        let coalesced = self.open.take(row, new, table).map_err(refused)?;
        self.next += 1;
        let opened = self.open.first_at.is_none();
        if opened {
            self.open.id = seq;
            self.open.first_at = Some(now);
        }
        self.open.through = seq;
        let closed = self.open.len() >= self.limits.batch;
        if closed {
            self.close();
        }
        Ok(Taken {
            seq,
            coalesced,
            opened,
            closed,
        })
    }

    /// The number of the next change.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// A number that no change has.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Starts again after `number`.
    pub(super) fn continue_after(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
    }

    /// Takes another bound.
    pub(super) fn set_max_pending(&mut self, max_pending: usize) {
        self.limits.max_pending = max_pending;
    }

    /// What is queued of `row`, oldest first, as one change.
    pub(super) fn view(&self, row: &RowId) -> View {
        let table = self.tables[row.0];
        let mut view = View {
            change: None,
            batches: Vec::new(),
            unsettled: false,
        };
        let all = self.closed.iter().map(|batch| &**batch).chain([&self.open]);
        for (index, batch) in all.enumerate() {
            let Some(entry) = batch.get(row) else {
                continue;
            };
            let attempts = if index == 0 { self.attempts } else { 0 };
            view.batches.push((batch.id, attempts));
            view.unsettled |= index == 0 && self.unsettled && !self.closed.is_empty();
            let next = entry.change.clone();
            view.change = match view.change.take() {
                None => Some(next),
                Some(queued) => match queued.then(next.clone(), table) {
                    Ok(Some(change)) => Some(change),
                    // Whatever becomes of the first, in the end there is no row.
                    Ok(None) => Some(Change::Delete(Edit::default())),
                    Err(_) => Some(next),
                },
            };
        }
        view
    }

    /// Closes the open batch, whatever its size. The number up to which all is closed.
    pub(super) fn close(&mut self) -> u64 {
        if self.open.first_at.is_some() {
            self.closed
                .push_back(Arc::new(std::mem::take(&mut self.open)));
        }
        self.closed
            .back()
            .map_or(self.committed, |batch| batch.through)
    }

    /// The oldest batch, if one is full or old enough.
    pub(super) fn due(&mut self, now: Instant) -> Option<Arc<Batch>> {
        let old = |first: Instant| now.saturating_duration_since(first) >= self.limits.age;
        if self.closed.is_empty() && self.open.first_at.is_some_and(old) {
            self.close();
        }
        self.closed.front().cloned()
    }

    /// When the open batch is old enough.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.open.first_at.map(|first| first + self.limits.age)
    }

    /// The oldest batch is being written.
    pub(super) fn attempt_begins(&mut self) {
        self.attempts += 1;
        self.unsettled = true;
    }

    /// It was not written. `unknown`: or it was, and nobody knows.
    pub(super) fn attempt_failed(&mut self, unknown: bool) {
        self.attempts += 1;
        self.unsettled = unknown;
    }

    /// The oldest batch is in the database.
    pub(super) fn committed(&mut self) {
        if let Some(batch) = self.closed.pop_front() {
            self.committed = batch.through;
        }
        self.attempts += 1;
        self.unsettled = false;
    }

    /// The number up to which the database has everything.
    pub(super) fn committed_through(&self) -> u64 {
        self.committed
    }

    /// How many rows wait.
    pub(super) fn pending(&self) -> usize {
        self.open.len() + self.closed.iter().map(|batch| batch.len()).sum::<usize>()
    }

    /// Since when the oldest change waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let oldest = self.closed.front().map_or(&self.open, |batch| batch);
        oldest.first_at
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.first_at.is_none()
    }
}

#[cfg(test)]
mod tests;
