//! The connection of a transaction and what is known of its state on the server.
//!
//! Whoever has the session sends one statement after the other. A statement that is cancelled in the middle leaves
//! `in_flight` set: nobody knows what it did, so the transaction takes no more statements and can only be rolled back.
use std::panic::Location;

use super::{hooks::End, options::Script, retry::is_conflict};
use crate::{
    dialect::Dialect,
    driver::{Connection, Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    executor::watch::{self, Place},
    pool::PoolConnection,
    statement::{Statement, StatementKind},
};

#[derive(Debug)]
pub(super) struct Session {
    /// `None` once the transaction has ended.
    connection: Option<PoolConnection>,
    dialect: Dialect,
    restore: Option<&'static str>,
    /// The open savepoints, the innermost last.
    savepoints: Vec<Savepoint>,
    next_savepoint: u32,
    failure: Option<Failure>,
    in_flight: bool,
    committing: bool,
    /// Whether the last statement failed by a conflict with another transaction.
    conflict: bool,
    end: Option<End>,
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
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<Self> {
        connection.begin_cleanup(script.cleanup);
        let kind = StatementKind::Transaction;
        let begun = watch::batch(place, &mut *connection, &script.begin, kind, call_site).await;
        if let Err(error) = begun {
            match script.begin_fails_cleanly {
                true => connection.end_cleanup(),
                false => connection.condemn(),
            }
            return Err(error);
        }
        Ok(Self {
            connection: Some(connection),
            dialect: place.dialect,
            restore: script.restore,
            savepoints: Vec::new(),
            next_savepoint: 1,
            failure: None,
            in_flight: false,
            committing: false,
            conflict: false,
            end: None,
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
        let connection = self.ready()?;
        let result = connection.run(statement, sink).await;
        self.note(result)
    }

    pub(super) async fn stream(
        &mut self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> Result<Outcome> {
        let connection = self.ready()?;
        let result = connection.stream(statement, sender).await;
        self.note(result)
    }

    pub(super) async fn script(
        &mut self,
        sql: &str,
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
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
        self.mark(&sql, place, begun).await?;
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
        self.mark(&sql, place, call_site).await?;
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
        self.mark(&sql, place, call_site).await?;
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
        let kind = StatementKind::Transaction;
        let committed = watch::batch(place, connection, "COMMIT", kind, call_site).await;
        self.in_flight = false;
        self.committing = false;
        let Err(error) = committed else {
            self.end = Some(End::Committed);
            self.give_back(place, call_site).await;
            return Ok(());
        };
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
        let kind = StatementKind::Transaction;
        let rolled_back = watch::batch(place, &mut **connection, "ROLLBACK", kind, call_site).await;
        self.in_flight = false;
        match rolled_back {
            Ok(()) => self.give_back(place, call_site).await,
            // The pool makes sure that nothing is left.
            Err(_) => self.connection = None,
        }
        Ok(())
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
        place: Place<'_>,
        call_site: &'static Location<'static>,
    ) -> Result<()> {
        let connection = self.ready()?;
        let kind = StatementKind::Transaction;
        let marked = watch::batch(place, connection, sql, kind, call_site).await;
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
        self.conflict = is_conflict(self.dialect, error);
        let lost = self.connection.as_ref().is_none_or(|c| c.is_broken());
        let refused = error.code().is_some();
        let innermost = self.savepoints.last().map(|savepoint| savepoint.id);
        let level = match self.dialect {
            _ if lost => None,
            // An error ends everything up to the innermost savepoint.
            Dialect::Postgres if refused => innermost,
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
