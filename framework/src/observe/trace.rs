//! Statements for `tracing`: one span and one event each, level debug, target `entourage::statement`.
//!
//! The names are those of OpenTelemetry's stable conventions for databases
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-spans/>). The span is named `SELECT users`, of kind
//! client. The text is shown as it is sent where the framework wrote it, for it holds no values then; a text of the
//! user's is shown without its literals. Arguments are shown on request only, and never those of a statement that may
//! hold a sensitive column's value.
use tracing::{Level, Span, field};

use super::{StatementEvent, Target};
use crate::{dialect::Dialect, error::Error, statement::Statement};

const TARGET: &str = "entourage::statement";

/// Whether a subscriber wants statements.
#[inline]
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// The span that a statement runs in.
pub(crate) fn span(statement: &Statement, target: &Target, dialect: Dialect) -> Span {
    let plan = &statement.plan;
    let batch = plan.subject.as_ref().map_or(0, |subject| subject.rows);
    let span = tracing::span!(
        target: TARGET,
        Level::DEBUG,
        "statement",
        otel.name = %Summary(statement),
        otel.kind = "client",
        otel.status_code = field::Empty,
        db.system.name = system(target, dialect),
        db.namespace = target.namespace.as_deref(),
        db.collection.name = some(plan.table()),
        db.operation.name = plan.kind.operation_name(),
        db.operation.batch.size = (batch > 1).then_some(batch),
        db.query.text = text(statement, dialect),
        db.query.summary = %Summary(statement),
        db.response.status_code = field::Empty,
        db.response.returned_rows = field::Empty,
        error.type = field::Empty,
        server.address = target.address.as_deref(),
        server.port = target.port,
        entourage.role = target.role.name(),
        entourage.shard = target.shard.as_deref(),
        code.file.path = statement.call_site.file(),
        code.line.number = statement.call_site.line(),
    );
    span
}

/// Tells the subscriber how the statement ended.
pub(crate) fn ended(span: &Span, event: &StatementEvent<'_>, shows_arguments: bool) {
    let statement = event.statement;
    let plan = &statement.plan;
    if let Some(error) = event.error {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error_type(error));
        if let Some(code) = error.code() {
            span.record("db.response.status_code", code);
        }
    } else {
        span.record("db.response.returned_rows", event.rows);
    }
    // A text for any number of rows did not tell at the beginning.
    let untold = plan
        .subject
        .as_ref()
        .is_some_and(|subject| subject.rows == 0);
    if untold && event.adds_rows() && event.affected > 1 {
        span.record("db.operation.batch.size", event.affected);
    }
    let arguments = shows_arguments.then(|| arguments(statement));
    let _entered = span.enter();
    tracing::event!(target: TARGET, Level::DEBUG, {
        db.system.name = system(event.target, event.dialect),
        db.namespace = event.target.namespace.as_deref(),
        entourage.role = event.target.role.name(),
        entourage.shard = event.target.shard.as_deref(),
        db.collection.name = some(plan.table()),
        db.operation.name = plan.kind.operation_name(),
        db.query.text = text(statement, event.dialect),
        db.query.parameters = arguments,
        db.response.returned_rows = event.rows,
        db.response.status_code = event.error.and_then(Error::code),
        error.type = event.error.map(error_type),
        code.file.path = statement.call_site.file(),
        code.line.number = statement.call_site.line(),
        affected = event.affected,
        bytes = event.bytes,
        prepared = event.prepared,
        wait = ?event.wait,
        execute = ?event.execute,
        decode = ?event.decode,
        cancelled = event.cancelled,
        error = event.error.map(field::display),
    });
}

/// `SELECT users`: what OpenTelemetry calls the summary.
struct Summary<'a>(&'a Statement);

impl std::fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plan = &self.0.plan;
        f.write_str(plan.kind.operation_name())?;
        plan.tables
            .iter()
            .try_for_each(|table| write!(f, " {table}"))
    }
}

/// The product; of a connection that is lent only the dialect is known.
pub(crate) fn system(target: &Target, dialect: Dialect) -> &'static str {
    match target.system {
        "" => dialect.system_name(),
        system => system,
    }
}

/// The database's code where it gave one, else what went wrong in our words.
pub(crate) fn error_type(error: &Error) -> &str {
    error.code().unwrap_or_else(|| error.kind().name())
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn text(statement: &Statement, dialect: Dialect) -> &str {
    let plan = &statement.plan;
    match plan.subject {
        Some(_) => &plan.sql,
        None => plan.normalized(dialect),
    }
}

/// The arguments in one line. Of the user's own text nobody knows which of them is sensitive.
fn arguments(statement: &Statement) -> String {
    let masked = match &statement.plan.subject {
        Some(subject) => subject.sensitive,
        None => true,
    };
    if masked {
        return format!("[{} masked]", statement.args.len());
    }
    let shown: Vec<_> = statement
        .args
        .iter()
        .map(|arg| format!("{arg:?}"))
        .collect();
    format!("[{}]", shown.join(", "))
}
