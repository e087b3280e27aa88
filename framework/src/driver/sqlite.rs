//! SQLite, over rusqlite: the library is called on the caller's own thread.
//!
//! * A statement starts on the task that asks for it. A scan that goes on after [`scan::INLINE_ROWS`] rows continues
//!   under `tokio::task::block_in_place`, so that the other tasks of its thread move on; on a current-thread runtime it
//!   stays where it is.
//! * Locks of other connections and processes are waited for with the runtime's timer, never on a blocked thread; see
//!   [`busy`].
//! * [`run`](Connection::run) can be dropped at any await: there a statement has either ended or not begun.
//!   [`stream`](Connection::stream) steps on a blocking thread that has the connection for so long; dropped, it
//!   interrupts the statement, and the next call waits for the connection to come back. Neither loses an in-memory
//!   database, so the connection is never broken.
mod bind;
mod busy;
mod deadline;
mod errors;
mod open;
mod scan;
mod session;
mod stream;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::oneshot;

use self::{
    busy::{Attempt, Backoff},
    deadline::Deadline,
    scan::Offload,
};
use super::{Connection, Outcome, RowSender, RowSink, options::ConnectOptions};
use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, ErrorKind, Result},
    schema::Cell,
    statement::Statement,
    statement_cache::{Preparation, PreparedStatements, StatementCounters},
};

/// Whether this driver is part of the build.
pub(super) const COMPILED: bool = true;

/// Opens a connection whose statements are counted by `counters`.
pub(super) async fn connect(
    options: &ConnectOptions,
    counters: &Arc<StatementCounters>,
    _: bool,
) -> Result<Box<dyn Connection>> {
    Ok(Box::new(SqliteConnection::open(options, counters).await?))
}

/// The library's connection and a mirror of the statements that it keeps.
pub(super) struct Database {
    connection: rusqlite::Connection,
    statements: PreparedStatements,
}

/// One connection to an SQLite database.
pub(super) struct SqliteConnection {
    place: Place,
    cells: Vec<Cell<'static>>,
    busy_timeout: Duration,
    deadline: Deadline,
    inline: bool,
}

/// Where the library's connection is.
enum Place {
    Here(Box<Database>),
    /// A stream has it and will send it back.
    Away(oneshot::Receiver<Box<Database>>),
    Gone,
}

impl SqliteConnection {
    async fn open(options: &ConnectOptions, counters: &Arc<StatementCounters>) -> Result<Self> {
        let connection = open::open(options).await?;
        let deadline = Deadline::install(&connection, options.session.statement_timeout)?;
        let capacity = options.get_statement_cache_capacity();
        let database = Database {
            connection,
            statements: PreparedStatements::new(capacity, Arc::clone(counters)),
        };
        Ok(Self {
            place: Place::Here(Box::new(database)),
            cells: Vec::new(),
            busy_timeout: open::busy_timeout(options),
            deadline,
            inline: options.inline,
        })
    }

    /// What there is of a statement, counted once however often it meets a lock.
    async fn look_up(&mut self, statement: &Statement) -> Result<Preparation> {
        let (database, _) = self.here().await?;
        Ok(database.statements.look_up(&statement.plan, true))
    }

    /// The library's connection, after a cancelled stream has given it back.
    async fn here(&mut self) -> Result<(&mut Database, &mut Vec<Cell<'static>>)> {
        if let Place::Away(returned) = &mut self.place {
            self.place = match returned.await {
                Ok(connection) => Place::Here(connection),
                Err(_) => Place::Gone,
            };
        }
        match &mut self.place {
            Place::Here(connection) => Ok((connection, &mut self.cells)),
            _ => Err(Error::new(
                ErrorKind::Connection,
                "the sqlite connection was lost in a stream",
            )),
        }
    }
}

#[async_trait]
impl Connection for SqliteConnection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::SQLITE
    }

    async fn run(&mut self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let running = self.deadline.start();
        let mut backoff = Backoff::new(self.busy_timeout);
        let offload = Offload::unless(self.inline);
        let preparation = self.look_up(statement).await?;
        loop {
            let (database, cells) = self.here().await?;
            let attempt = scan::execute(database, statement, preparation, cells, sink, offload);
            match attempt.map_err(|error| running.explain(error))? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Busy(error) => backoff.wait(error).await?,
            }
        }
    }

    async fn stream(
        &mut self,
        statement: &Statement,
        mut sender: Box<dyn RowSender>,
    ) -> Result<Outcome> {
        let running = self.deadline.start();
        let mut backoff = Backoff::new(self.busy_timeout);
        let preparation = self.look_up(statement).await?;
        loop {
            self.here().await?;
            let attempt =
                stream::execute(&mut self.place, statement, preparation, &mut sender).await;
            match attempt.map_err(|error| running.explain(error))? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Busy(error) => backoff.wait(error).await?,
            }
        }
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        let running = self.deadline.start();
        let mut backoff = Backoff::new(self.busy_timeout);
        let offload = Offload::unless(self.inline);
        loop {
            let rest = backoff.rest();
            let (database, _) = self.here().await?;
            let attempt = scan::batch(&database.connection, sql, rest, offload);
            match attempt.map_err(|error| running.explain(error))? {
                Attempt::Done(()) => return Ok(()),
                Attempt::Busy(error) => backoff.wait(error).await?,
            }
        }
    }

    async fn ping(&mut self) -> Result<()> {
        self.here().await.map(drop)
    }

    fn is_broken(&self) -> bool {
        matches!(self.place, Place::Gone)
    }

    async fn clear_statements(&mut self) -> Result<()> {
        let (database, _) = self.here().await?;
        database.connection.flush_prepared_statement_cache();
        database.statements.clear();
        Ok(())
    }

    async fn close(mut self: Box<Self>) {
        // Dropping closes it; waiting for a stream first makes that happen here.
        let _ = self.here().await;
    }
}

impl fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnection").finish_non_exhaustive()
    }
}
