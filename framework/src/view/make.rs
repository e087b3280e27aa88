//! Making views, and taking them away.
use std::{ops::ControlFlow, panic::Location, sync::Arc};

use super::{refresh::renew, state, upkeep};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::Result,
    executor::Executor,
    schema::{Cell, TableDef, ViewDef},
    statement::{
        Plan, Statement, StatementKind,
        ddl::{self, view as text},
        render::qualified,
    },
};

type Site = &'static Location<'static>;

/// Makes the views among `tables`, those that others read first, and fills those that keep rows and were never filled.
/// Inside a transaction, but on MySQL, where statements about the schema commit.
pub(crate) async fn create(
    executor: &dyn Executor,
    tables: &[&'static TableDef],
    call_site: Site,
) -> Result<()> {
    let views = text::among(tables);
    if views.iter().any(|table| !table.is_plain_view()) {
        state::create_table(executor, call_site).await?;
    }
    for table in views {
        let Some(view) = table.view else {
            continue;
        };
        let dialect = executor.dialect();
        let stays = dialect == Dialect::Postgres
            && table.is_materialized_view()
            && is_there(executor, table, call_site).await?;
        let is_new = if table.is_maintained_view() {
            upkeep::install(executor, table, view, call_site).await?
        } else {
            if view.is_materialized() {
                // It may have been maintained.
                upkeep::remove(executor, table, call_site).await?;
            }
            for sql in text::create(table, view, dialect)? {
                send(executor, table, sql, call_site).await?;
            }
            if view.is_plain() {
                continue;
            }
            state::read(executor, table, call_site).await?.is_none()
        };
        if is_new || is_empty(executor, table, call_site).await? {
            // One that was there is filled by the query that it was made with, whichever that is.
            let definition = match stays {
                true => None,
                false => Some(text::definition(table, view, dialect)?),
            };
            fill(executor, table, definition, call_site).await?;
        }
    }
    Ok(())
}

/// Whether a view has no rows, or may not be read yet: somebody has dropped it by hand, and its note stayed.
async fn is_empty(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<bool> {
    let named = ddl::table_name(table, executor.dialect());
    let sql = match executor.dialect() {
        Dialect::Postgres if table.is_materialized_view() => {
            let literal = named.replace('\'', "''");
            format!("SELECT 1 FROM pg_class WHERE oid = '{literal}'::regclass AND relispopulated")
        }
        Dialect::Sqlite | Dialect::Postgres | Dialect::Mysql => {
            format!("SELECT 1 FROM {named} LIMIT 1")
        }
    };
    Ok(!answers(executor, table, sql, call_site).await?)
}

/// Whether something of the view's name is there already, on PostgreSQL.
async fn is_there(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<bool> {
    let literal = ddl::table_name(table, Dialect::Postgres).replace('\'', "''");
    let sql = format!("SELECT 1 WHERE to_regclass('{literal}') IS NOT NULL");
    answers(executor, table, sql, call_site).await
}

/// Whether a question has a row.
async fn answers(
    executor: &dyn Executor,
    table: &'static TableDef,
    sql: String,
    call_site: Site,
) -> Result<bool> {
    let plan = Plan::new(sql, StatementKind::Schema, vec![qualified(table)]).one_off();
    let look = Statement::new(Arc::new(plan), Vec::new(), call_site);
    let mut has_row = false;
    let mut sink = |_: &[Cell<'_>]| {
        has_row = true;
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&look, &mut sink).await?;
    Ok(has_row)
}

/// Drops the views among `tables`, those that read others first.
pub(crate) async fn drop(
    executor: &dyn Executor,
    tables: &[&'static TableDef],
    call_site: Site,
) -> Result<()> {
    let views = text::among(tables);
    if views.iter().any(|table| !table.is_plain_view()) {
        state::create_table(executor, call_site).await?;
    }
    for table in views.into_iter().rev() {
        let Some(view) = table.view else {
            continue;
        };
        remove(executor, table, view, call_site).await?;
    }
    Ok(())
}

async fn remove(
    executor: &dyn Executor,
    table: &'static TableDef,
    view: &ViewDef,
    call_site: Site,
) -> Result<()> {
    if !view.is_plain() {
        upkeep::remove(executor, table, call_site).await?;
    }
    let sql = text::drop(table, view, executor.dialect());
    send(executor, table, sql, call_site).await?;
    if !view.is_plain() {
        state::forget(executor, table, call_site).await?;
    }
    Ok(())
}

/// Fills a new view. On MySQL nothing is open at that point.
async fn fill(
    executor: &dyn Executor,
    table: &'static TableDef,
    definition: Option<i64>,
    call_site: Site,
) -> Result<()> {
    if executor.dialect() != Dialect::Mysql {
        renew(executor, table, false, definition, call_site).await?;
        return Ok(());
    }
    let scope = executor.atomic(call_site).await?;
    renew(scope.executor(), table, false, definition, call_site).await?;
    scope.commit().await
}

pub(super) async fn send(
    executor: &dyn Executor,
    table: &'static TableDef,
    sql: String,
    call_site: Site,
) -> Result<()> {
    let plan = Arc::new(ddl::plan(table, sql));
    let statement = Statement::new(plan, Vec::new(), call_site);
    executor.run(&statement, &mut NoRows).await?;
    Ok(())
}
