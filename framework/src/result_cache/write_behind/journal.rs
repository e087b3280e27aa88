//! The journal: what was acknowledged, on disk before it was.
//!
//! A thread of its own writes to it. All records that came while it was busy go to disk together, with one `fsync` for
//! all of them. When a segment is full the next one is begun, and those that hold nothing but what the database has are
//! removed.
//!
//! After the first failed write or `fsync` nothing is acknowledged any more: the kernel may have dropped the very pages
//! that it could not write, and would report the next `fsync` as fine.
mod codec;
pub(super) mod folder;
pub(super) mod record;
pub(super) mod recovery;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::watch;
use uuid::Uuid;

use self::{
    folder::{Folder, Segment},
    record::Record,
    recovery::{Recovered, SegmentFigures, segment_name},
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
    progress: watch::Receiver<Progress>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
}

/// How far the journal is.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// The last ticket that is safe.
    written: u64,
    /// Why nothing more will be.
    failed: Option<Arc<str>>,
}

#[derive(Debug)]
struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
}

/// What the writer has to do.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    ticket: u64,
    /// The highest number among the bytes.
    highest: u64,
    /// Records that every segment begins with: the dead letters.
    carry: Vec<u8>,
    /// The number up to which the database has everything.
    committed: u64,
    size: u64,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let shared = Arc::new(Shared {
            inbox: Mutex::new(Inbox {
                carry,
                committed,
                size: writer.total(),
                ..Inbox::default()
            }),
            wake: Condvar::new(),
        });
        let (sender, progress) = watch::channel(Progress::default());
        let thread_shared = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("entourage-journal".to_owned())
            .spawn(move || writer.run(&thread_shared, &sender))
            .map_err(|error| {
                Error::configuration("the journal's thread cannot be started").with_source(error)
            })?;
        Ok(Self {
            shared,
            progress,
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.shared.lock().size
    }

    /// Why nothing more can be written, if so.
    pub(super) fn failed(&self) -> Option<Error> {
        let progress = self.progress.borrow();
        progress.failed.as_ref().map(|reason| failure(reason))
    }

    /// Hands a frame to the writer; `highest` is the highest number in it. The ticket is for
    /// [`written`](Journal::written).
    pub(super) fn append(&self, frame: &[u8], highest: u64) -> u64 {
        let mut inbox = self.shared.lock();
        inbox.bytes.extend(frame);
        inbox.highest = inbox.highest.max(highest);
        inbox.ticket += 1;
        self.shared.wake.notify_one();
        inbox.ticket
    }

    /// Returns when what has this ticket is safe.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if the disk failed: whether it is safe is not known.
    pub(super) async fn written(&self, ticket: u64) -> Result<()> {
        let mut progress = self.progress.clone();
        let done = |progress: &Progress| progress.written >= ticket || progress.failed.is_some();
        let ended = || failure("its thread ended");
        let progress = progress.wait_for(done).await.map_err(|_| ended())?;
        match &progress.failed {
            Some(reason) if progress.written < ticket => Err(failure(reason)),
            _ => Ok(()),
        }
    }

    /// The database has everything up to `committed`, and `carry` is what remains beside.
    pub(super) fn committed(&self, committed: u64, carry: Vec<u8>) {
        let mut inbox = self.shared.lock();
        inbox.committed = committed;
        inbox.carry = carry;
    }

    /// Writes what was handed over, removes what the database has, and ends the thread.
    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // A panic of the thread was told as a failure.
            let _ = writer.join();
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

/// The thread's side.
#[derive(Debug)]
struct Writer {
    folder: Arc<dyn Folder>,
    options: JournalOptions,
    id: Uuid,
    /// The segments, oldest first.
    segments: Vec<SegmentFigures>,
    segment: Option<Open>,
}

struct Open(Box<dyn Segment>);

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

/// What the writer takes out of the inbox at a time.
struct Group {
    bytes: Vec<u8>,
    ticket: u64,
    highest: u64,
    carry: Option<Vec<u8>>,
    committed: u64,
    closed: bool,
}

impl Writer {
    fn run(mut self, shared: &Shared, sender: &watch::Sender<Progress>) {
        loop {
            let group = self.next(shared);
            if let Err(error) = self.write(&group) {
                tracing::error!(target: "entourage::write_behind", %error, "the journal failed");
                sender.send_modify(|progress| progress.failed = Some(error.to_string().into()));
                return;
            }
            shared.lock().size = self.total();
            sender.send_modify(|progress| progress.written = group.ticket);
            if group.closed {
                return;
            }
        }
    }

    /// Waits for something to write.
    fn next(&self, shared: &Shared) -> Group {
        let mut inbox = shared.lock();
        while inbox.bytes.is_empty() && !inbox.closed {
            inbox = shared
                .wake
                .wait(inbox)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let full = |segment: &SegmentFigures| segment.size >= self.options.segment_bytes;
        let full = self.segments.last().is_some_and(full);
        Group {
            bytes: std::mem::take(&mut inbox.bytes),
            ticket: inbox.ticket,
            highest: std::mem::take(&mut inbox.highest),
            carry: (full || inbox.closed).then(|| inbox.carry.clone()),
            committed: inbox.committed,
            closed: inbox.closed,
        }
    }

    fn write(&mut self, group: &Group) -> io::Result<()> {
        if !group.bytes.is_empty() {
            self.append(&group.bytes)?;
            if let Some(segment) = self.segments.last_mut() {
                segment.highest = segment.highest.max(group.highest);
            }
        }
        match &group.carry {
            Some(carry) => self.rotate(carry, group.committed),
            None => Ok(()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(Open(segment)) = &mut self.segment else {
            return Err(io::Error::other("no segment is open"));
        };
        segment.append(bytes)?;
        if self.options.durability == Durability::Fsync {
            segment.sync()?;
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        Ok(())
    }

    fn total(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// Begins the next segment, then removes those that are done with.
    fn rotate(&mut self, carry: &[u8], committed: u64) -> io::Result<()> {
        let number = self.segments.last().map_or(1, |last| last.number + 1);
        let tables = Record::Tables(self.options.tables.clone());
        let tables = tables.frame().map_err(io::Error::other)?;
        let bytes = [&record::header(self.id, number), &tables[..], carry].concat();
        self.segment = Some(Open(self.folder.create(&segment_name(number))?));
        self.segments.push(SegmentFigures {
            number,
            ..SegmentFigures::default()
        });
        self.append(&bytes)?;
        if self.options.durability == Durability::Fsync {
            self.folder.sync()?;
        }
        // A segment goes after all that are older, so that nothing outlives what takes it back.
        let is_done =
            |segment: &&SegmentFigures| segment.number != number && segment.highest <= committed;
        let done = self.segments.iter().take_while(is_done).count();
        for segment in self.segments.drain(..done) {
            self.folder.remove(&segment_name(segment.number))?;
        }
        Ok(())
    }
}
