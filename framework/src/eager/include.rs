//! Includes: relations as a query asks for them, in its type.
use std::{fmt, marker::PhantomData};

use super::{
    graph::{Loaded, With},
    recursive::Recursive,
    spec::{Options, RowsSpec, Spec, Strategy},
    stitch::{Links, distribute},
    store::{Decode, Nothing, Push, Rows, Store, StoreList},
};
use crate::{
    error::Result,
    schema::{
        Arity, Entity, Filter, Related, Relation,
        expression::{ByAddress, Condition, IntoOrder},
    },
};

/// The relation `R` to be loaded with filters, order and limits, and with the nested includes `N`.
#[must_use = "an include does nothing until a query uses it"]
pub struct Include<R, N> {
    pub(super) options: Options,
    pub(super) nested: N,
    /// Whether it is a field of a shape: then its relation may be loaded there more than once.
    named: bool,
    relation: PhantomData<fn() -> R>,
}

impl<R, N: Clone> Clone for Include<R, N> {
    fn clone(&self) -> Self {
        Self {
            options: self.options.clone(),
            nested: self.nested.clone(),
            named: self.named,
            relation: PhantomData,
        }
    }
}

impl<R: Relation, N> fmt::Debug for Include<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Include")
            .field("relation", &R::def().path)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<R: Relation> Include<R, ()> {
    pub(super) fn new() -> Self {
        Self {
            options: Options::default(),
            nested: (),
            named: false,
            relation: PhantomData,
        }
    }
}

impl<R: Relation, N> Include<R, N> {
    /// A field of a shape.
    pub(super) fn named(nested: N) -> Self {
        Self {
            options: Options::default(),
            nested,
            named: true,
            relation: PhantomData,
        }
    }
}

impl<R: Relation, N> Include<R, N> {
    /// Loads a relation of these rows too.
    pub fn with<T: IntoInclude<R::To>>(self, include: T) -> Include<R, (T::Include, N)> {
        Include {
            options: self.options,
            nested: (include.into_include(), self.nested),
            named: self.named,
            relation: PhantomData,
        }
    }

    /// Only rows for which `filter` holds; several filters must all hold.
    pub fn filter(mut self, filter: Filter<R::To>) -> Self {
        self.options.filter = Condition::both(self.options.filter, Some(filter.into_condition()));
        self
    }

    /// In this order within each parent; ties are broken by primary key.
    pub fn order_by(mut self, order: impl IntoOrder<R::To>) -> Self {
        self.options.order.extend(order.into_order());
        self
    }

    /// At most `limit` rows for each parent.
    pub fn limit(mut self, limit: u64) -> Self {
        self.options.limit = Some(limit);
        self
    }

    /// Without the first `offset` rows of each parent.
    pub fn offset(mut self, offset: u64) -> Self {
        self.options.offset = Some(offset);
        self
    }

    /// Soft-deleted rows too.
    pub fn with_deleted(mut self) -> Self {
        self.options.with_deleted = true;
        self
    }

    /// Loads the rows by this strategy.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.options.strategy = strategy;
        self
    }

    /// Loads the rows in the parent's statement, by a join.
    pub fn joined(self) -> Self {
        self.strategy(Strategy::Joined)
    }

    /// Loads the rows in a statement of their own, by the parents' keys.
    pub fn batched(self) -> Self {
        self.strategy(Strategy::Batched)
    }

    /// Loads the rows in one statement with the whole graph.
    pub fn unified(self) -> Self {
        self.strategy(Strategy::Unified)
    }
}

/// What can be done with a relation const before it is included; in scope with the prelude.
pub trait RelationQuery: Relation {
    /// Loads a relation of the related rows too.
    fn with<T: IntoInclude<Self::To>>(self, include: T) -> Include<Self, (T::Include, ())> {
        Include::new().with(include)
    }

    /// Only rows for which `filter` holds.
    fn filter(self, filter: Filter<Self::To>) -> Include<Self, ()> {
        Include::new().filter(filter)
    }

    /// In this order within each parent; ties are broken by primary key.
    fn order_by(self, order: impl IntoOrder<Self::To>) -> Include<Self, ()> {
        Include::new().order_by(order)
    }

    /// At most `limit` rows for each parent.
    fn limit(self, limit: u64) -> Include<Self, ()> {
        Include::new().limit(limit)
    }

    /// Without the first `offset` rows of each parent.
    fn offset(self, offset: u64) -> Include<Self, ()> {
        Include::new().offset(offset)
    }

    /// Soft-deleted rows too.
    fn with_deleted(self) -> Include<Self, ()> {
        Include::new().with_deleted()
    }

    /// Loads the rows by this strategy.
    fn strategy(self, strategy: Strategy) -> Include<Self, ()> {
        Include::new().strategy(strategy)
    }

    /// Loads the rows in the parent's statement, by a join.
    fn joined(self) -> Include<Self, ()> {
        Include::new().joined()
    }

    /// Loads the rows in a statement of their own, by the parents' keys.
    fn batched(self) -> Include<Self, ()> {
        Include::new().batched()
    }

    /// Loads the rows in one statement with the whole graph.
    fn unified(self) -> Include<Self, ()> {
        Include::new().unified()
    }

