//! What is wrong with a request, what to do, and what that gains: a pure function of what was recorded.
use std::{collections::HashMap, panic::Location, time::Duration};

use super::record::{Ending, RequestRecord};
use crate::observe::{NPlusOne, Recorded};

/// From how many rows of one statement on a page is advised.
const MANY_ROWS: u64 = 1_000;

/// What takes less is not worth a word.
const WORTH_IT: Duration = Duration::from_millis(5);

/// A finding, worst first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    pub(super) title: String,
    pub(super) detail: String,
    pub(super) fix: String,
    pub(super) effect: String,
    /// The statements that it is about, by position.
    pub(super) statements: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Bad,
    Warning,
    Note,
}

impl Severity {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The verdicts on a request.
pub(super) fn on(request: &RequestRecord) -> Vec<Verdict> {
    let mut verdicts: Vec<_> = request
        .found
        .iter()
        .map(|found| n_plus_one(found, request))
        .collect();
    verdicts.extend(failed(request));
    verdicts.extend(over_budget(request));
    verdicts.extend(repeated_by_sqlx(request));
    verdicts.extend(duplicates(request));
    verdicts.extend(waited(request));
    verdicts.extend(many_rows(request));
    verdicts.extend(slow(request));
    verdicts.extend(dropped(request));
    verdicts.sort_by_key(|verdict| verdict.severity);
    verdicts
}

fn n_plus_one(found: &NPlusOne, request: &RequestRecord) -> Verdict {
    let fix = found.fix();
    let (what, effect) = match fix.rsplit_once(": ") {
        Some((what, effect)) => (what.to_owned(), effect.to_owned()),
        None => (fix, String::new()),
    };
    let saved = found.time.mul_f64(1.0 - 1.0 / found.count.max(1) as f64);
    let at = place(found.call_site);
    let detail = match &found.parents {
        Some(parents) => format!(
            "{at} sends it once for each of the {} rows of `{}` read at {}",
            parents.rows,
            parents.table,
            place(parents.call_site)
        ),
        None => format!("{at} sends it with different arguments each time"),
    };
    Verdict {
        kind: "n_plus_one",
        severity: Severity::Bad,
        title: format!(
            "`{}` asked {} times, once for each row",
            found.table, found.count
        ),
        detail,
        fix: what,
        effect: format!("{effect}, about {} less", millis(saved)),
        statements: positions(request, |run| {
            run.fingerprint == found.fingerprint && run.call_site == found.call_site
        }),
    }
}

fn failed(request: &RequestRecord) -> Option<Verdict> {
    let statements = positions(request, |run| run.error.is_some() || run.cancelled);
    let first = request.statements.get(*statements.first()?)?;
    let cancelled = first.error.is_none();
    Some(Verdict {
        kind: "failed",
        severity: match (cancelled, request.ending) {
            (false, _) => Severity::Bad,
            (true, _) => Severity::Warning,
        },
        title: match cancelled {
            true => format!("{} cancelled", counted(statements.len(), "statement")),
            false => format!("{} failed", counted(statements.len(), "statement")),
        },
        detail: match super::mask::error(first) {
            Some(error) => error,
            None => format!("its future was dropped at {}", place(first.call_site)),
        },
        fix: match request.ending {
            Ending::Cancelled => "the request was given up; look at what it waited for".to_owned(),
            _ => format!("look at {}", place(first.call_site)),
        },
        effect: String::new(),
        statements,
    })
}

fn over_budget(request: &RequestRecord) -> Option<Verdict> {
    let budget = request.budget.filter(|_| request.is_over_budget())?;
    let sent = request.figures.statements;
    Some(Verdict {
        kind: "budget",
        severity: Severity::Warning,
        title: format!("{sent} statements, over the budget of {budget}"),
        detail: format!(
            "{} texts, {} more statements than allowed",
            request.figures.distinct,
            sent - budget
        ),
        fix: match request.found.is_empty() {
            true => "load what belongs together in one query, or raise the budget of this route"
                .to_owned(),
            false => "mend the N+1 above first".to_owned(),
        },
        effect: String::new(),
        statements: Vec::new(),
    })
}

/// The same text again and again past the framework: of its arguments nobody knows.
fn repeated_by_sqlx(request: &RequestRecord) -> Vec<Verdict> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for run in &request.foreign {
        *counts.entry(&run.sql).or_default() += 1;
    }
    let mut repeated: Vec<_> = counts
        .into_iter()
        .filter(|(_, count)| *count >= 3)
        .collect();
    repeated.sort_unstable();
    let verdict = |(sql, count): (&str, usize)| {
        Verdict {
        kind: "repeated",
        severity: Severity::Warning,
        title: format!("plain sqlx sent one text {count} times"),
        detail: sql.to_owned(),
        fix: "if the arguments differ, ask once for all of them: `WHERE .. = ANY($1)`, or a relation of an entity".to_owned(),
        effect: format!("{count} statements become 1"),
        statements: Vec::new(),
    }
    };
    repeated.into_iter().map(verdict).collect()
}

