//! The table and the triggers of a maintained view: made, looked for, and taken away.
//!
//! How each trigger is dropped is noted in the table `entourage_view_triggers`, before it is made: a view that is made
//! anew by another declaration leaves none behind that would mend what is gone.
use std::{ops::ControlFlow, panic::Location, sync::Arc};

use super::{make::send, state};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::Result,
    executor::Executor,
    schema::{Cell, Row, TableDef, Value, ViewDef},
    statement::{
        Plan, Statement, StatementKind,
        ddl::{
            self,
            upkeep::{self, Trigger},
            view as text,
        },
        render::qualified,
    },
};

type Site = &'static Location<'static>;

const NOTES: &str = "entourage_view_triggers";

const CREATE_NOTES: &str = "CREATE TABLE IF NOT EXISTS entourage_view_triggers (\n    \
    view_name VARCHAR(255) NOT NULL,\n    \
    drop_sql VARCHAR(400) NOT NULL,\n    \
    PRIMARY KEY (view_name, drop_sql)\n)";

/// Makes the view's table and its triggers, unless they are all there for this query. Whether it did: what is in the view
/// then is nothing.
///
/// The rows are the query's, so nothing is lost with a table that was made for another one.
///
/// # Errors
/// Why the view cannot be maintained, before anything is changed; the database's.
pub(super) async fn install(
    executor: &dyn Executor,
    table: &'static TableDef,
    view: &ViewDef,
    call_site: Site,
) -> Result<bool> {
    let dialect = executor.dialect();
    let triggers = upkeep::triggers(table, view, dialect)?;
    let definition = text::definition(table, view, dialect)?;
    let made = state::definition(executor, table, call_site).await?;
    let create = text::create(table, view, dialect)?.into_iter();
    let prepare = upkeep::prepare(table, dialect);
    if made == Some(definition) && missing(executor, table, call_site).await?.is_empty() {
        // Somebody may have dropped the table by hand, or emptied that of the locks.
        for sql in create.chain(prepare) {
            send(executor, table, sql, call_site).await?;
        }
        return Ok(false);
    }
    // Where each statement commits, one that fails must not leave a note that all is well.
    state::forget(executor, table, call_site).await?;
    remove(executor, table, call_site).await?;
    let drop = text::drop(table, view, dialect);
    let trials = upkeep::trials(table, view, dialect)?;
    for sql in std::iter::once(drop)
        .chain(create)
        .chain(prepare)
        .chain(trials)
    {
        send(executor, table, sql, call_site).await?;
    }
    for trigger in triggers {
        note(executor, table, trigger.drop.clone(), call_site).await?;
        for sql in std::iter::once(trigger.drop).chain(trigger.create) {
            send(executor, table, sql, call_site).await?;
        }
    }
    Ok(true)
}

/// Takes the triggers away that were ever made for a view of this name.
pub(super) async fn remove(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<()> {
    // Names of triggers differ in case where tables do.
    let collation = match executor.dialect() {
        Dialect::Mysql => " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        Dialect::Sqlite | Dialect::Postgres => "",
    };
    let notes = format!("{CREATE_NOTES}{collation}");
    send(executor, table, notes, call_site).await?;
    let look = match executor.dialect() {
        Dialect::Sqlite => "SELECT drop_sql FROM entourage_view_triggers WHERE view_name = ?1",
        Dialect::Postgres => "SELECT drop_sql FROM entourage_view_triggers WHERE view_name = $1",
        Dialect::Mysql => "SELECT drop_sql FROM entourage_view_triggers WHERE view_name = ?",
    };
    let mut drops = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        drops.push(Row::new(cells).read::<String>()?);
        Ok(ControlFlow::Continue(()))
    };
    let look = noting(look, StatementKind::Schema, vec![name(table)], call_site);
    executor.run(&look, &mut sink).await?;
    if drops.is_empty() {
        return Ok(());
    }
    for sql in drops {
        send(executor, table, sql, call_site).await?;
    }
    let forget = match executor.dialect() {
        Dialect::Sqlite => "DELETE FROM entourage_view_triggers WHERE view_name = ?1",
        Dialect::Postgres => "DELETE FROM entourage_view_triggers WHERE view_name = $1",
        Dialect::Mysql => "DELETE FROM entourage_view_triggers WHERE view_name = ?",
    };
    let forget = noting(forget, StatementKind::Schema, vec![name(table)], call_site);
    executor.run(&forget, &mut NoRows).await?;
    Ok(())
}

