//! Which indexes a table has too many. Pure.
//!
//! Never is it one that keeps a promise: of a primary key, a constraint, uniqueness; nor one over some rows or over
//! expressions, whose reasons are not in its columns.
use super::{
    propose::Proposal,
    serve::Wanted,
    table::{Index, Table},
};

/// An index that could go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surplus {
    /// Its position among the table's.
    pub(super) index: usize,
    pub(super) why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// There is the same once more.
    Duplicate(Other),
    /// Another begins with the same columns.
    Prefix(Other),
    /// Nobody reads it, though the table is read so many times.
    Unused(u64),
}

/// The one that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// A live one, by position.
    Live(usize),
    /// A proposal, by position.
    Proposed(usize),
}

/// The indexes that could go, all together. `reads` are those of the table, where they are known and enough to judge by.
pub(super) fn surplus(table: &Table, proposals: &[Proposal], reads: Option<u64>) -> Vec<Surplus> {
    let proposed: Vec<_> = proposals
        .iter()
        .map(|proposal| proposal.as_index(table))
        .collect();
    let mut gone: Vec<Surplus> = Vec::new();
    for at in in_turn(table) {
        if let Some(why) = redundant(table, at, &proposed, &gone) {
            gone.push(Surplus { index: at, why });
        }
    }
    let Some(reads) = reads else {
        return gone;
    };
    for at in 0..table.indexes.len() {
        let index = &table.indexes[at];
        let is_kept = index.live.unique || keeps_promise(index) || !is_of_all_rows(index);
        let is_gone = gone.iter().any(|surplus| surplus.index == at);
        if index.reads == Some(0) && !is_kept && !is_gone && !is_needed(table, at, &proposed, &gone)
        {
            let why = Why::Unused(reads);
            gone.push(Surplus { index: at, why });
        }
    }
    gone
}

/// Those first that would rather go: of two alike the one that no entity declares, and then the later by name.
fn in_turn(table: &Table) -> Vec<usize> {
    let mut all: Vec<_> = (0..table.indexes.len()).collect();
    all.sort_by_key(|&at| {
        let index = &table.indexes[at];
        let name = std::cmp::Reverse(index.live.name.clone());
        (index.live.parts.len(), is_named_so(table, index), name)
    });
    all
}

/// Whether the index has the name that the framework gives it.
fn is_named_so(table: &Table, index: &Index) -> bool {
    index.live.name == super::ddl::name(table, &index.columns, 0)
}

fn redundant(table: &Table, at: usize, proposed: &[Index], gone: &[Surplus]) -> Option<Why> {
    let index = &table.indexes[at];
    if keeps_promise(index) || !index.is_plain() || !index.live.ordered {
        return None;
    }
    let stays = |other: &usize| *other != at && gone.iter().all(|gone| gone.index != *other);
    let live = (0..table.indexes.len())
        .filter(stays)
        .map(|other| (Other::Live(other), &table.indexes[other]));
    let proposed = proposed
        .iter()
        .enumerate()
        .map(|(other, index)| (Other::Proposed(other), index));
    live.chain(proposed)
        .find_map(|(other, by)| replaced(index, by, other))
}

/// Whether `by` does all that `index` does.
fn replaced(index: &Index, by: &Index, other: Other) -> Option<Why> {
    let (own, live) = (&index.live, &by.live);
    let is_proposed = matches!(other, Other::Proposed(_));
    let same = |(one, other): (&_, &_)| match is_proposed {
        true => usual(one, other),
        false => one == other,
    };
    let begins = by.is_plain()
        && live.ordered
        && live.parts.len() >= own.parts.len()
        && own.parts.iter().zip(&live.parts).all(same);
    let holds = |column: &String| {
        let parts = live.parts.iter().filter_map(|part| part.column.as_ref());
        parts.chain(&live.included).any(|held| held == column)
    };
    if !begins || !own.included.iter().all(holds) {
        return None;
    }
    let is_same = own.parts.len() == live.parts.len()
        && own.unique == live.unique
        && own.included.len() == live.included.len();
    match (is_same, own.unique) {
        (true, _) => Some(Why::Duplicate(other)),
        (false, false) => Some(Why::Prefix(other)),
        // What is longer is no promise of fewer columns.
        (false, true) => None,
    }
}

/// Whether the part is what a proposal would make of the column.
fn usual(
    part: &crate::database::live::LivePart,
    proposed: &crate::database::live::LivePart,
) -> bool {
    part.column == proposed.column
        && part.usual
        && part.whole == proposed.whole
        && part.descending == proposed.descending
}

/// Whether it is of the usual kind and over all rows: what another index does is left to no other one.
fn is_of_all_rows(index: &Index) -> bool {
    index.is_plain() && index.live.ordered
}

fn keeps_promise(index: &Index) -> bool {
    index.live.primary || index.live.constraint
}

/// Whether the live index could go once `proposal` is there.
pub(super) fn is_replaceable(table: &Table, at: usize, proposal: &Proposal) -> bool {
    let index = &table.indexes[at];
    let is_kept = index.live.unique || keeps_promise(index) || !is_of_all_rows(index);
    let proposed = proposal.as_index(table);
    let all = || table.indexes.iter().filter(|index| is_of_all_rows(index));
    let others = || {
        let live = table.indexes.iter().enumerate();
        let others = live.filter(|(other, index)| *other != at && is_of_all_rows(index));
        others.map(|(_, index)| index).chain([&proposed])
    };
    let is_served = |wanted: &Wanted| {
        (!wanted.is_served(all()) || wanted.is_served(others()))
            && wanted.reach(all()) <= wanted.reach(others())
    };
    let is_declared = table.declared.contains(&index.columns);
    !is_kept && !is_declared && table.wants.iter().all(|want| is_served(&want.wanted))
}

/// Whether anything is served worse without the index, by those that stay and those to come.
fn is_needed(table: &Table, at: usize, proposed: &[Index], gone: &[Surplus]) -> bool {
    let stays = |other: &usize| gone.iter().all(|gone| gone.index != *other);
    let all: Vec<_> = (0..table.indexes.len())
        .filter(stays)
        .filter(|&other| is_of_all_rows(&table.indexes[other]))
        .collect();
    let among = |without: Option<usize>| {
        let live = all.iter().filter(move |&&other| Some(other) != without);
        live.map(|&other| &table.indexes[other]).chain(proposed)
    };
    table.wants.iter().any(|want| {
        let (with, without) = (among(None), among(Some(at)));
        want.wanted.is_served(with) && !want.wanted.is_served(without)
            || want.wanted.reach(among(None)) > want.wanted.reach(among(Some(at)))
    })
}
