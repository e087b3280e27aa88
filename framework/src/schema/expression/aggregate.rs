//! Aggregates over relations and predicates on related rows.
use std::{fmt, marker::PhantomData};

use super::{
    ByAddress, Comparison, Condition, Direction, Filter, Operand, OrderBy, RelationTerm, Term,
};
use crate::schema::{
    column::Column,
    entity::Entity,
    relation::Relation,
    value::{ColumnValue, SqlType},
};

/// What an aggregate computes; columns are positions in the relation's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// How many rows there are.
    Count,
    /// Whether there is a row.
    Exists,
    /// The sum of a column.
    Sum(usize),
    /// The mean of a column.
    Avg(usize),
    /// The least value of a column.
    Min(usize),
    /// The greatest value of a column.
    Max(usize),
}

/// A figure over the rows of the relation `R`, of type `T`: `User::POSTS.count()`.
///
/// As an include it is loaded beside the entity; in a filter or an order it is a scalar subquery.
#[must_use = "an aggregate does nothing until a query uses it"]
pub struct Aggregate<R, K, T> {
    kind: AggregateKind,
    filter: Option<Condition>,
    types: Types<(R, K, T)>,
}

/// Types that a value remembers without holding them.
type Types<T> = PhantomData<fn() -> T>;

/// Marks `count()` in the types.
#[derive(Debug, Clone, Copy)]
pub enum Count {}

/// Marks `exists()` in the types.
#[derive(Debug, Clone, Copy)]
pub enum Exists {}

/// Marks `sum`, `avg`, `min` and `max` in the types. Several of them over one relation are told apart in a `Shape`,
/// whose fields have names.
#[derive(Debug, Clone, Copy)]
pub enum Summary {}

impl<R, K, T> Aggregate<R, K, T> {
    fn new(kind: AggregateKind) -> Self {
        Self {
            kind,
            filter: None,
            types: PhantomData,
        }
    }

    /// What is computed.
    pub fn kind(&self) -> AggregateKind {
        self.kind
    }

    /// The rows that count, if not all.
    pub fn condition(&self) -> Option<&Condition> {
        self.filter.as_ref()
    }
}

impl<R: Relation, K, T> Aggregate<R, K, T> {
    /// Counts only rows for which `filter` holds as well.
    pub fn filter(mut self, filter: Filter<R::To>) -> Self {
        self.filter = Condition::both(self.filter, Some(filter.into_condition()));
        self
    }

    /// The untyped term: a scalar subquery.
    pub fn into_term(self) -> Term {
        Term::Aggregate(Box::new(RelationTerm {
            relation: ByAddress(R::def()),
            filter: self.filter,
            aggregate: self.kind,
        }))
    }
}

impl<R: Relation, K, T: ColumnValue> Aggregate<R, K, T> {
    fn compare(
        self,
        comparison: Comparison,
        operand: impl Operand<R::From, T::Base>,
    ) -> Filter<R::From> {
        Filter::new(Condition::Compare(
            comparison,
            self.into_term(),
            operand.into_term(),
        ))
    }

    /// Equal to a value or column.
    pub fn eq(self, operand: impl Operand<R::From, T::Base>) -> Filter<R::From> {
        self.compare(Comparison::Eq, operand)
    }

    /// Less than.
    pub fn lt(self, operand: impl Operand<R::From, T::Base>) -> Filter<R::From> {
        self.compare(Comparison::Lt, operand)
    }

    /// Less than or equal.
    pub fn le(self, operand: impl Operand<R::From, T::Base>) -> Filter<R::From> {
        self.compare(Comparison::Le, operand)
    }

    /// Greater than.
    pub fn gt(self, operand: impl Operand<R::From, T::Base>) -> Filter<R::From> {
        self.compare(Comparison::Gt, operand)
    }

    /// Greater than or equal.
    pub fn ge(self, operand: impl Operand<R::From, T::Base>) -> Filter<R::From> {
        self.compare(Comparison::Ge, operand)
    }

    /// Smallest first.
    pub fn asc(self) -> OrderBy<R::From> {
        OrderBy::new(self.into_term(), Direction::Asc)
    }

    /// Largest first.
    pub fn desc(self) -> OrderBy<R::From> {
        OrderBy::new(self.into_term(), Direction::Desc)
    }
}

impl<R, K, T> Clone for Aggregate<R, K, T> {
    fn clone(&self) -> Self {
        Self {
            kind: self.kind,
            filter: self.filter.clone(),
            types: PhantomData,
        }
    }
}

impl<R, K, T> fmt::Debug for Aggregate<R, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate")
            .field("kind", &self.kind)
            .field("filter", &self.filter)
            .finish()
    }
}

/// Predicates and figures over a relation; in scope with the prelude.
pub trait RelationFilters: Relation {
    /// A related row exists for which `filter` holds.
    fn any(self, filter: Filter<Self::To>) -> Filter<Self::From> {
        exists::<Self>(Some(filter))
    }

    /// No related row exists for which `filter` holds.
    fn none(self, filter: Filter<Self::To>) -> Filter<Self::From> {
        !exists::<Self>(Some(filter))
    }

