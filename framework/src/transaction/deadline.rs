//! When a transaction must be over.
//!
//! The limit is kept from our side: a statement that runs when the time is over is given up, which ends its transaction
//! as any cancelled statement does, and a task of its own rolls back a transaction that sends nothing more. PostgreSQL
//! also gets a `statement_timeout`, so that the server does not go on long after. What MySQL was doing it may finish
//! before it sees that the connection is gone.
use std::{panic::Location, sync::Weak, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{Instant, sleep_until, timeout_at},
};

use super::shared::Core;
use crate::error::{Error, ErrorKind, Result};

/// The end of a transaction's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
    begun: &'static Location<'static>,
}

impl Deadline {
    /// `limit` from now; `None` if that is beyond what a clock can tell.
    pub(super) fn after(limit: Duration, begun: &'static Location<'static>) -> Option<Self> {
        let at = Instant::now().checked_add(limit)?;
        Some(Self { at, limit, begun })
    }

    pub(super) fn has_passed(&self) -> bool {
        Instant::now() >= self.at
    }

    pub(super) fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub(super) fn error(&self) -> Error {
        let (file, line) = (self.begun.file(), self.begun.line());
        let limit = self.limit;
        Error::new(
            ErrorKind::Timeout,
            format!("the transaction begun at {file}:{line} was not over within its deadline of {limit:?}, and is rolled back"),
        )
        .with_hint("do less in it, or allow more with `.deadline(..)`")
    }

    /// `work`, as far as there is time for it.
    pub(super) async fn limit<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match timeout_at(self.at, work).await {
            Ok(result) => result,
            Err(_) => Err(self.error()),
        }
    }

    /// Rolls the transaction back at its deadline, even if nobody asks anything of it.
    pub(super) fn enforce(self, core: Weak<Core>) -> AbortHandle {
        let task = tokio::spawn(async move {
            sleep_until(self.at).await;
            if let Some(core) = core.upgrade() {
                core.expire(self.begun).await;
            }
        });
        task.abort_handle()
    }
}
