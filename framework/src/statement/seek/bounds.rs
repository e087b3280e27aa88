//! How a condition bounds the columns of its table.
use crate::{
    schema::{
        Condition, TableDef,
        expression::{Comparison, Direction, Term},
    },
    statement::seek::Seek,
};

/// How tightly one column is bound; the tighter, the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bound {
    /// To one value, which may be another for each run.
    One,
    /// To NULL.
    Null,
    /// To one of several values.
    Among,
    /// By a smallest or a largest value.
    Range,
}

/// The columns that are bound, each once, in the order in which they are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bounds(Vec<(usize, Bound)>);

impl Bounds {
    /// Each of `columns` equal to a value.
    pub(super) fn equal(columns: &[usize]) -> Self {
        Self::all(columns, Bound::One)
    }

    /// Each of `columns` equal to one of several values.
    pub(super) fn among(columns: &[usize]) -> Self {
        Self::all(columns, Bound::Among)
    }

    /// The rows that are not soft-deleted, of a table with that notion.
    pub(super) fn alive(table: &TableDef) -> Self {
        Self(Vec::from_iter(
            table.deleted_at.map(|column| (column, Bound::Null)),
        ))
    }

    /// What holds of the columns in every row for which the condition holds.
    pub(super) fn of(condition: &Condition) -> Self {
        match condition {
            Condition::Compare(comparison, Term::Column(column), Term::Value(_))
            | Condition::Compare(comparison, Term::Value(_), Term::Column(column)) => {
                match comparison {
                    Comparison::Eq => Self::equal(&[*column]),
                    Comparison::Ne => Self::default(),
                    Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => {
                        Self::all(&[*column], Bound::Range)
                    }
                }
            }
            Condition::Between(Term::Column(column), Term::Value(_), Term::Value(_)) => {
                Self::all(&[*column], Bound::Range)
            }
            Condition::In {
                term: Term::Column(column),
                values,
                negated: false,
            } => Self::listed(&[*column], values.len()),
            Condition::TupleIn { columns, tuples } => Self::listed(columns, tuples.len()),
            Condition::Null(Term::Column(column), true) => Self::all(&[*column], Bound::Null),
            Condition::And(all) => {
                let mut together = Self::default();
                all.iter().for_each(|inner| together.and(Self::of(inner)));
                together
            }
            Condition::Or(any) => any
                .iter()
                .map(Self::of)
                .reduce(Self::or)
                .unwrap_or_default(),
            _ => Self::default(),
        }
    }

    /// Both hold: of two bounds of one column the tighter.
    pub(super) fn and(&mut self, other: Self) {
        for (column, bound) in other.0 {
            match self.0.iter_mut().find(|(own, _)| *own == column) {
                Some((_, own)) => *own = bound.min(*own),
                None => self.0.push((column, bound)),
            }
        }
    }

    /// One of them holds: what is bound in both, as loosely as in either. Two values are several.
    fn or(self, other: Self) -> Self {
        let both = |(column, bound): (usize, Bound)| {
            let other = other.get(column)?;
            Some((column, bound.max(other).max(Bound::Among)))
        };
        Self(self.0.into_iter().filter_map(both).collect())
    }

    /// Whether there is one value of the column in all rows.
    pub(super) fn is_one(&self, column: usize) -> bool {
        matches!(self.get(column), Some(Bound::One | Bound::Null))
    }

    /// Whether any column is equal to one of several values.
    pub(super) fn is_among(&self) -> bool {
        self.0.iter().any(|(_, bound)| *bound == Bound::Among)
    }

    pub(super) fn into_seek(
        self,
        table: &'static TableDef,
        order: Vec<(usize, Direction)>,
    ) -> Seek {
        let of = |wanted: Bound| {
            let bound = self.0.iter().filter(|(_, bound)| *bound == wanted);
            bound.map(|(column, _)| *column).collect()
        };
        Seek {
            table,
            equal: of(Bound::One),
            among: of(Bound::Among),
            null: of(Bound::Null),
            range: of(Bound::Range),
            order,
        }
    }

    /// The empty list is no row at all, for which nobody looks.
    fn listed(columns: &[usize], count: usize) -> Self {
        match count {
            0 => Self::default(),
            1 => Self::equal(columns),
            _ => Self::among(columns),
        }
    }

    fn all(columns: &[usize], bound: Bound) -> Self {
        let mut all = Self::default();
        for &column in columns {
            all.and(Self(vec![(column, bound)]));
        }
        all
    }

    pub(super) fn get(&self, column: usize) -> Option<Bound> {
        let own = self.0.iter().find(|(own, _)| *own == column);
        own.map(|(_, bound)| *bound)
    }
}