fn duplicates(request: &RequestRecord) -> Option<Verdict> {
    let count = request.figures.duplicates;
    let mut seen = HashMap::new();
    let again: Vec<usize> = positions(request, |run| run.counts() && run.kind.is_read())
        .into_iter()
        .filter(|&at| {
            let run = &request.statements[at];
            seen.insert((run.database, run.fingerprint, run.args_hash), at)
                .is_some()
        })
        .collect();
    let first = request.statements.get(*again.first()?)?;
    let time: Duration = again
        .iter()
        .map(|&at| request.statements[at].duration)
        .sum();
    (count > 0).then(|| Verdict {
        kind: "duplicates",
        severity: Severity::Warning,
        title: format!(
            "{} asked again with equal arguments",
            counted(count, "read")
        ),
        detail: format!("the first at {}", place(first.call_site)),
        fix: "read it once and pass it on".to_owned(),
        effect: format!(
            "{} less, about {}",
            counted(count, "statement"),
            millis(time)
        ),
        statements: again,
    })
}

fn waited(request: &RequestRecord) -> Option<Verdict> {
    let wait = request.figures.wait;
    let is_much = wait >= WORTH_IT && wait * 5 >= request.total;
    is_much.then(|| Verdict {
        kind: "wait",
        severity: Severity::Warning,
        title: format!("{} waiting for a connection", millis(wait)),
        detail: "the pool had none free, the transaction's connection was busy, or the machine was".to_owned(),
        fix: "look at the pool: who holds connections for long, and whether `max_connections` fits the load".to_owned(),
        effect: format!("up to {} less", millis(wait)),
        statements: positions(request, |run| run.wait * 5 >= wait),
    })
}

fn many_rows(request: &RequestRecord) -> Option<Verdict> {
    let statements = positions(request, |run| run.rows >= MANY_ROWS);
    let most = statements
        .iter()
        .map(|&at| &request.statements[at])
        .max_by_key(|run| run.rows)?;
    Some(Verdict {
        kind: "many_rows",
        severity: Severity::Note,
        title: format!("{} rows of `{}` in one result", most.rows, most.table()),
        detail: format!("asked for at {}", place(most.call_site)),
        fix: "take a page (`.page(..)`), a limit, or a stream (`.stream()`); a `Shape` reads fewer columns".to_owned(),
        effect: String::new(),
        statements,
    })
}

/// One statement that took most of the request.
fn slow(request: &RequestRecord) -> Option<Verdict> {
    let (at, run) = request
        .statements
        .iter()
        .enumerate()
        .max_by_key(|(_, run)| run.execute)?;
    let is_slow = run.execute >= WORTH_IT * 10 && run.execute * 2 >= request.total;
    is_slow.then(|| Verdict {
        kind: "slow",
        severity: Severity::Warning,
        title: format!("one statement took {}", millis(run.execute)),
        detail: format!("sent from {}", place(run.call_site)),
        fix: "see its plan with EXPLAIN: a scan of a large table wants an index".to_owned(),
        effect: String::new(),
        statements: vec![at],
    })
}

fn dropped(request: &RequestRecord) -> Option<Verdict> {
    (request.dropped > 0).then(|| Verdict {
        kind: "dropped",
        severity: Severity::Note,
        title: format!("{} not kept", counted(request.dropped, "statement")),
        detail: "they are counted, but not shown below".to_owned(),
        fix: "raise `keep_statements` of the inspector to see them".to_owned(),
        effect: String::new(),
        statements: Vec::new(),
    })
}

fn positions(request: &RequestRecord, is_meant: impl Fn(&Recorded) -> bool) -> Vec<usize> {
    let statements = request.statements.iter().enumerate();
    statements
        .filter(|(_, run)| is_meant(run))
        .map(|(at, _)| at)
        .collect()
}

fn place(at: &Location<'_>) -> String {
    format!("{}:{}", at.file(), at.line())
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests;
