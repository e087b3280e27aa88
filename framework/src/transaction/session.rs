//! The connection of a transaction and what is known of its state on the server.
//!
//! Whoever has the session sends one statement after the other. A statement that is cancelled in the middle leaves
//! `in_flight` set: nobody knows what it did, so the transaction takes no more statements and can only be rolled back.
use std::{panic::Location, sync::Arc};

use super::{Leader, hooks::End, monitor::Watched, options::Script, retry::is_conflict};
use crate::{
    dialect::Dialect,
    driver::{Connection, CopyRows, Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    executor::watch::{self, Place},
    observe::TransactionStep,
    pool::PoolConnection,
    statement::{Statement, StatementKind},
};

/// How a statement ends that does not wait for row locks.
const NOWAIT: &str = " NOWAIT";

#[derive(Debug)]
pub(super) struct Session {
    /// `None` once the transaction has ended.
    connection: Option<PoolConnection>,
    dialect: Dialect,
    restore: Option<&'static str>,
    /// Tells of it if it stays open for long; `None` once it has ended.
    watched: Option<Watched>,
    /// Told of errors, unless it only reads.
    leader: Option<Arc<dyn Leader>>,
    /// The open savepoints, the innermost last.
    savepoints: Vec<Savepoint>,
    next_savepoint: u32,
    failure: Option<Failure>,
    in_flight: bool,
    committing: bool,
    /// Whether the last statement failed by a conflict with another transaction.
    conflict: bool,
    /// Whether it was rolled back because its deadline had passed.
    expired: bool,
    end: Option<End>,
    begun: &'static Location<'static>,
}

#[derive(Debug, Clone, Copy)]
struct Savepoint {
    id: u32,
    begun: &'static Location<'static>,
}

/// Why the server takes no more statements.
#[derive(Debug)]
struct Failure {
    /// The savepoint that must be rolled back to go on; `None` if nothing helps.
    level: Option<u32>,
    first: String,
}

/// Whose turn it is.
pub(super) enum Turn {
    Mine,
    /// A savepoint begun there must end first.
    Waits(&'static Location<'static>),
    /// The level has ended.
    Over,
}

impl Session {
    /// Begins a transaction on `connection`.
    pub(super) async fn begin(
        mut connection: PoolConnection,
        script: &Script,
        watched: Option<Watched>,
        leader: Option<Arc<dyn Leader>>,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<Self> {
        connection.begin_cleanup(script.cleanup);
        let step = TransactionStep::Begin;
        let begun = watch::step(place, &mut *connection, &script.begin, step, call_site).await;
        if let Err(error) = begun {
            match script.begin_fails_cleanly {
                true => connection.end_cleanup(),
                false => connection.condemn(),
            }
            if let Some(leader) = leader {
                leader.failed(&error);
            }
            return Err(error);
        }
        Ok(Self {
            connection: Some(connection),
            dialect: place.dialect,
            restore: script.restore,
            watched,
            leader,
            savepoints: Vec::new(),
            next_savepoint: 1,
            failure: None,
            in_flight: false,
            committing: false,
            conflict: false,
            expired: false,
            end: None,
            begun: call_site,
        })
    }

    /// Whether the innermost level is `level` (0: the transaction itself).
    pub(super) fn turn(&self, level: u32) -> Turn {
        let innermost = self.savepoints.last();
        if self.connection.is_none() {
            Turn::Over
        } else if innermost.map_or(0, |savepoint| savepoint.id) == level {
            Turn::Mine
        } else if level != 0 && self.position(level).is_none() {
            Turn::Over
        } else {
            innermost.map_or(Turn::Over, |savepoint| Turn::Waits(savepoint.begun))
        }
    }

    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    pub(super) fn begun(&self) -> &'static Location<'static> {
        self.begun
    }

    /// How it ends if nothing more is done: for a handle that is dropped.
    pub(super) fn end_if_dropped(&self) -> End {
        match (self.end, self.committing) {
            (Some(end), _) => end,
            (None, true) => End::Unknown,
            (None, false) => End::RolledBack,
        }
    }

    pub(super) fn met_conflict(&self) -> bool {
        self.conflict
    }

    pub(super) async fn run(
        &mut self,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> Result<Outcome> {
        self.tell_monitor(statement.call_site);
        let connection = self.ready()?;
        let result = connection.run(statement, sink).await;
        let result = self.note(result);
        // A statement that asks for no waiting wants to know of the lock, and not to run again.
        if result.is_err() && statement.sql().ends_with(NOWAIT) {
            self.conflict = false;
        }
        result
    }

    pub(super) async fn stream(
        &mut self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> Result<Outcome> {
        self.tell_monitor(statement.call_site);
        let connection = self.ready()?;
        let result = connection.stream(statement, sender).await;
        self.note(result)
    }

    /// A source of rows that fails ends the transaction on the server, as an error of its own would.
    pub(super) async fn copy(
        &mut self,
        statement: &Statement,
        rows: &mut dyn CopyRows,
    ) -> Result<Outcome> {
        self.tell_monitor(statement.call_site);
        let connection = self.ready()?;
        let result = connection.copy(statement, rows).await;
        let result = self.note(result);
        if let Err(error) = &result {
            let failure = Failure {
                level: self.savepoints.last().map(|savepoint| savepoint.id),
                first: error.to_string(),
            };
            self.failure.get_or_insert(failure);
        }
        result
    }

    pub(super) async fn script(
        &mut self,
        sql: &str,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        self.tell_monitor(call_site);
        let connection = self.ready()?;
        let sent = watch::batch(place, connection, sql, StatementKind::Schema, call_site).await;
        self.note(sent)
    }

    /// Begins a savepoint; its number is greater than those of all before.
    pub(super) async fn begin_savepoint(
        &mut self,
        place: Place<'_>,
        begun: &'static Location<'static>,
    ) -> Result<u32> {
        let id = self.next_savepoint;
        self.next_savepoint += 1;
        let sql = format!("SAVEPOINT {}", name(id));
        let step = TransactionStep::Savepoint;
        self.mark(&sql, step, place, begun).await?;
        self.savepoints.push(Savepoint { id, begun });
        Ok(id)
    }

    /// Keeps what a savepoint did, as far as the transaction is kept. The level it was part of.
    pub(super) async fn release_savepoint(
        &mut self,
        id: u32,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<u32> {
        if let Err(error) = self.check() {
            self.roll_back_savepoint(id, place, call_site).await?;
            return Err(error);
        }
        let sql = format!("RELEASE SAVEPOINT {}", name(id));
        let step = TransactionStep::Release;
        self.mark(&sql, step, place, call_site).await?;
        self.forget_savepoint(id);
        Ok(self.savepoints.last().map_or(0, |outer| outer.id))
    }

    /// Takes back what a savepoint did, and what was begun inside it.
    pub(super) async fn roll_back_savepoint(
        &mut self,
        id: u32,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        if self.position(id).is_none() {
            return Ok(());
        }
        let hopeless = matches!(&self.failure, Some(Failure { level: None, .. }));
        if hopeless || self.in_flight {
            // The server took everything back already, or will.
            self.forget_savepoint(id);
            return Ok(());
        }
        let name = name(id);
        let sql = format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}");
        self.failure = None;
        let step = TransactionStep::RollbackToSavepoint;
        self.mark(&sql, step, place, call_site).await?;
        self.forget_savepoint(id);
        self.conflict = false;
        Ok(())
    }

    /// Commits, and gives the connection back.
    pub(super) async fn commit(
        &mut self,
        place: Place<'_>,
        read_only: bool,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        if let Err(error) = self.check() {
            self.roll_back(place, call_site).await?;
            return Err(error);
        }
        self.committing = true;
        let connection = self.ready()?;
        let step = TransactionStep::Commit;
        let committed = watch::step(place, connection, "COMMIT", step, call_site).await;
        self.in_flight = false;
        self.committing = false;
        self.watched = None;
        let Err(error) = committed else {
            self.end = Some(End::Committed);
            self.give_back(place, call_site).await;
            return Ok(());
        };
        self.tell_leader(&error);
        self.conflict = is_conflict(self.dialect, &error);
        let lost = self.connection.as_ref().is_none_or(|c| c.is_broken());
        if !lost && error.kind() != ErrorKind::Connection {
            self.roll_back(place, call_site).await?;
            return Err(error);
        }
        self.connection = None;
        if read_only {
            self.end = Some(End::RolledBack);
            return Err(error);
        }
        self.end = Some(End::Unknown);
        let ambiguous =
            "the connection was lost during COMMIT: the transaction may or may not have happened";
        Err(Error::new(ErrorKind::AmbiguousCommit, ambiguous)
            .with_source(error)
            .with_hint("look whether its changes are there before you run it again")
            .at(call_site))
    }

    /// Rolls back, and gives the connection back.
    pub(super) async fn roll_back(
        &mut self,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        self.end = Some(End::RolledBack);
        self.watched = None;
        self.savepoints.clear();
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        if connection.is_broken() {
            self.connection = None;
            return Ok(());
        }
        if self.in_flight {
            // The pool rolls back, once the driver has got over the cancelled statement.
            self.connection = None;
            return Ok(());
        }
        self.in_flight = true;
        let step = TransactionStep::Rollback;
        let rolled_back = watch::step(place, &mut **connection, "ROLLBACK", step, call_site).await;
        self.in_flight = false;
        match rolled_back {
            Ok(()) => self.give_back(place, call_site).await,
            // The pool makes sure that nothing is left.
            Err(_) => self.connection = None,
        }
        Ok(())
    }

    /// Rolls back because its time is over, unless it has ended; whether that is how it ended.
    pub(super) async fn expire(
        &mut self,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> bool {
        if self.end.is_none() {
            self.expired = true;
            self.conflict = false;
            // Its only error is that of a lost connection, which takes everything back too.
            let _ = self.roll_back(place, call_site).await;
        }
        self.expired
    }

    /// From now on the connection may hold named locks of MySQL, which outlive a transaction.
    pub(super) fn release_named_locks_at_the_end(&mut self) {
        if let Some(connection) = &mut self.connection {
            self.restore = Some("DO RELEASE_ALL_LOCKS()");
            connection.begin_cleanup("ROLLBACK; DO RELEASE_ALL_LOCKS()");
        }
    }

    fn tell_monitor(&self, call_site: &'static Location<'static>) {
        if let Some(watched) = &self.watched {
            watched.sent(call_site);
        }
    }

    fn tell_leader(&self, error: &Error) {
        if let Some(leader) = &self.leader {
            leader.failed(error);
        }
    }

    /// The transaction is over on the server: puts settings back and lets the next caller have the connection.
    async fn give_back(&mut self, place: Place<'_>, call_site: &'static Location<'static>) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if let Some(restore) = self.restore {
            let kind = StatementKind::Transaction;
            let restored = watch::batch(place, &mut *connection, restore, kind, call_site).await;
            if restored.is_err() {
                return connection.condemn();
            }
        }
        connection.end_cleanup();
    }

    async fn mark(
        &mut self,
        sql: &str,
        step: TransactionStep,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        let connection = self.ready()?;
        let marked = watch::step(place, connection, sql, step, call_site).await;
        self.note(marked)
    }

    /// The connection, for one statement; [`Session::note`] must follow.
    fn ready(&mut self) -> Result<&mut dyn Connection> {
        self.check()?;
        self.in_flight = true;
        match &mut self.connection {
            Some(connection) => Ok(&mut **connection),
            None => Err(ended(self.end)),
        }
    }

    /// Whether the server takes another statement.
    fn check(&self) -> Result<()> {
        let reason = match &self.failure {
            Some(failure) => &*failure.first,
            None if self.in_flight => "a statement was cancelled in the middle",
            None => return Ok(()),
        };
        let message = format!("the transaction takes no more statements, because of: {reason}");
        Err(Error::new(ErrorKind::TransactionAborted, message)
            .with_hint("roll it back; a savepoint around what may fail lets you go on"))
    }

    /// Notes what a statement's end means for the transaction.
    fn note<T>(&mut self, result: Result<T>) -> Result<T> {
        self.in_flight = false;
        let Err(error) = &result else {
            self.conflict = false;
            return result;
        };
        self.tell_leader(error);
        self.conflict = is_conflict(self.dialect, error);
        let lost = self.connection.as_ref().is_none_or(|c| c.is_broken());
        let refused = error.code().is_some();
        let innermost = self.savepoints.last().map(|savepoint| savepoint.id);
        let level = match self.dialect {
            _ if lost => None,
            // An error ends everything up to the innermost savepoint.
            Dialect::Postgres if refused => innermost,
            // A write that was interrupted has rolled back everything; what follows would be in no transaction.
            Dialect::Sqlite if error.code() == Some("9") => None,
            // The server has rolled back everything.
            Dialect::Mysql
                if matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::Serialization) =>
            {
                None
            }
            _ => return result,
        };
        let first = error.to_string();
        self.failure.get_or_insert(Failure { level, first });
        result
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.savepoints
            .iter()
            .position(|savepoint| savepoint.id == id)
    }

    fn forget_savepoint(&mut self, id: u32) {
        if let Some(position) = self.position(id) {
            self.savepoints.truncate(position);
        }
    }
}

pub(super) fn ended(end: Option<End>) -> Error {
    let how = match end {
        Some(End::Committed) => "the transaction was committed already",
        Some(End::RolledBack) => "the transaction was rolled back already",
        Some(End::Unknown) => "the transaction lost its connection during COMMIT",
        None => "the savepoint has ended already",
    };
    Error::new(ErrorKind::Closed, how)
}

fn name(id: u32) -> String {
    format!("entourage_{id}")
}
