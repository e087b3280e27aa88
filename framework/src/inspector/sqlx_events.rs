//! Statements that a program sends with sqlx, past the framework: heard from the events that sqlx tells `tracing`.
use std::{
    fmt,
    time::{Duration, Instant},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use super::{gathering, record::Foreign};
use crate::{dialect::Dialect, statement::fingerprint::normalize};

/// The target of sqlx's events.
const TARGET: &str = "sqlx::query";

/// A layer for a `tracing` subscriber that adds the statements of the program's own sqlx to the request that they are
/// sent in. The inspector shows them as such: of their arguments, connections and call sites sqlx tells nothing.
///
/// Heard are statements of the task that answers the request, at the level at which sqlx logs them (debug, unless its
/// `log_statements` is set). With a filter for other layers, add it beside that filter, not below it.
///
/// ```
/// use entourage::inspector::SqlxEvents;
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(SqlxEvents::new());
/// # let _guard = tracing::subscriber::set_default(subscriber);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SqlxEvents(());

impl SqlxEvents {
    /// A layer that hears them.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: Subscriber> Layer<S> for SqlxEvents {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            gathering::hear(|| Told::of(event).foreign());
        }
    }
}

/// The fields of one event.
#[derive(Default)]
struct Told {
    summary: String,
    statement: String,
    seconds: f64,
    rows: u64,
    affected: u64,
}

impl Told {
    fn of(event: &Event<'_>) -> Self {
        let mut told = Self::default();
        event.record(&mut told);
        told
    }

    fn foreign(self) -> Foreign {
        // Of a short text only the summary is told, which is all of it then.
        let text = match self.statement.trim() {
            "" => self.summary.as_str(),
            statement => statement,
        };
        let duration = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let now = Instant::now();
        Foreign {
            // Nobody tells the dialect; this one knows the most forms of literals.
            sql: normalize(text, Dialect::Postgres),
            began: now.checked_sub(duration).unwrap_or(now),
            duration,
            rows: self.rows,
            affected: self.affected,
        }
    }
}

impl Visit for Told {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "rows_returned" => self.rows = value,
            "rows_affected" => self.affected = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
