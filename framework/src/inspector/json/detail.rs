//! One request with everything that is known of it.
use std::time::Instant;

use serde_json::{Value, json};

use super::{list, millis, place};
use crate::{
    dialect::Dialect,
    inspector::{
        brackets,
        explain::{Explained, Refusal},
        mask,
        record::{Foreign, RequestRecord},
        setup::Settings,
        verdict::{self, Verdict},
    },
    observe::{Recorded, Role, Target},
    statement::StatementKind,
};

/// A request, its verdicts, its statements in the order of their beginnings, and its transactions.
pub(in crate::inspector) fn of(settings: &Settings, request: &RequestRecord) -> Value {
    let ours = request.statements.iter().enumerate();
    let mut statements: Vec<(Instant, Value)> = ours
        .map(|(at, run)| (run.began, statement(settings, request, at, run)))
        .collect();
    statements.extend(
        request
            .foreign
            .iter()
            .map(|run| (run.began, foreign(request, run))),
    );
    statements.sort_by_key(|(began, _)| *began);
    let statements: Vec<Value> = statements.into_iter().map(|(_, json)| json).collect();
    let verdicts: Vec<_> = verdict::on(request).iter().map(verdict_json).collect();
    json!({
        "request": list::summary(request),
        "verdicts": verdicts,
        "statements": statements,
        "transactions": transactions(settings, request),
    })
}

fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "kind": verdict.kind,
        "severity": verdict.severity.name(),
        "title": verdict.title,
        "detail": verdict.detail,
        "fix": verdict.fix,
        "effect": verdict.effect,
        "statements": verdict.statements,
    })
}

fn statement(settings: &Settings, request: &RequestRecord, at: usize, run: &Recorded) -> Value {
    let database = settings.database(run);
    let explainable =
        run.kind == StatementKind::Select && database.is_some() && run.arguments.is_some();
    json!({
        "index": at,
        "source": "entourage",
        "sql": mask::sql(run),
        "fingerprint": run.fingerprint.to_string(),
        "kind": run.kind.operation_name(),
        "counts": run.counts(),
        "table": run.table(),
        "tables": run.tables.iter().map(|table| &**table).collect::<Vec<_>>(),
        "call_site": place(run.call_site),
        "database": database.map(|one| &*one.name),
        "target": target(&run.target, run.dialect),
        "argument_count": run.args,
        "arguments": mask::arguments(run),
        "masked": run.is_masked(),
        "start_ms": millis(run.began.saturating_duration_since(request.origin)),
        "wait_ms": millis(run.wait),
        "execute_ms": millis(run.execute),
        "decode_ms": millis(run.decode),
        "duration_ms": millis(run.duration),
        "rows": run.rows,
        "affected": run.affected,
        "bytes": run.bytes,
        "prepared": run.prepared,
        "in_transaction": run.in_transaction,
        "cancelled": run.cancelled,
        "error": mask::error(run),
        "load": run.load,
        "explain": explainable,
        "analyze": explainable && run.dialect != Dialect::Sqlite,
    })
}

/// Of a statement that passed the framework by, less is known.
fn foreign(request: &RequestRecord, run: &Foreign) -> Value {
    let kind = run.sql.split(' ').next().unwrap_or("");
    json!({
        "index": null,
        "source": "sqlx",
        "sql": run.sql,
        "kind": kind.to_ascii_uppercase(),
        "counts": true,
        "table": "",
        "tables": [],
        "call_site": null,
        "database": null,
        "target": "plain sqlx",
        "arguments": null,
        "masked": true,
        "start_ms": millis(run.began.saturating_duration_since(request.origin)),
        "wait_ms": 0.0,
        "execute_ms": millis(run.duration),
        "decode_ms": 0.0,
        "duration_ms": millis(run.duration),
        "rows": run.rows,
        "affected": run.affected,
        "bytes": null,
        "prepared": null,
        "in_transaction": false,
        "cancelled": false,
        "error": null,
        "explain": false,
        "analyze": false,
    })
}

fn transactions(settings: &Settings, request: &RequestRecord) -> Value {
    let brackets = brackets::find(request);
    let json = brackets.iter().map(|bracket| {
        let (from, to) = (
            &request.statements[bracket.from],
            &request.statements[bracket.to],
        );
        let start = from.began.saturating_duration_since(request.origin);
        let end = (to.began + to.duration).saturating_duration_since(request.origin);
        json!({
            "from": bracket.from,
            "to": bracket.to,
            "depth": bracket.depth,
            "end": bracket.end.name(),
            "database": settings.database(from).map(|one| &*one.name),
            "call_site": place(from.call_site),
            "start_ms": millis(start),
            "end_ms": millis(end),
        })
    });
    json.collect()
}

/// `postgresql blog@db.example.org:5432`
fn target(target: &Target, dialect: Dialect) -> String {
    let mut text = match target.system {
        "" => dialect.system_name().to_owned(),
        system => system.to_owned(),
    };
    if let Some(namespace) = &target.namespace {
        text = format!("{text} {namespace}");
    }
    if let Some(address) = &target.address {
        text = format!("{text}@{address}");
    }
    if let Some(port) = target.port {
        text = format!("{text}:{port}");
    }
    if let Some(shard) = &target.shard {
        text = format!("{text} (shard {shard})");
    }
    match target.role {
        Role::Primary => text,
        role => format!("{text} ({})", role.name()),
    }
}

/// What a database said when it was asked how it runs a statement.
pub(in crate::inspector) fn explained(explained: &Explained) -> Value {
    json!({
        "command": explained.command,
        "plan": explained.plan,
        "took_ms": millis(explained.took),
    })
}

/// Why it was not asked. An error of the database may repeat what the statement hides.
pub(in crate::inspector) fn refused(run: &Recorded, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Failed(error) => {
            let failed = Recorded {
                error: Some(error.to_string().into()),
                ..run.clone()
            };
            mask::error(&failed).unwrap_or_default()
        }
        other => other.to_string(),
    }
}
