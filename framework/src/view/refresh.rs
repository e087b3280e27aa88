//! Filling a view that keeps its rows.
//!
//! PostgreSQL has a statement for it. Elsewhere the rows are replaced: a DELETE and an INSERT .. SELECT in one
//! transaction, which no reader sees half of.
use std::{panic::Location, sync::Arc, time::Instant};

use chrono::Utc;

use super::{RefreshReport, state};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::{Error, Result},
    executor::Executor,
    schema::{TableDef, ViewDef, ViewKind},
    statement::{
        Plan, Statement, StatementKind,
        ddl::{self, upkeep, view as text},
        render::qualified,
    },
};

/// PostgreSQL's answer to CONCURRENTLY where the view was never filled.
const NOT_POPULATED: &str = "0A000";
/// PostgreSQL's answer where no unique index tells the rows apart.
const NO_UNIQUE_INDEX: &str = "55000";

/// Whether `error` is the answer to CONCURRENTLY where the view was never filled.
pub(crate) fn is_unpopulated(error: &Error) -> bool {
    error.code() == Some(NOT_POPULATED)
}

/// Fills the view through `executor`, which is in a transaction: the rows, and the note that they were renewed, are
/// kept together or not at all.
pub(crate) async fn refresh(
    executor: &dyn Executor,
    table: &'static TableDef,
    concurrently: bool,
    call_site: &'static Location<'static>,
) -> Result<RefreshReport> {
    let view = refuse_plain(table)?;
    let dialect = executor.dialect();
    // A materialized view of PostgreSQL's is filled by the query that it was made with. The triggers of a maintained view
    // are those of the query that it was made with.
    let definition = match text::is_table(view, dialect) && view.is_materialized() {
        true => Some(text::definition(table, view, dialect)?),
        false => None,
    };
    renew(executor, table, concurrently, definition, call_site).await
}

/// Fills the view, and notes `definition`, the number of its query, if it is given.
pub(super) async fn renew(
    executor: &dyn Executor,
    table: &'static TableDef,
    concurrently: bool,
    definition: Option<i64>,
    call_site: &'static Location<'static>,
) -> Result<RefreshReport> {
    let view = table
        .view
        .ok_or_else(|| Error::invalid_query("this is no view"))?;
    let dialect = executor.dialect();
    let fill = text::fill(table, view, concurrently, dialect)?;
    let began = Instant::now();
    state::lock(executor, table, definition, call_site).await?;
    let refreshed_at = Utc::now();
    let is_table = text::is_table(view, dialect);
    if let Some(sql) = locks_of_all(table, view, dialect) {
        run(executor, table, sql, StatementKind::Select, call_site).await?;
    }
    if is_table {
        let named = ddl::table_name(table, dialect);
        let sql = format!("DELETE FROM {named}");
        run(executor, table, sql, StatementKind::Delete, call_site).await?;
    }
    let filled = run(executor, table, fill, StatementKind::Refresh, call_site).await;
    let affected = filled.map_err(|error| match error.code() {
        Some(NOT_POPULATED) if concurrently => {
            error.with_hint("refresh it without `.concurrently()` first: it has no rows yet")
        }
        Some(NO_UNIQUE_INDEX) if concurrently => error.with_hint(
            "its key needs a unique index: `db.check_schema` has the statement that makes it",
        ),
        _ => error,
    })?;
    let report = RefreshReport {
        rows: is_table.then_some(affected),
        took: began.elapsed(),
        refreshed_at,
    };
    state::note(executor, table, &report, call_site).await?;
    Ok(report)
}

/// The statement that keeps those out who mend the rows of a maintained view.
fn locks_of_all(table: &TableDef, view: &ViewDef, dialect: Dialect) -> Option<String> {
    match view.kind {
        ViewKind::Maintained(_) => upkeep::lock_all(table, dialect),
        ViewKind::Plain | ViewKind::Materialized => None,
    }
}

/// The view, if its rows are kept.
///
/// # Errors
/// That there is nothing to renew.
pub(crate) fn refuse_plain(table: &'static TableDef) -> Result<&'static ViewDef> {
    let entity = table.entity;
    table.view.filter(|view| !view.is_plain()).ok_or_else(|| {
        Error::invalid_query(format!(
            "`{entity}` keeps no rows that could be refreshed: its query runs whenever it is read"
        ))
        .with_hint("mark it `#[view(materialized)]`, and create it anew")
    })
}

/// The view, if its rows wait for refreshes.
///
/// # Errors
/// That there is nothing to refresh.
pub(crate) fn refuse_current(table: &'static TableDef) -> Result<&'static ViewDef> {
    let view = refuse_plain(table)?;
    let entity = table.entity;
    match view.kind {
        ViewKind::Maintained(_) => Err(Error::invalid_query(format!(
            "`{entity}` is never old: each write to what it reads mends it"
        ))
        .with_hint(
            "`db.verify` looks whether that is so, and `db.rebuild` computes all its rows anew",
        )),
        ViewKind::Plain | ViewKind::Materialized => Ok(view),
    }
}

/// The view, if writes to its sources mend it.
///
/// # Errors
/// That there is nothing to rebuild.
pub(crate) fn refuse_unmaintained(table: &'static TableDef) -> Result<&'static ViewDef> {
    let entity = table.entity;
    let view = refuse_plain(table)?;
    match view.kind {
        ViewKind::Maintained(_) => Ok(view),
        ViewKind::Plain | ViewKind::Materialized => Err(Error::invalid_query(format!(
            "`{entity}` is not maintained, and there is nothing of it to rebuild"
        ))
        .with_hint("`db.refresh` renews a materialized view")),
    }
}

async fn run(
    executor: &dyn Executor,
    table: &'static TableDef,
    sql: String,
    kind: StatementKind,
    call_site: &'static Location<'static>,
) -> Result<u64> {
    let plan = Plan::new(sql, kind, vec![qualified(table)]);
    let statement = Statement::new(Arc::new(plan), Vec::new(), call_site);
    Ok(executor.run(&statement, &mut NoRows).await?.affected)
}
