//! What callers and the flusher do to the queue they share.
use std::{
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{Shared, State};
use crate::{
    error::{Error, Result},
    observe::{Event, WriteBehindEvent},
    result_cache::write_behind::{
        change::Change,
        complaint::{closed, full, refused, too_many_letters},
        journal::{
            Journal,
            record::{Letter, Unnumbered},
            turns::Ticket,
        },
        queue::{Batch, NotTaken, RowId, Taken},
        stats::{WriteBehindState, WriteBehindStats},
    },
    schema::{TableDef, Value},
};

/// A change that is to be taken.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) row: RowId,
    /// The values of its key.
    pub(super) key: Vec<Value>,
    pub(super) change: Change,
    /// The dead letter that it is another attempt of; 0 for none.
    pub(super) settles: u64,
    /// For the journal, where there is one: made before anybody waits for the lock.
    pub(super) frame: Option<Unnumbered>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::result_cache::write_behind) fn stats(&self) -> WriteBehindStats {
        let has_ended = self.progress.borrow().ended;
        let state = self.lock();
        let now = Instant::now().into_std();
        let figures = &state.figures;
        WriteBehindStats {
            state: match (self.is_closing(), has_ended) {
                (_, true) => WriteBehindState::Closed,
                (true, false) => WriteBehindState::Closing,
                (false, false) => WriteBehindState::Open,
            },
            pending: state.queue.pending(),
            max_pending: self.settings.max_pending,
            oldest: state
                .queue
                .oldest()
                .map(|since| now.saturating_duration_since(since)),
            queued: figures.queued,
            coalesced: figures.coalesced,
            flushed: figures.flushed,
            batches: figures.batches,
            retried: figures.retried,
            dead: figures.dead,
            dead_letters: state.letters.len(),
            back_pressure: figures.back_pressure,
            durability: self.settings.durability(),
            journal_bytes: self.journal.as_ref().map_or(0, Journal::size),
            last_error: figures.last_error.clone(),
        }
    }

    /// Takes what is offered, if there is room; gives it back otherwise.
    pub(super) fn take(&self, offer: Offer) -> Result<Result<Option<Ticket>, Box<Offer>>> {
        let now = Instant::now().into_std();
        let mut guard = self.lock();
        let state = &mut *guard;
        if self.is_closing() {
            return Err(closed());
        }
        if state.letters.len() >= self.settings.max_dead_letters && offer.settles == 0 {
            return Err(too_many_letters(state.letters.len()));
        }
        if let Some(journal) = &self.journal {
            if let Some(error) = journal.failed() {
                return Err(error);
            }
            let limit = self.settings.max_journal_bytes;
            if journal.size() >= limit && !state.queue.is_empty() {
                return Ok(Err(Box::new(offer)));
            }
        }
        if state.queue.is_full_for(&offer.row) {
            return Ok(Err(Box::new(offer)));
        }
        let seq = state.queue.next();
        let Offer {
            row,
            key,
            change,
            settles,
            frame,
        } = offer;
        let table = self.tables[row.0];
        let id = row.1.clone();
        let Taken {
            coalesced,
            opened,
            closed,
            ..
        } = match state.queue.push(row, key, change, now) {
            Ok(taken) => taken,
            Err(NotTaken::Full) => return Err(full(self.settings.max_pending)),
            Err(NotTaken::Refused(why)) => return Err(refused(table, &id, why)),
        };
        state.figures.queued += 1;
        state.figures.coalesced += u64::from(coalesced);
        if settles > 0 {
            state.letters.remove(settles);
        }
        // In the order of the numbers, so under the lock.
        let ticket = match (&self.journal, frame) {
            (Some(journal), Some(frame)) => Some(journal.append(&frame.numbered(seq), seq)),
            _ => None,
        };
        drop(guard);
        // In between, when it is to be flushed remains as it was.
        if opened || closed {
            self.changed.notify_one();
        }
        let table = table.name;
        self.tell(WriteBehindEvent::Queued { table, coalesced });
        Ok(Ok(ticket))
    }

    /// The oldest batch when it is due; `None` when the queue is closed and empty.
    pub(in crate::result_cache::write_behind) async fn next_batch(&self) -> Option<Arc<Batch>> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let due_at = {
                let mut state = self.lock();
                if self.is_closing() {
                    state.queue.close();
                }
                if let Some(batch) = state.queue.due(Instant::now().into_std()) {
                    return Some(batch);
                }
                if self.is_closing() {
                    return None;
                }
                state.queue.due_at()
            };
            match due_at {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at.into(), changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// Waits before the next attempt, unless somebody is in a hurry.
    pub(in crate::result_cache::write_behind) async fn pause(&self, delay: Duration) {
        let _ = tokio::time::timeout(delay, self.hurry.notified()).await;
    }

    pub(in crate::result_cache::write_behind) fn attempt_begins(&self) {
        self.lock().queue.attempt_begins();
    }

    pub(in crate::result_cache::write_behind) fn attempt_failed(&self, unknown: bool) {
        self.lock().queue.attempt_failed(unknown);
        self.progress.send_modify(|progress| progress.attempts += 1);
    }

    pub(in crate::result_cache::write_behind) fn retried(&self, error: &Error) {
        let mut state = self.lock();
        state.figures.retried += 1;
        state.figures.last_error = Some(error.to_string());
    }

    pub(in crate::result_cache::write_behind) fn flushed(&self, rows: u64) {
        let mut state = self.lock();
        state.figures.flushed += rows;
        state.figures.batches += 1;
        state.figures.last_error = None;
    }

    /// The oldest batch is in the database, without what became `letters`.
    pub(in crate::result_cache::write_behind) fn committed(
        &self,
        batch: &Batch,
        letters: Vec<Letter>,
    ) {
        let mut state = self.lock();
        state.figures.dead += u64::try_from(letters.len()).unwrap_or(u64::MAX);
        state.letters.add(batch.through, letters);
        state.queue.committed();
        drop(state);
        self.carry(batch.through);
        self.space.notify_waiters();
        self.progress.send_modify(|progress| {
            progress.through = batch.through;
            progress.attempts += 1;
        });
    }

    pub(in crate::result_cache::write_behind) fn ended(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    /// A number for a dead letter.
    pub(in crate::result_cache::write_behind) fn number(&self) -> u64 {
        self.lock().queue.number()
    }

    pub(in crate::result_cache::write_behind) fn table_of(
        &self,
        fingerprint: u64,
    ) -> Option<&'static TableDef> {
        let position = self
            .fingerprints
            .iter()
            .position(|&own| own == fingerprint)?;
        Some(self.tables[position])
    }

    pub(in crate::result_cache::write_behind) fn tell(&self, event: WriteBehindEvent<'_>) {
        if self.observers.is_listening() {
            self.observers.emit(&Event::WriteBehind(event));
        }
    }

    pub(super) fn back_pressure(&self) {
        let pending = {
            let mut state = self.lock();
            state.figures.back_pressure += 1;
            state.queue.pending()
        };
        self.tell(WriteBehindEvent::BackPressure { pending });
    }

    pub(super) fn carry_now(&self) {
        let committed = self.lock().queue.committed_through();
        self.carry(committed);
    }

    /// Tells the journal what is done with, and what remains.
    pub(super) fn carry(&self, committed: u64) {
        let Some(journal) = &self.journal else { return };
        let state = self.lock();
        match state.letters.carry() {
            Ok(carry) => journal.committed(committed, carry),
            // Each has been a record before.
            Err(error) => {
                tracing::error!(target: "entourage::write_behind", %error, "dead letters without a form")
            }
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    pub(super) fn close(&self) {
        let state = self.lock();
        self.is_closing.store(true, Ordering::Release);
        drop(state);
        self.changed.notify_one();
        self.hurry.notify_one();
        self.space.notify_waiters();
    }
}
