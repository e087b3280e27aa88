//! Which statements lie inside which transaction: found by the texts that begin and end them, in their order.
//!
//! Two transactions side by side on one database cannot be told apart by their texts; then the later COMMIT ends the
//! later BEGIN, and the brackets may be swapped.
use super::record::RequestRecord;
use crate::{observe::Recorded, statement::StatementKind};

/// A transaction or savepoint: from one statement to another, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bracket {
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many brackets are around it.
    pub(super) depth: usize,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Committed,
    RolledBack,
    /// Not before the request did.
    Open,
}

impl End {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::RolledBack => "rolled back",
            Self::Open => "open",
        }
    }
}

enum Step {
    Opens,
    Closes(End),
    ClosesAll(End),
}

/// The brackets of a request, in the order of their beginnings.
pub(super) fn find(request: &RequestRecord) -> Vec<Bracket> {
    let statements = &request.statements;
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, run) in statements.iter().enumerate() {
        let same = |bracket: &usize| statements[brackets[*bracket].from].database == run.database;
        match step(run) {
            None => {}
            Some(Step::Opens) => {
                let depth = open.iter().filter(|bracket| same(bracket)).count();
                open.push(brackets.len());
                brackets.push(Bracket {
                    from: at,
                    to: statements.len() - 1,
                    depth,
                    end: End::Open,
                });
            }
            Some(Step::Closes(end)) => {
                if let Some(last) = open.iter().rposition(same) {
                    let bracket = &mut brackets[open.remove(last)];
                    (bracket.to, bracket.end) = (at, end);
                }
            }
            Some(Step::ClosesAll(end)) => {
                let (closed, others) = open.iter().partition(|bracket| same(bracket));
                open = others;
                for bracket in Vec::<usize>::into_iter(closed) {
                    (brackets[bracket].to, brackets[bracket].end) = (at, end);
                }
            }
        }
    }
    brackets
}

fn step(run: &Recorded) -> Option<Step> {
    if run.kind != StatementKind::Transaction {
        return None;
    }
    let text = run.sql.to_ascii_uppercase();
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    match () {
        () if starts(&["BEGIN", "START TRANSACTION", "SAVEPOINT"]) => Some(Step::Opens),
        () if starts(&["COMMIT", "END"]) => Some(Step::ClosesAll(End::Committed)),
        () if starts(&["RELEASE"]) => Some(Step::Closes(End::Committed)),
        () if starts(&["ROLLBACK TO"]) => Some(Step::Closes(End::RolledBack)),
        () if starts(&["ROLLBACK"]) => Some(Step::ClosesAll(End::RolledBack)),
        () => None,
    }
}
