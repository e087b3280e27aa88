//! Who writes, and when.
//!
//! What is handed over waits in the inbox. Whoever has the turn takes all that is there, writes it, and looks again: so
//! the order in the file is that of the tickets. What is synced is always written by the thread. What is only handed to
//! the operating system is written by the caller that finds nobody writing, for that takes less time than to wake a
//! thread and be woken by it; those that find somebody writing let other tasks go first, look again, and wait if it takes
//! long. No caller writes for others without end, nor much at once, and none begins a segment: there the thread takes
//! over, until nothing waits. Who writes also makes the checksums: the inbox is not locked meanwhile.
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use super::{
    record,
    writer::{Group, Writer},
};
use crate::result_cache::write_behind::Durability;

/// How many groups a caller writes before the thread takes over. A group takes microseconds.
pub(super) const GROUPS: usize = 16;

/// The largest group that a caller writes.
pub(super) const GROUP_BYTES: usize = 64 << 10;

/// How often a caller lets other tasks go first before it waits to be told. A write takes microseconds, as long as it
/// takes to wake a task on another thread.
const LOOKS: usize = 4;

/// What callers and the thread share.
#[derive(Debug)]
pub(super) struct Shared {
    inbox: Mutex<Inbox>,
    /// Told when there is something for the thread to do.
    wake: Condvar,
    pub(super) progress: watch::Sender<Progress>,
    /// The last ticket that is safe, for those who do not wait.
    written: AtomicU64,
    pub(super) has_failed: AtomicBool,
    /// The bytes of all segments.
    pub(super) size: AtomicU64,
    durability: Durability,
}

/// How far the journal is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last ticket that is safe.
    pub(super) written: u64,
    /// Why nothing more will be.
    pub(super) failed: Option<Arc<str>>,
}

/// What was handed over. Dropped, it is written all the same: what is queued must not stay out of the journal because
/// nobody waits for it.
#[derive(Debug)]
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    number: u64,
}

impl Ticket {
    /// Returns when it is safe, or will never be: then with the reason.
    pub(super) async fn written(self) -> Result<(), Arc<str>> {
        let Self { shared, number } = &self;
        if shared.durability != Durability::Fsync {
            for _ in 0..LOOKS {
                // Others that are about to hand something over do so now, and one write is for all.
                tokio::task::yield_now().await;
                if shared.is_written(*number) {
                    return Ok(());
                }
                shared.lead();
                if shared.is_written(*number) {
                    return Ok(());
                }
            }
        }
        // On the heap: whoever need not wait carries no room for it.
        Box::pin(self.told()).await
    }

