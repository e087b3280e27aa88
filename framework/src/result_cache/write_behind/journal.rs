//! The journal: what was acknowledged, on disk before it was.
//!
//! All records that came while somebody wrote go to disk together, with one `fsync` for all of them. A thread of its own
//! does that; where nothing is synced, mostly the callers do. When a segment is full the next one is begun, and those
//! that hold nothing but what the database has are removed.
//!
//! After the first failed write or `fsync` nothing is acknowledged any more: the kernel may have dropped the very pages
//! that it could not write, and would report the next `fsync` as fine.
mod codec;
pub(super) mod folder;
pub(super) mod record;
pub(super) mod recovery;
#[cfg(test)]
mod tests;
pub(super) mod turns;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread,
};

use uuid::Uuid;

use self::{
    folder::Folder,
    recovery::Recovered,
    turns::{Shared, Ticket},
    writer::Writer,
};
use super::Durability;
use crate::error::{Error, ErrorKind, Result};

/// What a journal is opened with.
#[derive(Debug, Clone)]
pub(super) struct JournalOptions {
    pub(super) durability: Durability,
    /// After how many bytes a segment is full.
    pub(super) segment_bytes: u64,
    /// The tables by fingerprint and name.
    pub(super) tables: Vec<(u64, String)>,
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    shared: Arc<Shared>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Journal {
    /// Reads what is in `folder`.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) if it cannot be read or is damaged.
    pub(super) fn recover(folder: &dyn Folder) -> Result<Recovered> {
        recovery::recover(folder)
    }

    /// Goes on with the journal that was recovered, in a new segment that begins with `carry`.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) if it cannot be written to.
    pub(super) fn open(
        folder: Arc<dyn Folder>,
        recovered: &Recovered,
        options: JournalOptions,
        carry: Vec<u8>,
        committed: u64,
    ) -> Result<Self> {
        let id = recovered.journal.unwrap_or_else(Uuid::now_v7);
        let mut writer = Writer {
            folder,
            options,
            id,
            segments: recovered.segments.clone(),
            segment: None,
        };
        writer.rotate(&carry, committed).map_err(|error| {
            Error::configuration(format!("the journal cannot be written: {error}"))
                .with_hint("let the program write to the folder, or name another one")
                .with_source(error)
        })?;
        let shared = Arc::new(Shared::new(writer, carry, committed));
        let thread_shared = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("entourage-journal".to_owned())
            .spawn(move || thread_shared.run())
            .map_err(|error| {
                Error::configuration("the journal's thread cannot be started").with_source(error)
            })?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.shared.size.load(Ordering::Relaxed)
    }

    /// Why nothing more can be written, if so.
    pub(super) fn failed(&self) -> Option<Error> {
        if !self.shared.has_failed.load(Ordering::Acquire) {
            return None;
        }
        let progress = self.shared.progress.borrow();
        progress.failed.as_ref().map(|reason| failure(reason))
    }

    /// Hands a frame over; `highest` is the highest number in it. It is written whether anybody waits for it with
    /// [`written`](Journal::written) or not.
    pub(super) fn append(&self, frame: &[u8], highest: u64) -> Ticket {
        self.shared.append(frame, highest)
    }

    /// Returns when what has this ticket is safe.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if the disk failed: whether it is safe is not known.
    pub(super) async fn written(&self, ticket: Ticket) -> Result<()> {
        let written = ticket.written().await;
        written.map_err(|reason| failure(&reason))
    }

    /// The database has everything up to `committed`, and `carry` is what remains beside.
    pub(super) fn committed(&self, committed: u64, carry: Vec<u8>) {
        let mut inbox = self.shared.lock();
        inbox.committed = committed;
        inbox.carry = carry;
    }

    /// Writes what was handed over, removes what the database has, and ends the thread.
    pub(super) fn close(&self) {
        self.shared.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic of the thread was told as a failure.
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

#[cold]
fn failure(reason: &str) -> Error {
    Error::new(
        ErrorKind::Closed,
        format!("the journal failed, and nothing more is acknowledged: {reason}"),
    )
    .with_hint("mend the disk and start again; what was acknowledged is still being flushed")
}
