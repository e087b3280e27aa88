//! Orders of rows.
use std::marker::PhantomData;

use super::Term;
use crate::schema::{column::Column, entity::Entity, value::ColumnValue};

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl Direction {
    /// The other direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Direction::Asc => Direction::Desc,
            Direction::Desc => Direction::Asc,
        }
    }
}

/// Where NULLs come. The default is the same on all databases: NULL is smaller than every value, as on SQLite and
/// MySQL; on PostgreSQL, where it would be larger, the order says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Nulls {
    /// Smaller than every value.
    #[default]
    Smallest,
    /// Before every value.
    First,
    /// After every value.
    Last,
}

/// One term of an order, untyped.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderTerm {
    /// What is compared.
    pub term: Term,
    /// Which end comes first.
    pub direction: Direction,
    /// Where NULLs come.
    pub nulls: Nulls,
}

/// One term of an order over rows of `E`: `Post::PUBLISHED_AT.desc()`.
#[derive(Debug, Clone)]
#[must_use = "an order does nothing until a query uses it"]
pub struct OrderBy<E> {
    term: OrderTerm,
    entity: PhantomData<fn() -> E>,
}

impl<E> OrderBy<E> {
    pub(crate) fn new(term: Term, direction: Direction) -> Self {
        Self {
            term: OrderTerm {
                term,
                direction,
                nulls: Nulls::default(),
            },
            entity: PhantomData,
        }
    }

    /// NULLs before every value, whatever the direction.
    pub fn nulls_first(mut self) -> Self {
        self.term.nulls = Nulls::First;
        self
    }

    /// NULLs after every value, whatever the direction.
    pub fn nulls_last(mut self) -> Self {
        self.term.nulls = Nulls::Last;
        self
    }

    /// The untyped term.
    pub fn into_term(self) -> OrderTerm {
        self.term
    }
}

impl<E: Entity, T: ColumnValue> Column<E, T> {
    /// Smallest first.
    pub fn asc(self) -> OrderBy<E> {
        OrderBy::new(self.term(), Direction::Asc)
    }

    /// Largest first.
    pub fn desc(self) -> OrderBy<E> {
        OrderBy::new(self.term(), Direction::Desc)
    }
}

/// One or several order terms: `order_by(a.asc())`, `order_by((a.asc(), b.desc()))`.
pub trait IntoOrder<E> {
    /// The untyped terms, first the most significant.
    fn into_order(self) -> Vec<OrderTerm>;
}

impl<E> IntoOrder<E> for OrderBy<E> {
    fn into_order(self) -> Vec<OrderTerm> {
        vec![self.into_term()]
    }
}

impl<E> IntoOrder<E> for Vec<OrderBy<E>> {
    fn into_order(self) -> Vec<OrderTerm> {
        self.into_iter().map(OrderBy::into_term).collect()
    }
}

impl<E, const N: usize> IntoOrder<E> for [OrderBy<E>; N] {
    fn into_order(self) -> Vec<OrderTerm> {
        self.into_iter().map(OrderBy::into_term).collect()
    }
}

macro_rules! tuple_orders {
    ($(($($name:ident $index:tt),+);)*) => {
        $(impl<E> IntoOrder<E> for ($(tuple_orders!(@ $name E),)+) {
            fn into_order(self) -> Vec<OrderTerm> {
                vec![$(self.$index.into_term()),+]
            }
        })*
    };
    (@ $name:ident $entity:ident) => { OrderBy<$entity> };
}

tuple_orders! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}
