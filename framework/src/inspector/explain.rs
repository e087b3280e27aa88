//! Asks a database how it runs a statement that was recorded.
//!
//! Only what the ring holds, only what reads, with the arguments it was run with; never a text from outside. It runs in a
//! transaction that the database holds to reading, that is rolled back, and that has a deadline.
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

pub(super) use crate::statement::explain::How;
use crate::{
    database::Database,
    error::{Error, Result},
    executor::explain::ask,
    observe::Recorded,
    statement::{
        Statement, StatementKind,
        explain::{Form, QueryPlan, Question},
    },
};

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
    let question = Question::of(db.dialect(), db.capabilities(), how, Form::Text)
        .ok_or(Refusal::Unsupported)?;
    let _turn = turns.try_acquire().map_err(|_| Refusal::Busy)?;
    let values = arguments.values().to_vec();
    let statement = Statement::new(Arc::clone(&run.plan), values, run.call_site);
    let began = Instant::now();
    let plan = held_to_reading(db, &statement, question, timeout)
        .await
        .map_err(Refusal::Failed)?;
    Ok(Explained {
        command: plan.command,
        plan: plan.text,
        took: began.elapsed(),
    })
}

async fn held_to_reading(
    db: &Database,
    statement: &Statement,
    question: Question,
    timeout: Duration,
) -> Result<QueryPlan> {
    let transaction = db.transaction().read_only().deadline(timeout);
    let tx = transaction.warn_after(Duration::MAX).begin().await?;
    // An error drops the transaction, which rolls it back too.
    let plan = ask(&tx, statement, question).await?;
    tx.rollback().await?;
    Ok(plan)
}
