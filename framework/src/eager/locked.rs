//! Which relations of a query are locked with its rows, found in the includes' type.
use std::marker::PhantomData;

use super::{
    graph::{Here, There},
    include::{Include, Optional},
    recursive::Recursive,
};
use crate::schema::Relation;

/// A position among the relations loaded beside the rows of the list's head; names an impl of [`LockedIn`].
#[derive(Debug)]
pub struct Below<I>(PhantomData<I>);

/// The relation is loaded by a query with the includes `List`, at whatever depth, so that its rows can be locked too.
#[diagnostic::on_unimplemented(
    message = "relation `{Self}` is not loaded by this query, so its rows cannot be locked",
    label = "not loaded by the query so far",
    note = "add `.with(..)` for this relation before `.of(..)`"
)]
pub trait LockedIn<List, Index>: Relation {
    /// Notes that the relation's rows are to be locked.
    fn lock(list: &mut List);
}

/// An include of the relation `R` itself.
pub trait Loading<R> {
    /// Notes that the rows are to be locked.
    fn lock(&mut self);
}

/// An include that may have others within.
pub trait Nesting {
    /// The includes within.
    type Nested;

    /// The includes within.
    fn nested(&mut self) -> &mut Self::Nested;
}

impl<R, N> Loading<R> for Include<R, N> {
    fn lock(&mut self) {
        self.options.locked = true;
    }
}

impl<R, N> Nesting for Include<R, N> {
    type Nested = N;

    fn nested(&mut self) -> &mut N {
        &mut self.nested
    }
}

impl<R, I: Loading<R>> Loading<R> for Optional<I> {
    fn lock(&mut self) {
        self.include.lock();
    }
}

impl<I: Nesting> Nesting for Optional<I> {
    type Nested = I::Nested;

    fn nested(&mut self) -> &mut I::Nested {
        self.include.nested()
    }
}

impl<R> Loading<R> for Recursive<R> {
    fn lock(&mut self) {
        self.options.locked = true;
    }
}

impl<R: Relation, Head: Loading<R>, Tail> LockedIn<(Head, Tail), Here> for R {
    fn lock(list: &mut (Head, Tail)) {
        list.0.lock();
    }
}

impl<R: LockedIn<Tail, I>, Head, Tail, I> LockedIn<(Head, Tail), There<I>> for R {
    fn lock(list: &mut (Head, Tail)) {
        R::lock(&mut list.1);
    }
}

impl<R, Head, Tail, I> LockedIn<(Head, Tail), Below<I>> for R
where
    R: LockedIn<Head::Nested, I>,
    Head: Nesting,
{
    fn lock(list: &mut (Head, Tail)) {
        R::lock(list.0.nested());
    }
}
