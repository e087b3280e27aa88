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
mod errors;
mod open;
mod scan;
mod stream;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use tokio::sync::oneshot;

use self::{
    busy::{Attempt, Backoff},
    scan::Offload,
};
use super::{Connection, Outcome, RowSender, RowSink, options::ConnectOptions};
use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, ErrorKind, Result},
    schema::Cell,
    statement::Statement,
};

/// Whether this driver is part of the build.
pub(super) const COMPILED: bool = true;

/// Opens a connection.
pub(super) async fn connect(options: &ConnectOptions) -> Result<Box<dyn Connection>> {
    Ok(Box::new(SqliteConnection::open(options).await?))
}

/// One connection to an SQLite database.
pub(super) struct SqliteConnection {
    place: Place,
    cells: Vec<Cell<'static>>,
    busy_timeout: Duration,
    inline: bool,
}

/// Where the library's connection is.
enum Place {
    Here(Box<rusqlite::Connection>),
    /// A stream has it and will send it back.
    Away(oneshot::Receiver<Box<rusqlite::Connection>>),
    Gone,
}

impl SqliteConnection {
    async fn open(options: &ConnectOptions) -> Result<Self> {
        Ok(Self {
            place: Place::Here(Box::new(open::open(options).await?)),
            cells: Vec::new(),
            busy_timeout: open::busy_timeout(options),
            inline: options.inline,
        })
    }

    /// The library's connection, after a cancelled stream has given it back.
    async fn here(&mut self) -> Result<(&mut rusqlite::Connection, &mut Vec<Cell<'static>>)> {
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
        let mut backoff = Backoff::new(self.busy_timeout);
        let offload = Offload::unless(self.inline);
        loop {
            let (database, cells) = self.here().await?;
            match scan::execute(database, statement, cells, sink, offload)? {
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
        let mut backoff = Backoff::new(self.busy_timeout);
        loop {
            self.here().await?;
            match stream::execute(&mut self.place, statement, &mut sender).await? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Busy(error) => backoff.wait(error).await?,
            }
        }
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        let mut backoff = Backoff::new(self.busy_timeout);
        let offload = Offload::unless(self.inline);
        loop {
            let rest = backoff.rest();
            let (database, _) = self.here().await?;
            match scan::batch(database, sql, rest, offload)? {
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
        database.flush_prepared_statement_cache();
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
