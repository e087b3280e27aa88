//! How one relation is asked for, in the framework's words and over rows in memory.

use std::cmp::{Ordering, Reverse};

use entourage::{
    eager::{Include, Strategy},
    prelude::*,
    schema::OrderBy,
};
use entourage_tests::models::blog::*;
use proptest::{option, prelude::*, strategy::Strategy as _};

/// Filter, order, limit, offset and strategy.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) strategy: Strategy,
    pub(crate) at_least: Option<i32>,
    pub(crate) order: Option<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
}

/// By the entity's number, or by its key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    Up,
    Down,
    UpNullsLast,
    DownNullsFirst,
    NewestFirst,
}

pub(crate) fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop_oneof![
        Just(Strategy::Auto),
        Just(Strategy::Joined),
        Just(Strategy::Batched),
        Just(Strategy::Unified)
    ]
}

pub(crate) fn asks() -> impl proptest::strategy::Strategy<Value = Ask> {
    let order = prop_oneof![
        Just(Order::Up),
        Just(Order::Down),
        Just(Order::UpNullsLast),
        Just(Order::DownNullsFirst),
        Just(Order::NewestFirst)
    ];
    (
        // Each relation follows the query's strategy.
        Just(Strategy::Auto),
        option::weighted(0.3, 0..4),
        option::of(order),
        option::weighted(0.3, 0_u64..4),
        option::weighted(0.3, 0_u64..3),
    )
        .prop_map(|(strategy, at_least, order, limit, offset)| Ask {
            strategy,
            at_least,
            order,
            limit,
            offset,
        })
}

/// An entity with a number to select and sort by.
pub(crate) trait Sorted: entourage::schema::Entity + PartialEq {
    /// The row's key.
    fn id(&self) -> i64;
    /// The row's number; `None` where the entity has no such column, too.
    fn number(&self) -> Option<i32>;
    /// The filter that `ask` means.
    fn at_least(ask: &Ask) -> Option<Filter<Self>>;
    /// The order that `ask` means.
    fn order(ask: &Ask) -> Option<Vec<OrderBy<Self>>>;
    /// Whether the filter lets the row pass.
    fn passes(&self, ask: &Ask) -> bool;
}

macro_rules! sorted {
    ($($entity:ident by $column:ident, |$row:ident| $value:expr;)*) => {
        $(impl Sorted for $entity {
            fn id(&self) -> i64 {
                self.id
            }

            fn number(&self) -> Option<i32> {
                let $row = self;
                $value
            }

            fn at_least(ask: &Ask) -> Option<Filter<Self>> {
                ask.at_least.map(|least| $entity::$column.ge(least))
            }

            fn order(ask: &Ask) -> Option<Vec<OrderBy<Self>>> {
                let column = $entity::$column;
                ask.order.map(|order| vec![match order {
                    Order::Up => column.asc(),
                    Order::Down => column.desc(),
                    Order::UpNullsLast => column.asc().nulls_last(),
                    Order::DownNullsFirst => column.desc().nulls_first(),
                    Order::NewestFirst => $entity::ID.desc(),
                }])
            }

            fn passes(&self, ask: &Ask) -> bool {
                ask.at_least.is_none_or(|least| self.number().is_some_and(|value| value >= least))
            }
        })*
    };
    ($($entity:ident;)*) => {
        $(impl Sorted for $entity {
            fn id(&self) -> i64 {
                self.id
            }

            fn number(&self) -> Option<i32> {
                None
            }

            fn at_least(_: &Ask) -> Option<Filter<Self>> {
                None
            }

            fn order(ask: &Ask) -> Option<Vec<OrderBy<Self>>> {
                matches!(ask.order, Some(Order::NewestFirst)).then(|| vec![$entity::ID.desc()])
            }

            fn passes(&self, _: &Ask) -> bool {
                true
            }
        })*
    };
}

sorted! {
    User by AGE, |user| user.age;
    Post by RATING, |post| post.rating;
    Comment by LIKES, |comment| Some(comment.likes);
}

sorted! {
    Profile;
    Group;
}

/// The relation as `ask` wants it.
pub(crate) fn asked<R: Relation>(relation: R, ask: &Ask) -> Include<R, ()>
where
    R::To: Sorted,
{
    let mut include = relation.strategy(ask.strategy);
    if let Some(filter) = R::To::at_least(ask) {
        include = include.filter(filter);
    }
    if let Some(order) = R::To::order(ask) {
        include = include.order_by(order);
    }
    if let Some(limit) = ask.limit {
        include = include.limit(limit);
    }
    if let Some(offset) = ask.offset {
        include = include.offset(offset);
    }
    include
}

/// The rows as `ask` wants them.
pub(crate) fn arranged<'r, E: Sorted>(rows: impl Iterator<Item = &'r E>, ask: &Ask) -> Vec<E> {
    let mut rows: Vec<E> = rows.filter(|row| row.passes(ask)).cloned().collect();
    rows.sort_by(|a, b| {
        let (x, y) = (a.number(), b.number());
        let by_value = match ask.order {
            None => Ordering::Equal,
            Some(Order::Up) => x.cmp(&y),
            Some(Order::Down) => y.cmp(&x),
            Some(Order::UpNullsLast) => (x.is_none(), x).cmp(&(y.is_none(), y)),
            Some(Order::DownNullsFirst) => {
                (x.is_some(), Reverse(x)).cmp(&(y.is_some(), Reverse(y)))
            }
            Some(Order::NewestFirst) => b.id().cmp(&a.id()),
        };
        by_value.then(a.id().cmp(&b.id()))
    });
    let offset = ask.offset.unwrap_or(0) as usize;
    let limit = ask.limit.map_or(usize::MAX, |limit| limit as usize);
    rows.into_iter().skip(offset).take(limit).collect()
}
