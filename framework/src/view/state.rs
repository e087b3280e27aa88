//! The table `entourage_views`: when each materialized view was filled.
use std::{ops::ControlFlow, panic::Location, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{RefreshReport, ViewState};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::{Error, Result},
    executor::Executor,
    schema::{Cell, Row, TableDef, Value},
    statement::{Plan, Statement, StatementKind, render::qualified},
};

type Site = &'static Location<'static>;

const TABLE: &str = "entourage_views";

/// Times are microseconds, since 1970 and of duration: the same on every database.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS entourage_views (\n    \
    name VARCHAR(255) NOT NULL PRIMARY KEY,\n    \
    refreshed_at BIGINT,\n    \
    took BIGINT,\n    \
    row_count BIGINT,\n    \
    refreshes BIGINT NOT NULL,\n    \
    definition BIGINT\n)";

/// Makes the table, if it is not there.
pub(crate) async fn create_table(executor: &dyn Executor, call_site: Site) -> Result<()> {
    send(
        executor,
        CREATE,
        StatementKind::Schema,
        Vec::new(),
        call_site,
    )
    .await
}

/// Whether `error` says that the table is not there.
pub(crate) fn is_missing(error: &Error) -> bool {
    // PostgreSQL's and MySQL's numbers; SQLite has none for it.
    let says_so = match error.code() {
        Some("42P01" | "1146") => true,
        _ => error.to_string().contains("no such table"),
    };
    says_so && error.to_string().contains(TABLE)
}

/// Counts a refresh of the view, and waits until no other one has its row. `definition` is the number of the query that
/// fills it, where that is the one of the struct.
pub(super) async fn lock(
    executor: &dyn Executor,
    table: &'static TableDef,
    definition: Option<i64>,
    call_site: Site,
) -> Result<()> {
    let sql = match executor.dialect() {
        Dialect::Sqlite => {
            "INSERT INTO entourage_views (name, refreshes, definition) VALUES (?1, 1, ?2) \
             ON CONFLICT (name) DO UPDATE SET refreshes = entourage_views.refreshes + 1, \
             definition = coalesce(excluded.definition, entourage_views.definition)"
        }
        Dialect::Postgres => {
            "INSERT INTO entourage_views (name, refreshes, definition) VALUES ($1, 1, $2) \
             ON CONFLICT (name) DO UPDATE SET refreshes = entourage_views.refreshes + 1, \
             definition = coalesce(excluded.definition, entourage_views.definition)"
        }
        Dialect::Mysql => {
            "INSERT INTO entourage_views (name, refreshes, definition) VALUES (?, 1, ?) \
             ON DUPLICATE KEY UPDATE refreshes = refreshes + 1, \
             definition = coalesce(VALUES(definition), definition)"
        }
    };
    let kind = StatementKind::Insert;
    let args = vec![name(table), Value::BigInt(definition)];
    let locked = send(executor, sql, kind, args, call_site).await;
    locked.map_err(|error| match is_missing(&error) {
        true => error.with_hint(
            "`db.create_view` makes the table in which refreshes are noted, and so does `db.refresh`",
        ),
        false => error,
    })
}

/// Notes what a refresh did.
pub(super) async fn note(
    executor: &dyn Executor,
    table: &'static TableDef,
    report: &RefreshReport,
    call_site: Site,
) -> Result<()> {
    let sql = match executor.dialect() {
        Dialect::Sqlite => {
            "UPDATE entourage_views SET refreshed_at = ?1, took = ?2, row_count = ?3 WHERE name = ?4"
        }
        Dialect::Postgres => {
            "UPDATE entourage_views SET refreshed_at = $1, took = $2, row_count = $3 WHERE name = $4"
        }
        Dialect::Mysql => {
            "UPDATE entourage_views SET refreshed_at = ?, took = ?, row_count = ? WHERE name = ?"
        }
    };
    let took = i64::try_from(report.took.as_micros()).unwrap_or(i64::MAX);
    let rows = report
        .rows
        .map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
    let args = vec![
        Value::BigInt(Some(report.refreshed_at.timestamp_micros())),
        Value::BigInt(Some(took)),
        Value::BigInt(rows),
        name(table),
    ];
    send(executor, sql, StatementKind::Update, args, call_site).await
}

