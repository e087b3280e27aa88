//! Which indexes a table lacks. Pure.
use std::cmp::Reverse;

use super::{
    serve::{Sought, Wanted},
    table::{Fitness, Index, Table, Want},
};
use crate::database::live::{LiveIndex, LivePart};

/// More columns that are equal than this make an index larger and hardly better.
const MOST_EQUAL: usize = 3;

/// An index that should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Its columns, with whether the largest value comes first.
    pub(super) columns: Vec<(usize, bool)>,
    /// What it is proposed for: positions among the table's wants.
    pub(super) wants: Vec<usize>,
    /// The position of a live index that has its columns in an order that does not serve.
    pub(super) turns: Option<usize>,
}

/// What a want asks for.
#[derive(Debug)]
struct Candidate {
    columns: Vec<(usize, bool)>,
    turns: Option<usize>,
}

/// The indexes that serve whatever no live or declared index serves: as few as will do.
pub(super) fn proposals(table: &Table) -> Vec<Proposal> {
    let standing = standing(table);
    let mut proposals: Vec<Proposal> = Vec::new();
    // Each one serves its want better than all before it, so there is an end.
    while let Some((want, candidate)) = next(table, &standing, &proposals) {
        let is_longer = |known: &&mut Proposal| candidate.columns.starts_with(&known.columns);
        match proposals.iter_mut().find(is_longer) {
            Some(known) => {
                known.columns = candidate.columns;
                known.turns = known.turns.or(candidate.turns);
                known.wants.push(want);
            }
            None => proposals.push(Proposal {
                columns: candidate.columns,
                wants: vec![want],
                turns: candidate.turns,
            }),
        }
    }
    drop_idle(table, &mut proposals);
    for (at, want) in table.wants.iter().enumerate() {
        if let Some(candidate) = candidate(table, want, &standing)
            && let Some(proposal) = serving(want, &candidate, &mut proposals)
            && !proposal.wants.contains(&at)
        {
            proposal.wants.push(at);
        }
    }
    proposals
}

/// Drops the proposals that nothing needs once all others are there.
fn drop_idle(table: &Table, proposals: &mut Vec<Proposal>) {
    let mut at = 0;
    while at < proposals.len() {
        let mut others = proposals.clone();
        others.remove(at);
        let all = |proposals: &[Proposal]| {
            let proposed = proposals.iter().map(|proposal| proposal.as_index(table));
            table
                .indexes
                .iter()
                .cloned()
                .chain(proposed)
                .collect::<Vec<_>>()
        };
        let (with, without) = (all(proposals), all(&others));
        let is_served = |wanted: &Wanted| {
            wanted.is_served(&with) == wanted.is_served(&without)
                && wanted.reach(&with) == wanted.reach(&without)
        };
        match table.wants.iter().all(|want| is_served(&want.wanted)) {
            true => *proposals = others,
            false => at += 1,
        }
    }
}

impl Proposal {
    /// As if it were there.
    pub(super) fn as_index(&self, table: &Table) -> Index {
        let columns: Vec<_> = self.columns.iter().map(|(column, _)| *column).collect();
        let mut index = pseudo(table, columns);
        for (part, (_, descending)) in index.live.parts.iter_mut().zip(&self.columns) {
            part.descending = *descending;
        }
        index
    }
}

/// The live indexes, and those that entities declare: that one of these is missing, a schema check tells.
fn standing(table: &Table) -> Vec<Index> {
    let mut indexes = table.indexes.clone();
    let declared = table.declared.iter().cloned();
    indexes.extend(declared.map(|columns| pseudo(table, columns)));
    indexes
}

fn pseudo(table: &Table, columns: Vec<usize>) -> Index {
    let part = |&column: &usize| LivePart {
        column: Some(table.columns[column].name.clone()),
        whole: table.columns[column].fitness != Fitness::Beginning,
        usual: true,
        descending: false,
        flavour: String::new(),
    };
    let live = LiveIndex {
        name: String::new(),
        unique: false,
        primary: false,
        constraint: false,
        partial: false,
        ordered: true,
        valid: true,
        parts: columns.iter().map(part).collect(),
        included: Vec::new(),
    };
    Index {
        live,
        columns,
        reads: None,
    }
}

/// The next want that nothing serves yet, long ones first: what serves them serves short ones, too.
fn next(table: &Table, standing: &[Index], proposals: &[Proposal]) -> Option<(usize, Candidate)> {
    let mut all = standing.to_vec();
    all.extend(proposals.iter().map(|proposal| proposal.as_index(table)));
    let candidates = table.wants.iter().enumerate();
    candidates
        .filter_map(|(at, want)| Some((at, candidate(table, want, &all)?)))
        .min_by_key(|(at, candidate)| {
            let want = &table.wants[*at];
            let is_key = matches!(want.wanted, Wanted::Key { .. });
            let length = candidate.columns.len();
            (is_key, Reverse(length), Reverse(want.evidence.statements))
        })
}

