//! Asks the database how it runs what was slow.
use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::Database;
use crate::{
    dialect::Dialect,
    error::Result,
    executor::Executor,
    observe::{SlowStatements, StatementEvent},
    schema::Cell,
    statement::{Fingerprint, Plan, Statement, StatementKind},
};

/// How often the plan of one statement is asked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// How many plans may be waited for; beyond that slow statements are told without one.
const WAITING: usize = 16;

/// Adds `slow` to the observers of `db`, and the task that asks for plans if it wants them.
pub(super) fn install(db: &Database, slow: SlowStatements) {
    let observers = db.observers();
    if !slow.wants_plan() {
        return observers.add(Arc::new(slow));
    }
    let (sender, receiver) = mpsc::channel(WAITING);
    let asked = Mutex::new(HashMap::new());
    let slow = slow.then(move |run| {
        if is_explainable(run) && is_due(&asked, run.fingerprint()) {
            // A full queue only means that this plan is not told.
            let _ = sender.try_send(run.statement.clone());
        }
    });
    observers.add(Arc::new(slow));
    // The task must not keep the database alive that keeps its sender alive.
    tokio::spawn(explain_all(Arc::downgrade(&db.inner), receiver));
}

/// Only what reads can be asked about without harm.
fn is_explainable(run: &StatementEvent<'_>) -> bool {
    run.statement.plan.kind == StatementKind::Select && run.error.is_none()
}

fn is_due(asked: &Mutex<HashMap<Fingerprint, Instant>>, fingerprint: Fingerprint) -> bool {
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    asked.retain(|_, at| now.saturating_duration_since(*at) < INTERVAL);
    asked.insert(fingerprint, now).is_none()
}

async fn explain_all(db: Weak<super::Inner>, mut slow: mpsc::Receiver<Statement>) {
    while let Some(statement) = slow.recv().await {
        let Some(db) = db.upgrade().map(Database::on) else {
            return;
        };
        let call_site = statement.call_site;
        match explain(&db, &statement).await {
            Ok(plan) => tracing::warn!(
                target: "entourage::slow",
                { db.query.text = statement.plan.normalized(db.dialect()) },
                "the plan of the slow statement from {}:{}\n{plan}",
                call_site.file(),
                call_site.line(),
            ),
            Err(error) => tracing::debug!(
                target: "entourage::slow",
                "no plan for the slow statement: {error}"
            ),
        }
    }
}

/// How the database would run `statement`, as it says it.
async fn explain(db: &Database, statement: &Statement) -> Result<String> {
    let (prefix, column) = match db.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Dialect::Postgres => ("EXPLAIN", 0),
        Dialect::Mysql => ("EXPLAIN FORMAT=JSON", 0),
    };
    let sql = format!("{prefix} {}", statement.sql());
    let tables = statement.plan.tables.clone();
    let plan = Plan::new(sql, StatementKind::Schema, tables).one_off();
    let explain = Statement::new(Arc::new(plan), statement.args.clone(), statement.call_site);
    let mut lines = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        match cells.get(column) {
            Some(Cell::Text(line)) => lines.push((*line).to_owned()),
            Some(Cell::Json(json) | Cell::Bytes(json)) => {
                lines.push(String::from_utf8_lossy(json).into_owned());
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    };
    db.run(&explain, &mut sink).await?;
    Ok(lines.join("\n"))
}
