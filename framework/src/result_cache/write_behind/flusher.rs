//! The task that flushes: one batch after the other, each until it is in the database or among the dead letters.
//!
//! Whatever happens in an attempt, a panic included, the batch stays the oldest one until the mark in the database says
//! that it is written. Nothing else decides that.
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{
    engine::Shared,
    flush::{Care, Failed, Flush, Written},
    journal::record::{Letter, Record},
    queue::{Batch, Entry},
    verdict::{self, Verdict},
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind, Result},
    observe::WriteBehindEvent,
    pool::random_fraction,
};

/// Attempts after which doubtful errors, and panics, are the change's own fault.
const PATIENCE: u32 = 5;

/// Flushes until the queue is closed and empty.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let round = AssertUnwindSafe(round(&shared)).catch_unwind().await;
        match round {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                tracing::error!(target: "entourage::write_behind", "the flusher panicked, and goes on");
                shared.attempt_failed(true);
                tokio::time::sleep(shared.settings.first_delay).await;
            }
        }
    }
    shared.ended();
}

/// Waits for a batch and flushes it; whether there may be more.
async fn round(shared: &Shared) -> bool {
    let Some(batch) = shared.next_batch().await else {
        return false;
    };
    let mut flushing = Flushing {
        shared,
        batch: &batch,
        care: Care::None,
        attempts: 0,
        doubts: 0,
        convicted: Vec::new(),
        letters: Vec::new(),
        has_letters_on_disk: false,
    };
    flushing.run().await;
    true
}

/// A batch on its way.
struct Flushing<'s> {
    shared: &'s Shared,
    batch: &'s Batch,
    care: Care,
    attempts: u32,
    doubts: u32,
    convicted: Vec<u64>,
    /// What the last attempt that came to COMMIT left out.
    letters: Vec<(Letter, Arc<Error>)>,
    has_letters_on_disk: bool,
}

/// Why an attempt failed.
struct Trouble {
    failed: Failed,
    at_commit: bool,
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self {
            failed,
            at_commit: false,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Failed::from(error).into()
    }
}

impl Flushing<'_> {
    async fn run(&mut self) {
        if self.batch.len() == 0 {
            return self.shared.committed(self.batch, Vec::new());
        }
        loop {
            self.attempts += 1;
            self.shared.attempt_begins();
            let began = Instant::now();
            match self.attempt().await {
                Ok(rows) => return self.done(rows, began.elapsed()),
                Err(trouble) => self.failed(trouble).await,
            }
        }
    }

    /// One transaction; how many rows it wrote.
    async fn attempt(&mut self) -> Result<u64, Trouble> {
        let flush = Flush {
            executor: &*self.shared.executor,
            tables: &self.shared.tables,
            ranks: &self.shared.ranks,
            marker: self.shared.marker,
            marked: self.shared.marked.load(Ordering::Acquire),
            is_strict: self.is_strict(),
        };
        let written = flush.write(self.batch, self.care, &self.convicted).await?;
        let Some(Written {
            scope,
            rows,
            refused,
        }) = written
        else {
            // An earlier attempt was committed although nobody heard of it. Its letters hold.
            let left = u64::try_from(self.letters.len()).unwrap_or(u64::MAX);
            return Ok(u64::try_from(self.batch.len()).unwrap_or(u64::MAX) - left);
        };
        self.letters = refused
            .into_iter()
            .map(|(entry, error)| (self.letter(entry, &error), Arc::new(error)))
            .collect();
        if let Err(error) = self.write_letters().await {
            let _ = scope.rollback().await;
            return Err(error.into());
        }
        scope.commit().await.map_err(|error| Trouble {
            failed: error.into(),
            at_commit: true,
        })?;
        Ok(rows)
    }

    fn letter(&self, entry: &Entry, error: &Error) -> Letter {
        Letter {
            id: self.shared.number(),
            table: self.shared.fingerprints[entry.table],
            key: entry.key.clone(),
            change: entry.change.clone(),
            kind: error.kind().name().to_owned(),
            reason: error.to_string(),
        }
    }

    /// What is left out is on disk before the mark moves past it. It counts only if the mark does.
    async fn write_letters(&mut self) -> Result<()> {
        let Some(journal) = &self.shared.journal else {
            return Ok(());
        };
        if self.letters.is_empty() && !self.has_letters_on_disk {
            return Ok(());
        }
        self.has_letters_on_disk = true;
        let through = self.batch.through;
        let letters = self.letters.iter().map(|(letter, _)| letter.clone());
        let record = Record::Letters {
            through,
            letters: letters.collect(),
        };
        journal
            .written(journal.append(&record.frame()?, through))
            .await
    }

    fn done(&mut self, rows: u64, took: Duration) {
        let through = self.batch.through;
        self.shared.marked.store(through, Ordering::Release);
        let letters = std::mem::take(&mut self.letters);
        for (letter, error) in &letters {
            let table = self
                .shared
                .table_of(letter.table)
                .map_or("", |table| table.name);
            tracing::warn!(target: "entourage::write_behind", id = letter.id, table, %error, "dead letter");
            let id = letter.id;
            self.shared
                .tell(WriteBehindEvent::DeadLetter { id, table, error });
        }
        let letters = letters.into_iter().map(|(letter, _)| letter).collect();
        self.shared.flushed(rows);
        self.shared.committed(self.batch, letters);
        self.shared.tell(WriteBehindEvent::Flushed { rows, took });
    }

    /// Decides how the next attempt is made, and waits for its time.
    async fn failed(&mut self, trouble: Trouble) {
        let Trouble { failed, at_commit } = trouble;
        let error = &failed.error;
        let lost = matches!(
            error.kind(),
            ErrorKind::AmbiguousCommit
                | ErrorKind::Connection
                | ErrorKind::Timeout
                | ErrorKind::Closed
        );
        self.shared.attempt_failed(at_commit && lost);
        if self.is_sharpened(&failed, at_commit) {
            return;
        }
        let backoff = self.shared.settings.backoff();
        let delay = backoff.delay(self.attempts, random_fraction());
        self.shared.retried(error);
        let attempts = self.attempts;
        tracing::debug!(target: "entourage::write_behind", attempts, ?delay, %error, "flush failed, trying again");
        self.shared.tell(WriteBehindEvent::Retried {
            attempts,
            delay,
            error,
        });
        self.shared.pause(delay).await;
    }

    /// Whether the next attempt is made at once, with more care.
    fn is_sharpened(&mut self, failed: &Failed, at_commit: bool) -> bool {
        if let Some(seq) = failed.panicked {
            self.doubts += 1;
            self.care = self.care.max(Care::Singles);
            if seq > 0 && self.doubts >= PATIENCE {
                self.convicted.push(seq);
            }
            return false;
        }
        let is_poison = match verdict::of(&failed.error) {
            Verdict::Retry => false,
            Verdict::Poison => true,
            Verdict::Doubtful => {
                self.doubts += 1;
                self.is_strict()
            }
        };
        if !is_poison {
            return false;
        }
        self.care = match (at_commit, self.care) {
            (false, Care::None) => Care::Halves,
            // A savepoint could not be made or ended: nothing is learnt from it.
            (false, _) => return false,
            (true, care) if care < Care::Immediate => match self.shared.executor.dialect() {
                Dialect::Postgres => Care::Immediate,
                Dialect::Sqlite | Dialect::Mysql => Care::Condemn,
            },
            (true, _) => Care::Condemn,
        };
        true
    }

    fn is_strict(&self) -> bool {
        self.doubts >= PATIENCE
    }
}
