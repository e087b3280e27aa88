//! Queries for shapes.
use super::{Query, Repository};
use crate::{
    eager::{IncludeList, Shape},
    schema::Entity,
};

impl<'a, E: Entity> Repository<'a, E> {
    /// All rows in the form of a [`Shape`]: only the columns that it names, with the relations and figures that it
    /// names, in a constant number of statements.
    pub fn shape<S: Shape<E, Args = ()>>(
        &self,
    ) -> Query<'a, E, impl IncludeList<E, Output = S> + use<E, S>> {
        self.query().shape()
    }

    /// As [`shape`](Repository::shape), for one that takes arguments for the filters and limits of its relations:
    /// `users.shape_with::<AuthorCard>(CardArgs { top: 3 })`.
    pub fn shape_with<S: Shape<E>>(
        &self,
        args: S::Args,
    ) -> Query<'a, E, impl IncludeList<E, Output = S> + use<E, S>> {
        self.query().shape_with(args)
    }
}

impl<'a, E: Entity> Query<'a, E, ()> {
    /// The rows in the form of a [`Shape`], see [`Repository::shape`].
    pub fn shape<S: Shape<E, Args = ()>>(
        self,
    ) -> Query<'a, E, impl IncludeList<E, Output = S> + use<E, S>> {
        self.shape_with(())
    }

    /// The rows in the form of a [`Shape`] that takes arguments, see [`Repository::shape_with`].
    pub fn shape_with<S: Shape<E>>(
        self,
        args: S::Args,
    ) -> Query<'a, E, impl IncludeList<E, Output = S> + use<E, S>> {
        let mut query = Query::new(self.executor, self.parts.cache, S::plan(args));
        query.parts = self.parts;
        query
    }
}
