//! Rows at the consumer's pace, from a blocking thread that has the connection for as long.
use std::{
    mem,
    ops::ControlFlow,
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::InterruptHandle;
use tokio::sync::oneshot;

use super::{
    Database, Place,
    busy::Attempt,
    scan::{self, Offload},
};
use crate::{
    driver::{Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    schema::Cell,
    statement::Statement,
    statement_cache::Preparation,
};

/// Runs `statement` on the connection in `place`, which is away meanwhile. Dropped, it interrupts the statement, and the
/// connection comes back into `place`'s receiver.
pub(super) async fn execute(
    place: &mut Place,
    statement: &Statement,
    preparation: Preparation,
    sender: &mut Box<dyn RowSender>,
) -> Result<Attempt<Outcome>> {
    let Place::Here(database) = mem::replace(place, Place::Gone) else {
        return Err(lost());
    };
    let stopped = Arc::new(AtomicBool::new(false));
    let guard = InterruptOnDrop {
        handle: database.connection.get_interrupt_handle(),
        stopped: Arc::clone(&stopped),
    };
    let (home, returned) = oneshot::channel();
    *place = Place::Away(returned);
    let mut loan = Loan {
        database: Some(database),
        home: Some(home),
    };
    let mut paced = Paced {
        sender: mem::replace(sender, Box::new(Nobody)),
        stopped,
    };
    let statement = statement.clone();
    let stepping = tokio::task::spawn_blocking(move || {
        let attempt = match &mut loan.database {
            Some(database) => scan::execute(
                database,
                &statement,
                preparation,
                &mut Vec::new(),
                &mut paced,
                Offload::Never,
            ),
            None => Err(lost()),
        };
        (attempt, paced.sender)
    });
    let joined = stepping.await;
    drop(guard);
    match joined {
        Ok((attempt, back)) => {
            *sender = back;
            attempt
        }
        Err(join) if join.is_panic() => panic::resume_unwind(join.into_panic()),
        Err(_) => Err(lost()),
    }
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Connection,
        "the sqlite connection is not at hand: the runtime is shutting down",
    )
}

/// The connection on its way; dropped on any path, a panic's too, it goes home.
struct Loan {
    database: Option<Box<Database>>,
    home: Option<oneshot::Sender<Box<Database>>>,
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let (Some(database), Some(home)) = (self.database.take(), self.home.take()) {
            // Nobody waits if the whole connection was dropped; it closes here then.
            let _ = home.send(database);
        }
    }
}

/// Ends the statement when the stream's future is dropped. After the statement's own end this does nothing.
struct InterruptOnDrop {
    handle: InterruptHandle,
    stopped: Arc<AtomicBool>,
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.handle.interrupt();
    }
}

/// Hands a row over and waits until it is taken.
struct Paced {
    sender: Box<dyn RowSender>,
    stopped: Arc<AtomicBool>,
}

impl RowSink for Paced {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        if self.stopped.load(Ordering::Acquire) || self.sender.row(cells)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        Ok(self.sender.sent_blocking())
    }
}

/// Stands in for the sender while the blocking thread has it.
struct Nobody;

#[async_trait::async_trait]
impl RowSender for Nobody {
    fn row(&mut self, _: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        Ok(ControlFlow::Break(()))
    }

    async fn sent(&mut self) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn sent_blocking(&mut self) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}
