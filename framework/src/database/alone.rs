//! Statements that are no part of a transaction.
//!
//! They go to their connection as they are. Behind a pooler a connection has a server of its own only inside a
//! transaction, so each gets one: BEGIN and COMMIT are two more round trips, and what right answers cost there.
use crate::{
    driver::{Outcome, RowSender, RowSink},
    error::{Error, Result},
    executor::watch::{self, Place},
    pool::PoolConnection,
    statement::{Statement, StatementKind},
};

/// Runs `statement` on `connection`.
pub(super) async fn run(
    place: Place<'_>,
    connection: &mut PoolConnection,
    statement: &Statement,
    sink: &mut dyn RowSink,
) -> Result<Outcome> {
    if connection.capabilities().session_state {
        return connection.run(statement, sink).await;
    }
    begin(place, connection, statement).await?;
    let mut result = connection.run(statement, sink).await;
    if result.as_ref().is_err_and(Error::is_statement_outdated) {
        // Its types were not known, and no row came of it. Now they are.
        end(place, connection, statement, false).await?;
        begin(place, connection, statement).await?;
        result = connection.run(statement, sink).await;
    }
    finish(place, connection, statement, result).await
}

/// The same with rows at the consumer's pace.
pub(super) async fn stream(
    place: Place<'_>,
    connection: &mut PoolConnection,
    statement: &Statement,
    sender: Box<dyn RowSender>,
) -> Result<Outcome> {
    if connection.capabilities().session_state {
        return connection.stream(statement, sender).await;
    }
    begin(place, connection, statement).await?;
    let result = connection.stream(statement, sender).await;
    finish(place, connection, statement, result).await
}

async fn begin(
    place: Place<'_>,
    connection: &mut PoolConnection,
    statement: &Statement,
) -> Result<()> {
    connection.begin_cleanup("ROLLBACK");
    send(place, connection, statement, "BEGIN").await
}

async fn finish(
    place: Place<'_>,
    connection: &mut PoolConnection,
    statement: &Statement,
    result: Result<Outcome>,
) -> Result<Outcome> {
    if connection.is_broken() {
        return result;
    }
    let ended = end(place, connection, statement, result.is_ok()).await;
    match (result, ended) {
        (Ok(outcome), Ok(())) => Ok(outcome),
        (Ok(_), Err(error)) | (Err(error), _) => Err(error),
    }
}

async fn end(
    place: Place<'_>,
    connection: &mut PoolConnection,
    statement: &Statement,
    keep: bool,
) -> Result<()> {
    let sql = if keep { "COMMIT" } else { "ROLLBACK" };
    send(place, connection, statement, sql).await?;
    connection.end_cleanup();
    Ok(())
}

async fn send(
    place: Place<'_>,
    connection: &mut PoolConnection,
    statement: &Statement,
    sql: &str,
) -> Result<()> {
    let kind = StatementKind::Transaction;
    watch::batch(place, &mut **connection, sql, kind, statement.call_site).await
}
