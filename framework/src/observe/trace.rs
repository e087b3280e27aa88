//! One tracing event per statement, for subscribers that ask for it.
//!
//! Target `entourage::statement`, level debug, OpenTelemetry's stable names. Argument values are never in it.
use tracing::Level;

use super::StatementEvent;

const TARGET: &str = "entourage::statement";

/// Whether a subscriber wants statements.
#[inline]
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// Tells the subscriber.
pub(crate) fn statement(event: &StatementEvent<'_>) {
    let plan = &event.statement.plan;
    let call_site = event.statement.call_site;
    tracing::event!(target: TARGET, Level::DEBUG, {
        db.system.name = event.dialect.system_name(),
        db.operation.name = plan.kind.operation_name(),
        db.collection.name = plan.table(),
        db.query.text = &*plan.sql,
        code.file.path = call_site.file(),
        code.line.number = call_site.line(),
        rows = event.rows,
        affected = event.affected,
        wait = ?event.wait,
        elapsed = ?event.execute,
        cancelled = event.cancelled,
        error = event.error.map(tracing::field::display),
    });
}
