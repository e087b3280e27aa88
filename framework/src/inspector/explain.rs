//! Asks a database how it runs a statement that was recorded.
//!
//! Only what the ring holds, only what reads, with the arguments it was run with; never a text from outside. It runs in a
//! transaction that the database holds to reading, that is rolled back, and that has a deadline.
use std::{
    collections::HashMap,
    fmt,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use super::mask;
use crate::{
    database::Database,
    dialect::Dialect,
    error::{Error, Result},
    executor::Executor,
    observe::Recorded,
    schema::Cell,
    statement::{Plan, Statement, StatementKind},
};

/// Whether the statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The database only says how it would.
    Plan,
    /// It is run and measured.
    Analyze,
}

/// What the database said.
#[derive(Debug)]
pub(super) struct Explained {
    /// What it was asked: `EXPLAIN (ANALYZE, BUFFERS)`.
    pub(super) command: &'static str,
    pub(super) plan: String,
    pub(super) took: Duration,
}

/// Why it was not asked, or did not answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The statement does more than read.
    Writes,
    /// It was sent over a connection that was lent, or on a database that the inspector does not know.
    UnknownDatabase,
    /// Its arguments were too large to be kept.
    NoArguments,
    /// The database has no such command.
    Unsupported,
    /// Another one runs.
    Busy,
    /// The database refused, or the time was over.
    Failed(Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Writes => "only statements that read are explained",
            Self::UnknownDatabase => {
                "the statement was not run on a database that the inspector was given: name it by `.database(..)`"
            }
            Self::NoArguments => "the arguments of this statement were too large to be kept",
            Self::Unsupported => "SQLite has no EXPLAIN ANALYZE; EXPLAIN shows its query plan",
            Self::Busy => "another EXPLAIN is running; try again when it is done",
            Self::Failed(error) => return error.fmt(f),
        };
        f.write_str(text)
    }
}

/// Explains `run` on `db`.
pub(super) async fn explain(
    db: Option<&Database>,
    run: &Recorded,
    how: How,
    timeout: Duration,
    turns: &Semaphore,
) -> Result<Explained, Refusal> {
    if run.kind != StatementKind::Select {
        return Err(Refusal::Writes);
    }
    let db = db.ok_or(Refusal::UnknownDatabase)?;
    let arguments = run.arguments.as_ref().ok_or(Refusal::NoArguments)?;
    let command = command(db, how).ok_or(Refusal::Unsupported)?;
    let _turn = turns.try_acquire().map_err(|_| Refusal::Busy)?;
    let sql = format!("{command} {}", run.sql);
    // Not counted and not added up: it is no statement of the program's.
    let plan = Plan::new(sql, StatementKind::Schema, run.tables.clone()).one_off();
    let statement = Statement::new(Arc::new(plan), arguments.values().to_vec(), run.call_site);
    let began = Instant::now();
    let plan = ask(db, &statement, timeout)
        .await
        .map_err(Refusal::Failed)?;
    Ok(Explained {
        command,
        plan: mask::plan(run, plan),
        took: began.elapsed(),
    })
}

fn command(db: &Database, how: How) -> Option<&'static str> {
    Some(match (db.dialect(), how) {
        (Dialect::Sqlite, How::Plan) => "EXPLAIN QUERY PLAN",
        (Dialect::Sqlite, How::Analyze) => return None,
        (Dialect::Postgres, How::Plan) => "EXPLAIN",
        (Dialect::Postgres, How::Analyze) => "EXPLAIN (ANALYZE, BUFFERS)",
        (Dialect::Mysql, How::Plan) => "EXPLAIN FORMAT=JSON",
        (Dialect::Mysql, How::Analyze) if db.capabilities().mariadb => "ANALYZE FORMAT=JSON",
        (Dialect::Mysql, How::Analyze) => "EXPLAIN ANALYZE",
    })
}

async fn ask(db: &Database, statement: &Statement, timeout: Duration) -> Result<String> {
    let transaction = db.transaction().read_only().deadline(timeout);
    let tx = transaction.warn_after(Duration::MAX).begin().await?;
    let mut lines = Vec::new();
    let mut depths = HashMap::new();
    let mut sink = |cells: &[Cell<'_>]| {
        lines.push(line(cells, &mut depths));
        Ok(ControlFlow::Continue(()))
    };
    // An error drops the transaction, which rolls it back too.
    tx.run(statement, &mut sink).await?;
    tx.rollback().await?;
    Ok(lines.join("\n"))
}

/// One line of the answer. SQLite tells each node with the number of its parent: deeper ones are indented.
fn line(cells: &[Cell<'_>], depths: &mut HashMap<i64, usize>) -> String {
    if let [Cell::Int(id), Cell::Int(parent), _, Cell::Text(text)] = cells {
        let depth = depths.get(parent).map_or(0, |depth| depth + 1);
        depths.insert(*id, depth);
        return format!("{}{text}", "  ".repeat(depth));
    }
    match cells.first() {
        Some(Cell::Text(line)) => (*line).to_owned(),
        Some(Cell::Json(json) | Cell::Bytes(json)) => String::from_utf8_lossy(json).into_owned(),
        _ => String::new(),
    }
}