/// Notes how a trigger of the view is dropped.
async fn note(
    executor: &dyn Executor,
    table: &'static TableDef,
    drop: String,
    call_site: Site,
) -> Result<()> {
    let sql = match executor.dialect() {
        Dialect::Sqlite => {
            "INSERT OR IGNORE INTO entourage_view_triggers (view_name, drop_sql) VALUES (?1, ?2)"
        }
        Dialect::Postgres => {
            "INSERT INTO entourage_view_triggers (view_name, drop_sql) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        }
        Dialect::Mysql => {
            "INSERT IGNORE INTO entourage_view_triggers (view_name, drop_sql) VALUES (?, ?)"
        }
    };
    let args = vec![name(table), Value::String(Some(drop))];
    let note = noting(sql, StatementKind::Schema, args, call_site);
    executor.run(&note, &mut NoRows).await?;
    Ok(())
}

fn name(table: &'static TableDef) -> Value {
    Value::String(Some(qualified(table).to_string()))
}

fn noting(sql: &'static str, kind: StatementKind, args: Vec<Value>, call_site: Site) -> Statement {
    let plan = Plan::new(sql, kind, vec![NOTES.into()]);
    Statement::new(Arc::new(plan), args, call_site)
}

/// The names of the triggers that are not there, or do not fire.
///
/// # Errors
/// Why the view can have none; the database's.
pub(crate) async fn missing(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: Site,
) -> Result<Vec<String>> {
    let dialect = executor.dialect();
    let Some(view) = table.view.filter(|_| table.is_maintained_view()) else {
        return Ok(Vec::new());
    };
    let triggers = upkeep::triggers(table, view, dialect)?;
    let Some(sql) = look(&triggers, dialect) else {
        return Ok(Vec::new());
    };
    let statement = Statement::new(Arc::new(ddl::plan(table, sql)), Vec::new(), call_site);
    let mut found = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        found.push(Row::new(cells).read::<String>()?);
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&statement, &mut sink).await?;
    let names = triggers.into_iter().map(|trigger| trigger.name);
    Ok(names.filter(|name| !found.contains(name)).collect())
}

/// The question which of the triggers are there.
fn look(triggers: &[Trigger], dialect: Dialect) -> Option<String> {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let first = triggers.first()?;
    let names: Vec<_> = triggers.iter().map(|one| literal(&one.name)).collect();
    let names = names.join(", ");
    Some(match dialect {
        Dialect::Sqlite => {
            let schema = match first.source.schema {
                Some(schema) => format!("{}.", dialect.quote(schema)),
                None => String::new(),
            };
            format!(
                "SELECT name FROM {schema}sqlite_master WHERE type = 'trigger' AND name IN ({names})"
            )
        }
        Dialect::Postgres => {
            let on = |one: &Trigger| {
                let named = ddl::table_name(one.source, dialect);
                format!("to_regclass({})", literal(&named))
            };
            let tables: Vec<_> = triggers.iter().map(on).collect();
            format!(
                "SELECT tgname::text FROM pg_trigger WHERE tgname IN ({names}) AND tgenabled IN ('O', 'A') AND tgrelid IN ({})",
                tables.join(", ")
            )
        }
        Dialect::Mysql => {
            let schema = first.source.schema.map_or("DATABASE()".to_owned(), literal);
            format!(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {schema} AND TRIGGER_NAME IN ({names})"
            )
        }
    })
}
