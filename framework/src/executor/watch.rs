//! Times a statement and tells who listens, once, however it ends.
//!
//! With nobody listening it takes no time stamps and makes no event.
use std::{
    panic::Location,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{Instrument, Span, instrument::Instrumented};

use super::meter::{Meter, MeteredSender, MeteredSink};
use crate::{
    dialect::Dialect,
    driver::{Connection, Outcome, RowSender, RowSink},
    error::{Error, Result},
    observe::{
        Event, Observers, Recorded, StatementEvent, StatementStarted, Target, TransactionEvent,
        TransactionStep, recorded::DatabaseId, scope::Listeners, trace,
    },
    statement::{Plan, Statement, StatementKind, violation},
};

/// Where a statement runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) observers: &'a Observers,
    /// The server.
    pub(crate) target: &'a Target,
    pub(crate) dialect: Dialect,
    pub(crate) in_transaction: bool,
    /// Whether the connection is lent: it belongs to no database handle.
    pub(crate) lent: bool,
}

impl Place<'_> {
    fn database(&self) -> Option<DatabaseId> {
        (!self.lent).then(|| DatabaseId::of(self.observers))
    }

    /// Whether anybody is told of what happens here.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.observers.is_listening()
            || trace::is_enabled()
            || Listeners::now(self.database()).is_some()
    }
}

/// A statement on its way. Dropped before [`Watch::ended`], it is told as cancelled.
pub(crate) struct Watch<'a> {
    place: Place<'a>,
    statement: &'a Statement,
    watched: Option<Box<Watched>>,
}

/// What is noted of a statement that somebody wants to know of.
struct Watched {
    listeners: Option<Listeners>,
    span: Span,
    asked: Instant,
    sent: Option<Instant>,
    meter: Arc<Meter>,
}

impl<'a> Watch<'a> {
    #[inline]
    pub(crate) fn start(place: Place<'a>, statement: &'a Statement) -> Self {
        let listeners = Listeners::now(place.database());
        let wanted = listeners.is_some() || place.observers.is_listening() || trace::is_enabled();
        Self {
            place,
            statement,
            watched: wanted.then(|| Watched::start(place, statement, listeners)),
        }
    }

    /// The wait for a connection is over.
    #[inline]
    pub(crate) fn sent(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.sent = Some(Instant::now());
        }
    }

    /// `sink`, metered if anybody wants to know. `room` is where the meter lives.
    #[inline]
    pub(crate) fn sink<'s>(
        &self,
        sink: &'s mut dyn RowSink,
        room: &'s mut Option<MeteredSink<'s>>,
    ) -> &'s mut dyn RowSink {
        match &self.watched {
            None => sink,
            Some(watched) => room.insert(MeteredSink {
                meter: Arc::clone(&watched.meter),
                sink,
            }),
        }
    }

    /// `sender`, metered if anybody wants to know.
    pub(crate) fn sender(&self, sender: Box<dyn RowSender>) -> Box<dyn RowSender> {
        match &self.watched {
            None => sender,
            Some(watched) => Box::new(MeteredSender {
                meter: Arc::clone(&watched.meter),
                sender,
            }),
        }
    }

    /// `future` in the statement's span.
    #[inline]
    pub(crate) fn within<F: Future>(&self, future: F) -> Instrumented<F> {
        let span = match &self.watched {
            None => Span::none(),
            Some(watched) => watched.span.clone(),
        };
        future.instrument(span)
    }

    /// Tells how it ended, and names the statement's table and call in its error.
    #[inline]
    pub(crate) fn ended(mut self, result: Result<Outcome>) -> Result<Outcome> {
        let result = result.map_err(|error| located(error, self.statement, self.place.target));
        if let Some(watched) = self.watched.take() {
            self.tell(&watched, result.as_ref().map(Some));
        }
        result
    }

    /// `Ok(None)` is a cancelled statement.
    #[cold]
    fn tell(&self, watched: &Watched, result: Result<Option<&Outcome>, &Error>) {
        let now = Instant::now();
        let sent = watched.sent.unwrap_or(now);
        let decode = watched.meter.decode().min(now - sent);
        let outcome = result.ok().flatten().copied().unwrap_or_default();
        let event = StatementEvent {
            statement: self.statement,
            target: self.place.target,
            dialect: self.place.dialect,
            wait: sent - watched.asked,
            execute: now - sent - decode,
            decode,
            rows: outcome.rows.max(watched.meter.rows()),
            affected: outcome.affected,
            bytes: watched.meter.bytes(),
            prepared: outcome.prepared,
            in_transaction: self.place.in_transaction,
            cancelled: matches!(result, Ok(None)),
            error: result.err(),
        };
        if trace::is_enabled() {
            trace::ended(
                &watched.span,
                &event,
                self.place.observers.shows_arguments(),
            );
        }
        if let Some(listeners) = &watched.listeners {
            let run = Recorded::new(&event, self.place.database(), watched.asked);
            listeners.tell(run, self.statement);
        }
        if self.place.observers.is_listening() {
            self.place.observers.emit(&Event::Statement(event));
        }
    }
}