    /// Follows a relation of an entity to itself `depth` times: trees of reports, chains of managers.
    fn recursive(self, depth: usize) -> Recursive<Self>
    where
        Self: Relation<From = <Self as Relation>::To>,
    {
        Recursive::new(depth)
    }
}

impl<R: Relation> RelationQuery for R {}

/// Something that `.with(..)` takes: a relation const, an include made from it, or a figure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{E}`",
    label = "cannot be included here",
    note = "`.with(..)` takes a relation const of `{E}`, such as `{E}::POSTS`, or a figure such as `{E}::POSTS.count()`"
)]
pub trait IntoInclude<E> {
    /// The include.
    type Include: IncludeNode<E>;

    /// The include.
    fn into_include(self) -> Self::Include;
}

impl<R: Relation> IntoInclude<R::From> for R {
    type Include = Include<R, ()>;

    fn into_include(self) -> Include<R, ()> {
        Include::new()
    }
}

impl<R: Relation, N: IncludeList<R::To>> IntoInclude<R::From> for Include<R, N> {
    type Include = Self;

    fn into_include(self) -> Self {
        self
    }
}

/// One include, as the engine sees it: a description, a store, and how to put the store's rows together.
pub trait IncludeNode<E>: Send + Sync {
    /// Holds the rows while they are loaded.
    type Store: Store;
    /// What each parent gets: [`Loaded`].
    type Loaded: Related;

    /// The description.
    fn spec(&self) -> Spec;

    /// An empty store.
    fn store(&self) -> Self::Store;

    /// One value for each parent row.
    ///
    /// # Errors
    /// A dangling key of a relation that must have a row.
    fn assemble(&self, store: Self::Store, links: Links) -> Result<Vec<Self::Loaded>>;
}

/// What is read of rows of `E` and beside them: `()`, an include and the list of those asked for before it, or the
/// plan of a [`Shape`](super::Shape).
pub trait IncludeList<E>: Send + Sync {
    /// What is read of each row itself: the entity, or the columns of a shape.
    type Row: Decode;
    /// The stores of the includes.
    type Stores: StoreList;
    /// What a row of `E` becomes with these includes: the row itself, [`With`], or a shape.
    type Output: Related;

    /// Positions of the columns that are read.
    fn columns(&self) -> Vec<usize>;

    /// Adds the descriptions, first asked for first.
    fn specs(&self, specs: &mut Vec<Spec>);

    /// Empty stores.
    fn stores(&self) -> Self::Stores;

    /// The rows with their relations; `links` are those of the includes.
    ///
    /// # Errors
    /// A dangling key of a relation that must have a row.
    fn assemble(
        &self,
        rows: Vec<Self::Row>,
        stores: Self::Stores,
        links: Vec<Links>,
    ) -> Result<Vec<Self::Output>>;
}

/// Positions of all columns of `E`.
fn all_columns<E: Entity>() -> Vec<usize> {
    (0..E::table().columns.len()).collect()
}

impl<E: Entity> IncludeList<E> for () {
    type Row = E;
    type Stores = ();
    type Output = E;

    fn columns(&self) -> Vec<usize> {
        all_columns::<E>()
    }

    fn specs(&self, _: &mut Vec<Spec>) {}

    fn stores(&self) {}

    fn assemble(&self, rows: Vec<E>, _: (), _: Vec<Links>) -> Result<Vec<E>> {
        Ok(rows)
    }
}

/// The relations of a list without the entity: what [`With`] holds beside it.
pub trait DataList<E>: Send + Sync {
    /// The stores of the includes.
    type Stores: StoreList;
    /// The list of [`Loaded`] values.
    type Data: Related;

    /// Adds the descriptions, first asked for first.
    fn specs(&self, specs: &mut Vec<Spec>);

    /// Empty stores.
    fn stores(&self) -> Self::Stores;

    /// One list for each of `rows` parent rows; takes its links off the end of `links`.
    ///
    /// # Errors
    /// A dangling key of a relation that must have a row.
    fn data(
        &self,
        rows: usize,
        stores: Self::Stores,
        links: &mut Vec<Links>,
    ) -> Result<Vec<Self::Data>>;
}

impl<E> DataList<E> for () {
    type Stores = ();
    type Data = ();

    fn specs(&self, _: &mut Vec<Spec>) {}

    fn stores(&self) {}

    fn data(&self, rows: usize, _: (), _: &mut Vec<Links>) -> Result<Vec<()>> {
        Ok(vec![(); rows])
    }
}

impl<E, Head: IncludeNode<E>, Tail: DataList<E>> DataList<E> for (Head, Tail) {
    type Stores = (Head::Store, Tail::Stores);
    type Data = (Head::Loaded, Tail::Data);

    fn specs(&self, specs: &mut Vec<Spec>) {
        self.1.specs(specs);
        specs.push(self.0.spec());
    }

    fn stores(&self) -> Self::Stores {
        (self.0.store(), self.1.stores())
    }

