//! Asks the database how it runs what was slow.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::Database;
use crate::{
    error::{Error, Result},
    executor::explain::ask,
    observe::{SlowStatements, StatementEvent},
    statement::{
        Fingerprint, Statement, StatementKind,
        explain::{Form, How, Question},
    },
};

/// How often the plan of one statement is asked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// How many plans may be waited for; beyond that slow statements are told without one.
const WAITING: usize = 16;

/// Adds `slow` to the observers of `db`, and the task that asks for plans if it wants them.
pub(super) fn install(db: &Database, slow: SlowStatements) {
    let observers = db.observers();
    let slow = slow.of_shard(db.shard().map(Arc::from));
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

/// How the database would run `statement`, as it says it, without values that may not be shown.
async fn explain(db: &Database, statement: &Statement) -> Result<String> {
    let question = Question::of(db.dialect(), db.capabilities(), How::Plan, Form::Text)
        .ok_or_else(|| Error::unsupported("this database tells no plans"))?;
    Ok(ask(db, statement, question).await?.text)
}
