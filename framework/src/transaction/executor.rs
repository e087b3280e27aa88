//! A transaction as what statements are run on.
use std::{fmt, panic::Location};

use async_trait::async_trait;

use super::{IsolationLevel, Transaction};
use crate::{
    dialect::{Capabilities, Dialect},
    driver::{CopyRows, Outcome, RowSender, RowSink},
    error::{Error, Result},
    executor::{
        AtomicScope, Executor, ExecutorHandle, IntoExecutor,
        sharding::{self, Sharding},
        watch::{self, Watch},
    },
    statement::Statement,
};

#[async_trait]
impl Executor for Transaction {
    fn dialect(&self) -> Dialect {
        self.core.origin.pool.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.core.origin.pool.capabilities()
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let mut watch = Watch::start(self.core.place(), statement);
        let result = match self.session(statement.call_site).await {
            Ok(mut session) => {
                watch.sent();
                let mut room = None;
                let sink = watch.sink(sink, &mut room);
                match self.core.deadline {
                    None => watch.within(session.run(statement, sink)).await,
                    Some(deadline) => {
                        let result = deadline
                            .limit(watch.within(session.run(statement, sink)))
                            .await;
                        self.core.past_deadline(session, statement.call_site).await;
                        result
                    }
                }
            }
            Err(error) => Err(error),
        };
        self.note(statement, &result);
        watch.ended(result)
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        let mut watch = Watch::start(self.core.place(), statement);
        let result = match self.session(statement.call_site).await {
            Ok(mut session) => {
                watch.sent();
                let sender = watch.sender(sender);
                match self.core.deadline {
                    None => watch.within(session.stream(statement, sender)).await,
                    Some(deadline) => {
                        let result = deadline
                            .limit(watch.within(session.stream(statement, sender)))
                            .await;
                        self.core.past_deadline(session, statement.call_site).await;
                        result
                    }
                }
            }
            Err(error) => Err(error),
        };
        self.note(statement, &result);
        watch.ended(result)
    }

    fn copies(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    async fn copy(&self, statement: &Statement, rows: &mut dyn CopyRows) -> Result<Outcome> {
        let mut watch = Watch::start(self.core.place(), statement);
        let result = match self.session(statement.call_site).await {
            Ok(mut session) => {
                watch.sent();
                match self.core.deadline {
                    None => watch.within(session.copy(statement, rows)).await,
                    Some(deadline) => {
                        let result = deadline
                            .limit(watch.within(session.copy(statement, rows)))
                            .await;
                        self.core.past_deadline(session, statement.call_site).await;
                        result
                    }
                }
            }
            Err(error) => Err(error),
        };
        self.note(statement, &result);
        watch.ended(result)
    }

    fn in_transaction(&self) -> bool {
        true
    }

    fn locks_database(&self) -> bool {
        self.core.locks_database
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        Ok(Box::new(self.nested(call_site).await?))
    }

    async fn snapshot(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Option<Box<dyn AtomicScope + '_>>> {
        use IsolationLevel::{RepeatableRead, Serializable};
        let repeatable = match (self.dialect(), self.core.isolation) {
            (_, Some(RepeatableRead | Serializable)) => true,
            // SQLite reads one state of the file, and repeatable reads are MySQL's default.
            (Dialect::Sqlite | Dialect::Mysql, None) => true,
            _ => false,
        };
        match repeatable {
            true => Ok(None),
            false => Err(Error::unsupported(
                "each statement of this transaction sees what was committed before it",
            )
            .with_hint("begin it with `.isolation(IsolationLevel::RepeatableRead)`")
            .at(call_site)),
        }
    }

    fn sharding(&self) -> Option<Sharding<'_>> {
        let seat = self.core.origin.seat.as_deref()?;
        Some(Sharding(sharding::Role::On(seat)))
    }

    fn warn(&self, message: &str) {
        watch::warn(&self.core.origin.observers, message);
    }
}

#[async_trait]
impl AtomicScope for Transaction {
    fn executor(&self) -> &dyn Executor {
        self
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let call_site = self.level.begun;
        self.commit_at(call_site).await
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        let call_site = self.level.begun;
        self.rollback_at(call_site).await
    }
}

impl<'a> IntoExecutor<'a> for &'a Transaction {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(self)
    }
}

impl<'a> IntoExecutor<'a> for &'a &Transaction {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(*self)
    }
}

impl<'a> IntoExecutor<'a> for Transaction {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::shared(self)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("begun", &format_args!("{}", self.level.begun))
            .field("savepoint", &self.level.id)
            .finish_non_exhaustive()
    }
}
