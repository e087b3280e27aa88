//! What a queue is told at the start.
use std::{path::PathBuf, time::Duration};

use super::verdict::Backoff;
use crate::error::{Error, Result};

/// What an acknowledged write survives before it is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Durability {
    /// There is no journal: what is queued dies with the process.
    None,
    /// It was handed to the operating system: it survives the process, not a crash of the kernel nor a power cut.
    Os,
    /// It was synced to disk: it survives all of these, as far as the disk tells the truth.
    Fsync,
}

impl Durability {
    /// The setting in lower case: `none`, `os`, `fsync`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Os => "os",
            Self::Fsync => "fsync",
        }
    }
}

/// What a write does when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenFull {
    /// It waits for room.
    #[default]
    Wait,
    /// It fails with [`QueueFull`](crate::ErrorKind::QueueFull).
    Error,
}

/// The settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) path: Option<PathBuf>,
    pub(crate) durability: Option<Durability>,
    pub(crate) max_pending: usize,
    pub(crate) max_dead_letters: usize,
    pub(crate) max_journal_bytes: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) flush_every: Duration,
    pub(crate) flush_at: usize,
    pub(crate) when_full: WhenFull,
    pub(crate) first_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) shutdown_timeout: Duration,
    /// How many keys that the database makes are reserved at once; none if it must not make any.
    pub(crate) key_block: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: None,
            durability: None,
            max_pending: 10_000,
            max_dead_letters: 10_000,
            max_journal_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            flush_every: Duration::from_millis(500),
            flush_at: 1_000,
            when_full: WhenFull::default(),
            first_delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
            key_block: None,
        }
    }
}

impl Settings {
    /// What is asked for together.
    pub(crate) fn durability(&self) -> Durability {
        match (self.durability, &self.path) {
            (Some(durability), _) => durability,
            (None, Some(_)) => Durability::Fsync,
            (None, None) => Durability::None,
        }
    }

    /// How long to wait after failed attempts.
    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            first: self.first_delay,
            longest: self.max_delay,
        }
    }

    /// Refuses what has no meaning.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |message: &'static str, hint: &'static str| {
            Err(Error::configuration(message).with_hint(hint))
        };
        match (self.durability(), &self.path) {
            (Durability::Os | Durability::Fsync, None) => {
                return wrong(
                    "a write-behind queue can only be durable with a journal, and none is named",
                    "name its folder: `.durable(\"path\")`",
                );
            }
            (Durability::None, Some(_)) => {
                return wrong(
                    "a write-behind queue has a journal, and `Durability::None` asks for none",
                    "leave out one of the two",
                );
            }
            _ => {}
        }
        if self.max_pending == 0 || self.flush_at == 0 {
            return wrong(
                "`max_pending` and `flush_at` of a write-behind queue are at least 1",
                "the defaults are 10 000 and 1 000",
            );
        }
        if self.key_block == Some(0) {
            return wrong(
                "a write-behind queue reserves keys in blocks of at least 1",
                "a thousand is a good number: what is not used is a gap among the keys, no more",
            );
        }
        if self.max_delay < self.first_delay {
            return wrong(
                "the longest delay of a write-behind queue is shorter than its first",
                "give `retry_delays` the shorter one first",
            );
        }
        Ok(())
    }
}