/// The first proposal that does for `want` what its candidate would.
fn serving<'p>(
    want: &Want,
    candidate: &Candidate,
    proposals: &'p mut [Proposal],
) -> Option<&'p mut Proposal> {
    let does = |proposal: &&mut Proposal| {
        let columns: Vec<_> = proposal.columns.iter().map(|(column, _)| *column).collect();
        let other: Vec<_> = candidate
            .columns
            .iter()
            .map(|(column, _)| *column)
            .collect();
        let reach = |columns: &[usize]| want.wanted.reach_of(columns);
        want.wanted.is_served_over(&columns)
            && (candidate.turns.is_none() || reach(&columns) >= reach(&other))
    };
    proposals.iter_mut().find(does)
}

/// The index that `want` asks for beside `standing`, if any.
fn candidate(table: &Table, want: &Want, standing: &[Index]) -> Option<Candidate> {
    match &want.wanted {
        Wanted::Key { columns, .. } => (!want.wanted.is_served(standing)).then(|| Candidate {
            columns: columns.iter().map(|&column| (column, false)).collect(),
            turns: None,
        }),
        Wanted::Seek(sought) => turned(table, want, sought, standing).or_else(|| {
            (!want.wanted.is_served(standing)).then(|| Candidate {
                columns: fresh(table, sought),
                turns: None,
            })
        }),
    }
}

/// An index of `standing` with its columns in another order, if that serves better than all that stand.
fn turned(table: &Table, want: &Want, sought: &Sought, standing: &[Index]) -> Option<Candidate> {
    let best = want.wanted.reach(standing);
    let is_turnable = |index: &Index| {
        index.is_plain()
            && index.live.ordered
            && index.columns.len() > 1
            && index.columns.iter().all(|&column| sought.mentions(column))
    };
    let turn = |(at, index): (usize, &Index)| {
        let columns = arranged(table, sought, &index.columns);
        let is_live = at < table.indexes.len();
        let order = positions(&columns);
        let is_better = want.wanted.is_served_over(&order) && sought.reach(&order) > best;
        is_better.then_some(Candidate {
            columns,
            turns: is_live.then_some(at),
        })
    };
    let indexes = standing.iter().enumerate();
    indexes
        .filter(|(_, index)| is_turnable(index))
        .find_map(turn)
}

/// The index that serves `sought` best.
fn fresh(table: &Table, sought: &Sought) -> Vec<(usize, bool)> {
    let mut equal: Vec<_> = sought.equalities().collect();
    equal.sort_by_key(|&column| rank(table, column));
    let is_cut = equal.len() > MOST_EQUAL;
    equal.truncate(MOST_EQUAL);
    let tail = if is_cut { Vec::new() } else { tail(sought) };
    let mut columns: Vec<_> = equal.into_iter().map(|column| (column, false)).collect();
    columns.extend(tail);
    columns
}

/// `columns` in the order that serves `sought` best.
fn arranged(table: &Table, sought: &Sought, columns: &[usize]) -> Vec<(usize, bool)> {
    let mut equal: Vec<_> = columns
        .iter()
        .copied()
        .filter(|&column| sought.is_equal(column) || sought.null.contains(&column))
        .collect();
    equal.sort_by_key(|&column| (sought.null.contains(&column), rank(table, column)));
    let mut arranged: Vec<_> = equal.into_iter().map(|column| (column, false)).collect();
    let range = sought.range.iter().map(|&column| (column, false));
    for (column, descending) in tail(sought).into_iter().chain(range) {
        let is_new = arranged.iter().all(|(known, _)| *known != column);
        if columns.contains(&column) && is_new {
            arranged.push((column, descending));
        }
    }
    for &column in columns {
        if arranged.iter().all(|(known, _)| *known != column) {
            arranged.push((column, false));
        }
    }
    arranged
}

/// After what is equal: what is bounded, and the order from there on; or the order.
fn tail(sought: &Sought) -> Vec<(usize, bool)> {
    let first = sought.order.first().map(|(column, _)| *column);
    match sought.range.first() {
        Some(_) if first.is_some_and(|first| sought.range.contains(&first)) => sought.order.clone(),
        Some(&range) => vec![(range, false)],
        None => sought.order.clone(),
    }
}

/// Columns that more statements look for come first, so that one index serves several; flags come last.
fn rank(table: &Table, column: usize) -> (bool, Reverse<usize>, usize) {
    let asks = |want: &&Want| match &want.wanted {
        Wanted::Key { columns, .. } => columns.contains(&column),
        Wanted::Seek(sought) => sought.is_equal(column),
    };
    let shared = table.wants.iter().filter(asks).count();
    let is_flag = table.columns[column].fitness == Fitness::Flag;
    (is_flag, Reverse(shared), column)
}

fn positions(columns: &[(usize, bool)]) -> Vec<usize> {
    columns.iter().map(|(column, _)| *column).collect()
}
