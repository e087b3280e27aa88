//! Times a statement and tells who listens, once, however it ends.
//!
//! With nobody listening it takes no time stamps and makes no event.
use std::{panic::Location, sync::Arc, time::Instant};

use crate::{
    dialect::Dialect,
    driver::{Connection, Outcome},
    error::{Error, Result},
    observe::{Event, Observers, StatementEvent, trace},
    statement::{Plan, Statement, StatementKind},
};

/// Where a statement runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) observers: &'a Observers,
    pub(crate) dialect: Dialect,
    pub(crate) in_transaction: bool,
}

impl Place<'_> {
    /// Whether anybody wants to know of a statement.
    #[inline]
    fn is_watched(&self) -> bool {
        self.observers.is_listening() || trace::is_enabled()
    }
}

/// A statement on its way. Dropped before [`Watch::ended`], it is told as cancelled.
pub(crate) struct Watch<'a> {
    place: Place<'a>,
    statement: &'a Statement,
    times: Option<Times>,
}

struct Times {
    asked: Instant,
    sent: Option<Instant>,
}

impl<'a> Watch<'a> {
    #[inline]
    pub(crate) fn start(place: Place<'a>, statement: &'a Statement) -> Self {
        let times = place.is_watched().then(|| Times {
            asked: Instant::now(),
            sent: None,
        });
        Self {
            place,
            statement,
            times,
        }
    }

    /// The wait for a connection is over.
    #[inline]
    pub(crate) fn sent(&mut self) {
        if let Some(times) = &mut self.times {
            times.sent = Some(Instant::now());
        }
    }

    /// Tells how it ended, and names the statement's table and call in its error.
    #[inline]
    pub(crate) fn ended(mut self, result: Result<Outcome>) -> Result<Outcome> {
        let result = result.map_err(|error| {
            error
                .with_table(self.statement.plan.table())
                .at(self.statement.call_site)
        });
        if let Some(times) = self.times.take() {
            self.tell(&times, result.as_ref().map(Some));
        }
        result
    }

    /// `Ok(None)` is a cancelled statement.
    fn tell(&self, times: &Times, result: Result<Option<&Outcome>, &Error>) {
        let now = Instant::now();
        let sent = times.sent.unwrap_or(now);
        let outcome = result.ok().flatten().copied().unwrap_or_default();
        let event = StatementEvent {
            statement: self.statement,
            dialect: self.place.dialect,
            wait: sent - times.asked,
            execute: now - sent,
            rows: outcome.rows,
            affected: outcome.affected,
            prepared: outcome.prepared,
            in_transaction: self.place.in_transaction,
            cancelled: matches!(result, Ok(None)),
            error: result.err(),
        };
        if trace::is_enabled() {
            trace::statement(&event);
        }
        if self.place.observers.is_listening() {
            self.place.observers.emit(&Event::Statement(event));
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(times) = self.times.take() {
            self.tell(&times, Ok(None));
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
    let result = connection.batch(sql).await;
    watch.ended(result.map(|()| Outcome::default())).map(|_| ())
}

/// Tells observers and tracing what the user should know.
pub(crate) fn warn(observers: &Observers, message: &str) {
    tracing::warn!(target: "entourage", "{message}");
    if observers.is_listening() {
        observers.emit(&Event::Warning { message });
    }
}