/// Names the table and the call of `statement` in its error, and the shard if it went to one of several.
#[cold]
pub(crate) fn located(error: Error, statement: &Statement, target: &Target) -> Error {
    let plan = &statement.plan;
    let error = match &plan.subject {
        Some(subject) => violation::with_columns(error, subject.table),
        None => error,
    };
    let error = match &target.shard {
        Some(shard) => error.on_shard(shard),
        None => error,
    };
    error.with_table(plan.table()).at(statement.call_site)
}

impl Watched {
    #[cold]
    fn start(place: Place<'_>, statement: &Statement, listeners: Option<Listeners>) -> Box<Self> {
        let target = place.target;
        if place.observers.is_listening() {
            place
                .observers
                .emit(&Event::StatementStarted(StatementStarted {
                    statement,
                    target,
                    dialect: place.dialect,
                    in_transaction: place.in_transaction,
                }));
        }
        let span = match trace::is_enabled() {
            true => trace::span(statement, target, place.dialect),
            false => Span::none(),
        };
        Box::new(Self {
            listeners,
            span,
            asked: Instant::now(),
            sent: None,
            meter: Arc::default(),
        })
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(watched) = self.watched.take() {
            self.tell(&watched, Ok(None));
        }
    }
}

/// Runs text without arguments on `connection`: what begins, marks and ends transactions, and scripts.
pub(crate) async fn batch(
    place: Place<'_>,
    connection: &mut dyn Connection,
    sql: &str,
    kind: StatementKind,
    call_site: &'static Location<'static>,
) -> Result<()> {
    if !place.is_watched() {
        return connection
            .batch(sql)
            .await
            .map_err(|error| error.at(call_site));
    }
    let plan = Arc::new(Plan::new(sql, kind, Vec::new()).one_off());
    let statement = Statement::new(plan, Vec::new(), call_site);
    let mut watch = Watch::start(place, &statement);
    watch.sent();
    let result = watch.within(connection.batch(sql)).await;
    watch.ended(result.map(|()| Outcome::default())).map(|_| ())
}

/// Runs text that takes a step of a transaction, and tells of the step.
pub(crate) async fn step(
    place: Place<'_>,
    connection: &mut dyn Connection,
    sql: &str,
    step: TransactionStep,
    call_site: &'static Location<'static>,
) -> Result<()> {
    let began = place.observers.is_listening().then(Instant::now);
    let kind = StatementKind::Transaction;
    let result = batch(place, connection, sql, kind, call_site).await;
    if let Some(began) = began {
        let error = result.as_ref().err();
        let target = place.target;
        tell_step(
            place.observers,
            target,
            step,
            began.elapsed(),
            error,
            call_site,
        );
    }
    result
}

/// Tells the observers of a step of a transaction.
pub(crate) fn tell_step(
    observers: &Observers,
    target: &Target,
    step: TransactionStep,
    elapsed: Duration,
    error: Option<&Error>,
    call_site: &'static Location<'static>,
) {
    if observers.is_listening() {
        observers.emit(&Event::Transaction(TransactionEvent {
            step,
            target,
            call_site,
            elapsed,
            error,
        }));
    }
}

/// Tells observers and tracing what the user should know.
pub(crate) fn warn(observers: &Observers, message: &str) {
    tracing::warn!(target: "entourage", "{message}");
    if observers.is_listening() {
        observers.emit(&Event::Warning { message });
    }
}