    fn data(
        &self,
        rows: usize,
        stores: Self::Stores,
        links: &mut Vec<Links>,
    ) -> Result<Vec<Self::Data>> {
        let own = links.pop().unwrap_or_default();
        let heads = self.0.assemble(stores.0, own)?;
        let tails = self.1.data(rows, stores.1, links)?;
        Ok(heads.into_iter().zip(tails).collect())
    }
}

impl<E: Entity, Head: IncludeNode<E>, Tail: DataList<E>> IncludeList<E> for (Head, Tail) {
    type Row = E;
    type Stores = (Head::Store, Tail::Stores);
    type Output = With<E, (Head::Loaded, Tail::Data)>;

    fn columns(&self) -> Vec<usize> {
        all_columns::<E>()
    }

    fn specs(&self, specs: &mut Vec<Spec>) {
        DataList::specs(self, specs);
    }

    fn stores(&self) -> Self::Stores {
        DataList::stores(self)
    }

    fn assemble(
        &self,
        rows: Vec<E>,
        stores: Self::Stores,
        mut links: Vec<Links>,
    ) -> Result<Vec<Self::Output>> {
        let data = self.data(rows.len(), stores, &mut links)?;
        Ok(rows
            .into_iter()
            .zip(data)
            .map(|(entity, relations)| With::new(entity, relations))
            .collect())
    }
}

impl<R: Relation, N: IncludeList<R::To>> IncludeNode<R::From> for Include<R, N> {
    type Store = Rows<N::Row, N::Stores>;
    type Loaded = Loaded<R, <R::Arity as Arity>::Of<N::Output>>;

    fn spec(&self) -> Spec {
        let mut children = Vec::new();
        self.nested.specs(&mut children);
        Spec::Rows(RowsSpec {
            relation: ByAddress(R::def()),
            options: self.options.clone(),
            columns: self.nested.columns(),
            children,
            named: self.named,
        })
    }

    fn store(&self) -> Self::Store {
        Rows::new(self.nested.stores())
    }

    fn assemble(&self, store: Self::Store, mut links: Links) -> Result<Vec<Self::Loaded>> {
        let below = std::mem::take(&mut links.children);
        let children = self.nested.assemble(store.rows, store.children, below)?;
        collect::<R, _>(children, &links)
    }
}

/// What one parent gets of a relation whose rows became `T`.
pub(super) type LoadedRows<R, T> = Loaded<R, <<R as Relation>::Arity as Arity>::Of<T>>;

/// The related values of each parent in the relation's container.
pub(super) fn collect<R: Relation, T: Related>(
    children: Vec<T>,
    links: &Links,
) -> Result<Vec<LoadedRows<R, T>>> {
    distribute(children, links)
        .into_iter()
        .map(|children| <R::Arity as Arity>::collect(R::def(), children).map(Loaded::new))
        .collect()
}

/// An include that is made only on a condition; gives `Option` of what it loads.
#[derive(Debug, Clone)]
pub struct Optional<I> {
    pub(super) include: I,
    wanted: bool,
}

impl<I> Optional<I> {
    /// `include`, if it is wanted.
    pub fn new(wanted: bool, include: I) -> Self {
        Self { include, wanted }
    }
}

/// What a [`Loaded`] value becomes if it may have been left out.
pub trait Maybe {
    /// `Loaded<S, Option<T>>`.
    type Maybe: Related;

    /// The value that was loaded.
    fn some(self) -> Self::Maybe;

    /// The value that was left out.
    fn none() -> Self::Maybe;
}

impl<S: 'static, T: Related> Maybe for Loaded<S, T> {
    type Maybe = Loaded<S, Option<T>>;

    fn some(self) -> Self::Maybe {
        Loaded::new(Some(self.into_value()))
    }

    fn none() -> Self::Maybe {
        Loaded::new(None)
    }
}

/// The store of an include that may have been left out.
#[derive(Debug)]
pub enum OptionalStore<S> {
    /// It is loaded.
    Wanted(S),
    /// It is not.
    Unwanted(Nothing),
}

impl<S: Store> Store for OptionalStore<S> {
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>) {
        match self {
            OptionalStore::Wanted(store) => store.split(),
            OptionalStore::Unwanted(store) => store.split(),
        }
    }
}

impl<E: Entity, I: IncludeNode<E>> IncludeNode<E> for Optional<I>
where
    I::Loaded: Maybe,
{
    type Store = OptionalStore<I::Store>;
    type Loaded = <I::Loaded as Maybe>::Maybe;

    fn spec(&self) -> Spec {
        if self.wanted {
            self.include.spec()
        } else {
            Spec::Nothing
        }
    }

    fn store(&self) -> Self::Store {
        if self.wanted {
            OptionalStore::Wanted(self.include.store())
        } else {
            OptionalStore::Unwanted(Nothing)
        }
    }

    fn assemble(&self, store: Self::Store, links: Links) -> Result<Vec<Self::Loaded>> {
        match store {
            OptionalStore::Wanted(store) => Ok(self
                .include
                .assemble(store, links)?
                .into_iter()
                .map(Maybe::some)
                .collect()),
            OptionalStore::Unwanted(_) => {
                Ok(links.parents.iter().map(|_| I::Loaded::none()).collect())
            }
        }
    }
}
