//! Connections and transactions of the user's own sqlx as executors.
//!
//! What is lent goes back as it came: every transaction or savepoint that we began has ended by then, or its rollback is
//! on the way. Statements run one after the other; there is no database handle whose observers would hear of them, only scopes and tracing.
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;

use std::{
    fmt,
    panic::Location,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};

use super::{
    AtomicScope, Executor,
    watch::{self, Place, Watch},
};
use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink, lent::Lent},
    error::{Error, ErrorKind, Result},
    observe::Observers,
    statement::Statement,
};

/// An executor over a connection that the user lends.
struct LentExecutor<'a> {
    connection: Mutex<Box<dyn Lent + 'a>>,
    dialect: Dialect,
    capabilities: Capabilities,
    observers: Observers,
    in_transaction: AtomicBool,
    /// Scopes that were dropped while a statement ran, so that nobody could roll them back.
    abandoned: AtomicUsize,
}

impl<'a> LentExecutor<'a> {
    fn new(connection: Box<dyn Lent + 'a>) -> Self {
        Self {
            dialect: connection.dialect(),
            capabilities: connection.capabilities(),
            in_transaction: AtomicBool::new(connection.in_transaction()),
            connection: Mutex::new(connection),
            observers: Observers::default(),
            abandoned: AtomicUsize::new(0),
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            observers: &self.observers,
            target: self.observers.target(),
            dialect: self.dialect,
            in_transaction: Executor::in_transaction(self),
            lent: true,
        }
    }

    /// The connection, with nothing left on it of scopes that were dropped.
    async fn lock(&self) -> Result<MutexGuard<'_, Box<dyn Lent + 'a>>> {
        let mut connection = self.connection.lock().await;
        if connection.is_broken() {
            let message =
                "the sqlx connection was lost, or a statement on it was cancelled in the middle";
            return Err(Error::new(ErrorKind::Connection, message));
        }
        for _ in 0..self.abandoned.swap(0, Ordering::AcqRel) {
            connection.start_rollback();
        }
        self.note(&**connection);
        Ok(connection)
    }

    fn note(&self, connection: &(dyn Lent + 'a)) {
        let open = connection.in_transaction();
        self.in_transaction.store(open, Ordering::Release);
    }
}

impl fmt::Debug for LentExecutor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LentExecutor")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Executor for LentExecutor<'_> {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let mut watch = Watch::start(self.place(), statement);
        let result = match self.lock().await {
            Ok(mut connection) => {
                watch.sent();
                let mut room = None;
                let sink = watch.sink(sink, &mut room);
                watch.within(connection.run(statement, sink)).await
            }
            Err(error) => Err(error),
        };
        watch.ended(result)
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        let mut watch = Watch::start(self.place(), statement);
        let result = match self.lock().await {
            Ok(mut connection) => {
                watch.sent();
                let sender = watch.sender(sender);
                watch.within(connection.stream(statement, sender)).await
            }
            Err(error) => Err(error),
        };
        watch.ended(result)
    }

    fn in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::Acquire)
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        let mut connection = self.lock().await.map_err(|error| error.at(call_site))?;
        connection
            .begin()
            .await
            .map_err(|error| error.at(call_site))?;
        self.note(&**connection);
        Ok(Box::new(Scope {
            executor: self,
            open: true,
            call_site,
        }))
    }

    fn warn(&self, message: &str) {
        watch::warn(&self.observers, message);
    }
}

/// A transaction or savepoint that we began.
struct Scope<'e, 'a> {
    executor: &'e LentExecutor<'a>,
    open: bool,
    call_site: &'static Location<'static>,
}

#[async_trait]
impl AtomicScope for Scope<'_, '_> {
    fn executor(&self) -> &dyn Executor {
        self.executor
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        let mut connection = self.executor.lock().await?;
        let committed = connection.commit().await;
        self.open = committed.is_err();
        self.executor.note(&**connection);
        drop(connection);
        committed.map_err(|error| error.at(self.call_site))
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        let mut connection = self.executor.lock().await?;
        self.open = false;
        let rolled_back = connection.rollback().await;
        self.executor.note(&**connection);
        drop(connection);
        rolled_back.map_err(|error| error.at(self.call_site))
    }
}

impl Drop for Scope<'_, '_> {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        match self.executor.connection.try_lock() {
            Ok(mut connection) => {
                connection.start_rollback();
                self.executor.note(&**connection);
            }
            Err(_) => {
                self.executor.abandoned.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}