/// Forgets the view, which is no longer there.
pub(super) async fn forget(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<()> {
    let sql = match executor.dialect() {
        Dialect::Sqlite => "DELETE FROM entourage_views WHERE name = ?1",
        Dialect::Postgres => "DELETE FROM entourage_views WHERE name = $1",
        Dialect::Mysql => "DELETE FROM entourage_views WHERE name = ?",
    };
    let kind = StatementKind::Delete;
    send(executor, sql, kind, vec![name(table)], call_site).await
}

/// What is noted of the view, without its sources; nothing if nothing is.
pub(crate) async fn read(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<Option<ViewState>> {
    let sql = match executor.dialect() {
        Dialect::Sqlite => {
            "SELECT refreshed_at, took, row_count, refreshes FROM entourage_views WHERE name = ?1"
        }
        Dialect::Postgres => {
            "SELECT refreshed_at, took, row_count, refreshes FROM entourage_views WHERE name = $1"
        }
        Dialect::Mysql => {
            "SELECT refreshed_at, took, row_count, refreshes FROM entourage_views WHERE name = ?"
        }
    };
    let mut state = None;
    let mut sink = |cells: &[Cell<'_>]| {
        let mut row = Row::new(cells);
        let positive = |number: i64| u64::try_from(number).unwrap_or_default();
        state = Some(ViewState {
            refreshed_at: row
                .read::<Option<i64>>()?
                .and_then(DateTime::<Utc>::from_timestamp_micros),
            took: row
                .read::<Option<i64>>()?
                .map(positive)
                .map(Duration::from_micros),
            rows: row.read::<Option<i64>>()?.map(positive),
            refreshes: positive(row.read()?),
            sources_written: None,
        });
        Ok(ControlFlow::Continue(()))
    };
    let statement = statement(sql, StatementKind::Select, vec![name(table)], call_site);
    executor.run(&statement, &mut sink).await?;
    Ok(state)
}

/// The number of the query that the view was made with, or filled by, where that is known; nothing if the view is not
/// noted.
pub(crate) async fn definition(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<Option<i64>> {
    let sql = match executor.dialect() {
        Dialect::Sqlite => "SELECT definition FROM entourage_views WHERE name = ?1",
        Dialect::Postgres => "SELECT definition FROM entourage_views WHERE name = $1",
        Dialect::Mysql => "SELECT definition FROM entourage_views WHERE name = ?",
    };
    let mut definition = None;
    let mut sink = |cells: &[Cell<'_>]| {
        definition = Row::new(cells).read()?;
        Ok(ControlFlow::Continue(()))
    };
    let statement = statement(sql, StatementKind::Schema, vec![name(table)], call_site);
    match executor.run(&statement, &mut sink).await {
        Err(error) if !is_missing(&error) => Err(error),
        _ => Ok(definition),
    }
}

fn name(table: &'static TableDef) -> Value {
    Value::String(Some(qualified(table).to_string()))
}

fn statement(sql: &'static str, kind: StatementKind, args: Vec<Value>, site: Site) -> Statement {
    let plan = Plan::new(sql, kind, vec![TABLE.into()]);
    Statement::new(Arc::new(plan), args, site)
}

async fn send(
    executor: &dyn Executor,
    sql: &'static str,
    kind: StatementKind,
    args: Vec<Value>,
    call_site: Site,
) -> Result<()> {
    let statement = statement(sql, kind, args, call_site);
    executor.run(&statement, &mut NoRows).await?;
    Ok(())
}