    /// Waits to be told.
    async fn told(self) -> Result<(), Arc<str>> {
        let Self { shared, number } = &self;
        let mut progress = shared.progress.subscribe();
        let done = |progress: &Progress| progress.written >= *number || progress.failed.is_some();
        let ended = || Arc::from("its thread ended");
        let progress = progress.wait_for(done).await.map_err(|_| ended())?;
        match &progress.failed {
            Some(reason) if progress.written < *number => Err(Arc::clone(reason)),
            _ => Ok(()),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.shared.is_written(self.number) {
            self.shared.lead();
        }
    }
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    ticket: u64,
    /// The highest number among the bytes.
    highest: u64,
    /// Records that every segment begins with: the dead letters.
    pub(super) carry: Vec<u8>,
    /// The number up to which the database has everything.
    pub(super) committed: u64,
    closed: bool,
    turn: Turn,
}

/// Whose turn it is to write.
#[derive(Debug)]
enum Turn {
    /// Nobody's: the next caller takes it.
    Free(Box<Writer>),
    /// The thread's, as soon as there is something.
    Thread(Box<Writer>),
    /// Somebody writes.
    Taken,
    /// Nobody's any more: the journal failed, or was closed.
    Over,
}

impl Shared {
    pub(super) fn new(writer: Writer, carry: Vec<u8>, committed: u64) -> Self {
        let durability = writer.options.durability;
        let size = AtomicU64::new(writer.total());
        let writer = Box::new(writer);
        Self {
            inbox: Mutex::new(Inbox {
                bytes: Vec::new(),
                ticket: 0,
                highest: 0,
                carry,
                committed,
                closed: false,
                turn: match durability {
                    Durability::Fsync => Turn::Thread(writer),
                    Durability::None | Durability::Os => Turn::Free(writer),
                },
            }),
            wake: Condvar::new(),
            progress: watch::Sender::default(),
            written: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            size,
            durability,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_written(&self, ticket: u64) -> bool {
        self.written.load(Ordering::Acquire) >= ticket
    }

    /// Puts a frame into the inbox; whether it has its checksum is no matter.
    pub(super) fn append(self: &Arc<Self>, frame: &[u8], highest: u64) -> Ticket {
        let mut inbox = self.lock();
        inbox.bytes.extend(frame);
        inbox.highest = inbox.highest.max(highest);
        inbox.ticket += 1;
        if self.durability == Durability::Fsync {
            self.wake.notify_one();
        }
        Ticket {
            shared: Arc::clone(self),
            number: inbox.ticket,
        }
    }

    /// Sees to it that somebody writes what is in the inbox: the caller, if nobody else does and it is soon done.
    fn lead(&self) {
        let mut inbox = self.lock();
        let Some(mut writer) = inbox.take_free() else {
            return;
        };
        for _ in 0..GROUPS {
            if inbox.bytes.is_empty() || !inbox.is_small(&writer) {
                break;
            }
            let mut group = inbox.group(&writer);
            drop(inbox);
            if !self.write(&mut writer, &mut group) {
                return;
            }
            inbox = self.lock();
            inbox.reuse(group);
        }
        if inbox.bytes.is_empty() && !inbox.closed {
            inbox.turn = Turn::Free(writer);
        } else {
            inbox.turn = Turn::Thread(writer);
            self.wake.notify_one();
        }
    }

    /// The thread: writes what callers do not.
    pub(super) fn run(&self) {
        let mut inbox = self.lock();
        while !matches!(inbox.turn, Turn::Over) {
            let Some(mut writer) = inbox.take_for_thread() else {
                inbox = self
                    .wake
                    .wait(inbox)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let is_last = inbox.closed;
            let mut group = inbox.group(&writer);
            drop(inbox);
            if !self.write(&mut writer, &mut group) {
                return;
            }
            inbox = self.lock();
            if is_last {
                inbox.turn = Turn::Over;
                drop(inbox);
                self.fail("it was closed");
                return;
            }
            let is_free = self.durability != Durability::Fsync && inbox.bytes.is_empty();
            inbox.turn = match is_free {
                true => Turn::Free(writer),
                false => Turn::Thread(writer),
            };
        }
    }

    /// Tells the thread to write what there is, begin a last segment, and end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Writes a group and tells those who wait; whether it is written. After a failure nobody has the turn any more.
    fn write(&self, writer: &mut Writer, group: &mut Group) -> bool {
        let panicked = |_| Err(io::Error::other("writing panicked"));
        let write = || {
            record::seal(&mut group.bytes);
            writer.write(group)
        };
        let written = catch_unwind(AssertUnwindSafe(write));
        let Err(error) = written.unwrap_or_else(panicked) else {
            self.size.store(writer.total(), Ordering::Relaxed);
            self.written.store(group.ticket, Ordering::Release);
            self.progress
                .send_modify(|progress| progress.written = group.ticket);
            return true;
        };
        self.lock().turn = Turn::Over;
        self.wake.notify_one();
        self.fail(&error.to_string());
        tracing::error!(target: "entourage::write_behind", %error, "the journal failed");
        false
    }

    fn fail(&self, reason: &str) {
        self.has_failed.store(true, Ordering::Release);
        self.progress
            .send_modify(|progress| progress.failed = Some(reason.into()));
    }
}

impl Inbox {
    /// The writer, if it is a caller's turn.
    fn take_free(&mut self) -> Option<Box<Writer>> {
        match std::mem::replace(&mut self.turn, Turn::Taken) {
            Turn::Free(writer) => Some(writer),
            other => {
                self.turn = other;
                None
            }
        }
    }

    /// The writer, if it is the thread's turn and there is something to do.
    fn take_for_thread(&mut self) -> Option<Box<Writer>> {
        match std::mem::replace(&mut self.turn, Turn::Taken) {
            Turn::Thread(writer) if self.closed || !self.bytes.is_empty() => Some(writer),
            Turn::Free(writer) if self.closed => Some(writer),
            other => {
                self.turn = other;
                None
            }
        }
    }

    /// Whether to write what there is takes so little time that a caller may do it.
    fn is_small(&self, writer: &Writer) -> bool {
        self.bytes.len() <= GROUP_BYTES && !writer.is_full() && !self.closed
    }

    /// Uses the room of a group that is written for the next one, if none has begun.
    fn reuse(&mut self, group: Group) {
        if self.bytes.capacity() == 0 && group.bytes.capacity() <= GROUP_BYTES {
            self.bytes = group.bytes;
            self.bytes.clear();
        }
    }

    /// Takes what there is.
    fn group(&mut self, writer: &Writer) -> Group {
        Group {
            bytes: std::mem::take(&mut self.bytes),
            ticket: self.ticket,
            highest: std::mem::take(&mut self.highest),
            carry: (writer.is_full() || self.closed).then(|| self.carry.clone()),
            committed: self.committed,
        }
    }
}
