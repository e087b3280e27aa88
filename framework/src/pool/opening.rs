//! Opening a connection, apart from the caller that needs it.
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{connection::Entry, lane::Lane};
use crate::{
    driver::Connection,
    error::{Error, ErrorKind, Result},
    observe::PoolEventKind,
};

/// A place in a lane for a connection that is being opened. Dropped before that, it tells the queue.
#[derive(Debug)]
pub(super) struct Opening {
    lane: Arc<Lane>,
    done: bool,
}

impl Opening {
    /// Opens a connection in a task of its own. The lane has counted it already.
    pub(super) fn start(lane: &Arc<Lane>) {
        let opening = Self::reserved(lane);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Its error went to the caller that waits.
                let _ = opening.run(false).await;
            });
        }
    }

    /// Takes over a place that was reserved.
    pub(super) fn reserved(lane: &Arc<Lane>) -> Self {
        Self {
            lane: Arc::clone(lane),
            done: false,
        }
    }

    /// Opens the connection and gives it to the lane. The error goes to the head of the queue, or to the caller.
    pub(super) async fn run(mut self, return_error: bool) -> Result<()> {
        let began = Instant::now();
        let generation = self.lane.generation();
        let opened = self.lane.connect.connect(self.lane.access).await;
        self.done = true;
        match opened {
            Ok(connection) => {
                let entry = self.entry(connection, generation);
                let took = began.elapsed();
                self.lane.opened(entry, took);
                self.lane.tell(PoolEventKind::Opened { took });
                Ok(())
            }
            Err(error) => {
                self.lane.tell(PoolEventKind::OpenFailed { error: &error });
                let (told, returned) = match return_error {
                    true => (stopped(), Err(error)),
                    false => (error, Ok(())),
                };
                self.lane.not_opened(told);
                returned
            }
        }
    }

    fn entry(&self, connection: Box<dyn Connection>, generation: u64) -> Entry {
        let opened = Instant::now();
        let lifetime = self.lane.options.max_lifetime;
        Entry {
            connection,
            opened,
            expires: lifetime.map(|lifetime| opened + jittered(lifetime)),
            cleanup: None,
            generation,
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.done {
            self.lane.not_opened(stopped());
        }
    }
}

fn stopped() -> Error {
    Error::new(
        ErrorKind::Connection,
        "the task that was opening a connection was stopped",
    )
}

/// `duration`, less up to a tenth of it.
fn jittered(duration: Duration) -> Duration {
    duration - duration.mul_f64(random_fraction() / 10.0)
}

/// A number from 0 to 1. The standard library's hash seed is random enough to spread things out.
pub(crate) fn random_fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
