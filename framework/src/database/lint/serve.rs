//! What an index serves. Pure.
//!
//! The lint would rather say too little than too much: an index serves a statement as soon as it begins with a column that
//! the statement is bound in. Only where the columns are there and in the wrong order is it more exact.
use super::table::{Column, Fitness, Index};

/// What an index should serve; columns are positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A foreign key: deletes of the row it points at, and the relation's loads.
    Key {
        columns: Vec<usize>,
        /// The table at the other end.
        target: String,
    },
    /// A statement.
    Seek(Sought),
}

/// See [`Seek`](crate::statement::Seek).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sought {
    pub(super) equal: Vec<usize>,
    pub(super) among: Vec<usize>,
    pub(super) null: Vec<usize>,
    pub(super) range: Vec<usize>,
    /// With whether the largest comes first.
    pub(super) order: Vec<(usize, bool)>,
}

impl Sought {
    /// The same without what no index helps with; `None` if nothing is left that is worth one.
    pub(super) fn fit(mut self, columns: &[Column]) -> Option<Self> {
        let is = |column: usize, fitness: Fitness| columns[column].fitness == fitness;
        for list in [&mut self.equal, &mut self.among, &mut self.range] {
            list.retain(|&column| !is(column, Fitness::Unfit));
        }
        let ordered = |&(column, _): &(usize, bool)| {
            matches!(columns[column].fitness, Fitness::Good | Fitness::Flag)
        };
        if !self.order.iter().all(ordered) {
            self.order.clear();
        }
        let by_flags = self.equalities().all(|column| is(column, Fitness::Flag));
        let is_bare = self.range.is_empty() && self.order.is_empty();
        (!(by_flags && is_bare)).then_some(self)
    }

    /// The columns that are equal to something.
    pub(super) fn equalities(&self) -> impl Iterator<Item = usize> + '_ {
        self.equal.iter().chain(&self.among).copied()
    }

    pub(super) fn is_equal(&self, column: usize) -> bool {
        self.equalities().any(|own| own == column)
    }

    /// Whether only an order is wanted.
    pub(super) fn is_order(&self) -> bool {
        self.equalities().next().is_none() && self.range.is_empty()
    }

    /// Whether an index over `columns` begins with something that is bound here.
    fn is_begun_by(&self, columns: &[usize]) -> bool {
        let first = columns.iter().find(|column| !self.null.contains(column));
        let Some(&first) = first else {
            return false;
        };
        let by_order =
            || self.is_order() && self.order.first().is_some_and(|(own, _)| *own == first);
        self.is_equal(first) || self.range.contains(&first) || by_order()
    }

    /// How many columns of an index over `columns` are of use: those that are equal, and one more for bounds or order.
    pub(super) fn reach(&self, columns: &[usize]) -> usize {
        let mut reached = 0;
        for column in columns {
            if self.is_equal(*column) {
                reached += 1;
            } else if !self.null.contains(column) {
                let first = self.order.first().map(|(column, _)| column);
                let bound = self.range.contains(column) || first == Some(column);
                return reached + usize::from(bound);
            }
        }
        reached
    }

    /// Whether a column is mentioned at all.
    pub(super) fn mentions(&self, column: usize) -> bool {
        self.is_equal(column)
            || self.null.contains(&column)
            || self.range.contains(&column)
            || self.order.iter().any(|(own, _)| *own == column)
    }
}

impl Wanted {
    /// Whether one of `indexes` serves it.
    pub(super) fn is_served<'i>(&self, indexes: impl IntoIterator<Item = &'i Index>) -> bool {
        indexes.into_iter().any(|index| self.is_served_by(index))
    }

    fn is_served_by(&self, index: &Index) -> bool {
        // One over some rows was made for some statement: hardly for another than this. A key is of all rows.
        let is_whole = !index.live.partial || matches!(self, Wanted::Seek(_));
        is_whole && self.is_served_over(&index.columns)
    }

    /// Whether an index over `columns` serves it.
    pub(super) fn is_served_over(&self, columns: &[usize]) -> bool {
        match self {
            Wanted::Key { columns: key, .. } => leads_with(columns, key),
            Wanted::Seek(sought) => sought.is_begun_by(columns),
        }
    }

    /// How far the best of `indexes` goes.
    pub(super) fn reach<'i>(&self, indexes: impl IntoIterator<Item = &'i Index>) -> usize {
        let served = indexes.into_iter().filter(|index| self.is_served_by(index));
        served
            .map(|index| self.reach_of(&index.columns))
            .max()
            .unwrap_or_default()
    }

    /// How far an index over `columns` goes.
    pub(super) fn reach_of(&self, columns: &[usize]) -> usize {
        match self {
            Wanted::Key { columns: key, .. } => usize::from(leads_with(columns, key)),
            Wanted::Seek(sought) => sought.reach(columns),
        }
    }
}

/// Whether `columns` begin with those of `key`, in any order.
pub(super) fn leads_with(columns: &[usize], key: &[usize]) -> bool {
    columns.len() >= key.len() && same_set(&columns[..key.len()], key)
}

pub(super) fn same_set(one: &[usize], other: &[usize]) -> bool {
    one.len() == other.len() && one.iter().all(|column| other.contains(column))
}