    /// Whether there is a related row: as an include, a `bool`. In a filter, see [`is_empty`](RelationFilters::is_empty) and
    /// [`is_not_empty`](RelationFilters::is_not_empty).
    fn exists(self) -> Aggregate<Self, Exists, bool> {
        Aggregate::new(AggregateKind::Exists)
    }

    /// There is no related row.
    fn is_empty(self) -> Filter<Self::From> {
        !exists::<Self>(None)
    }

    /// There is a related row.
    fn is_not_empty(self) -> Filter<Self::From> {
        exists::<Self>(None)
    }

    /// How many related rows there are.
    fn count(self) -> Aggregate<Self, Count, i64> {
        Aggregate::new(AggregateKind::Count)
    }

    /// The sum of a column over the related rows; `None` if there are none.
    fn sum<T: ColumnValue>(
        self,
        column: Column<Self::To, T>,
    ) -> Aggregate<Self, Summary, Option<<T::Base as Summable>::Sum>>
    where
        T::Base: Summable,
    {
        Aggregate::new(AggregateKind::Sum(column.position()))
    }

    /// The mean of a column over the related rows; `None` if there are none.
    fn avg<T: ColumnValue>(
        self,
        column: Column<Self::To, T>,
    ) -> Aggregate<Self, Summary, Option<f64>>
    where
        T::Base: Summable,
    {
        Aggregate::new(AggregateKind::Avg(column.position()))
    }

    /// The least value of a column over the related rows; `None` if there are none.
    fn min<T: ColumnValue>(
        self,
        column: Column<Self::To, T>,
    ) -> Aggregate<Self, Summary, Option<T::Base>> {
        Aggregate::new(AggregateKind::Min(column.position()))
    }

    /// The greatest value of a column over the related rows; `None` if there are none.
    fn max<T: ColumnValue>(
        self,
        column: Column<Self::To, T>,
    ) -> Aggregate<Self, Summary, Option<T::Base>> {
        Aggregate::new(AggregateKind::Max(column.position()))
    }

    /// A column of the row at the end of a to-one relation, for filters and orders:
    /// `Employee::MANAGER.through(Employee::NAME).eq("Ada")`.
    fn through<T: ColumnValue>(self, column: Column<Self::To, T>) -> RelationPath<Self::From, T> {
        let term = Term::Through(ByAddress(Self::def()), Box::new(column.term()));
        RelationPath {
            term,
            types: PhantomData,
        }
    }
}

impl<R: Relation> RelationFilters for R {}

fn exists<R: Relation>(filter: Option<Filter<R::To>>) -> Filter<R::From> {
    let filter = Condition::both(filter.map(Filter::into_condition), None).map(Box::new);
    Filter::new(Condition::Exists {
        relation: ByAddress(R::def()),
        filter,
    })
}

/// A number that can be summed, and what the sum is.
pub trait Summable: ColumnValue {
    /// The type of the sum.
    type Sum: ColumnValue<Base = Self::Sum>;
    /// The sum's SQL type.
    const SUM: SqlType;
}

macro_rules! summable {
    ($($type:ty => $sum:ty;)*) => {
        $(impl Summable for $type {
            type Sum = $sum;
            const SUM: SqlType = <$sum as ColumnValue>::TYPE;
        })*
    };
}

summable! {
    i16 => i64;
    i32 => i64;
    i64 => i64;
    u32 => i64;
    f32 => f64;
    f64 => f64;
    rust_decimal::Decimal => rust_decimal::Decimal;
}

/// A column reached over a to-one relation; compares as a column does and is NULL where there is no row.
#[derive(Debug, Clone)]
#[must_use = "a path does nothing until a query uses it"]
pub struct RelationPath<E, T> {
    term: Term,
    types: PhantomData<fn() -> (E, T)>,
}

impl<E: Entity, T: ColumnValue> RelationPath<E, T> {
    fn compare(self, comparison: Comparison, operand: impl Operand<E, T::Base>) -> Filter<E> {
        Filter::new(Condition::Compare(
            comparison,
            self.term,
            operand.into_term(),
        ))
    }

    /// Equal to a value or column.
    pub fn eq(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Eq, operand)
    }

    /// Not equal.
    pub fn ne(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Ne, operand)
    }

    /// Less than.
    pub fn lt(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Lt, operand)
    }

    /// Less than or equal.
    pub fn le(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Le, operand)
    }

    /// Greater than.
    pub fn gt(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Gt, operand)
    }

    /// Greater than or equal.
    pub fn ge(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Ge, operand)
    }

    /// The column is NULL, or there is no row.
    pub fn is_null(self) -> Filter<E> {
        Filter::new(Condition::Null(self.term, true))
    }

    /// There is a row, and the column is not NULL.
    pub fn is_not_null(self) -> Filter<E> {
        Filter::new(Condition::Null(self.term, false))
    }

    /// Smallest first.
    pub fn asc(self) -> OrderBy<E> {
        OrderBy::new(self.term, Direction::Asc)
    }

    /// Largest first.
    pub fn desc(self) -> OrderBy<E> {
        OrderBy::new(self.term, Direction::Desc)
    }
}
