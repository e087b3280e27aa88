//! Queries for rows of one entity, with what is loaded beside them.
use std::{fmt, future::Future, marker::PhantomData, panic::Location};

use super::{
    BulkUpdate, Page, PageOf, assemble, page,
    scatter::{self, Keys, Reach, Writing, gather},
};
use crate::{
    eager::{IncludeList, IntoInclude, Optional, Strategy, include::Maybe, spec::alive},
    error::{Error, ErrorKind, Result},
    executor::{Executor, ExecutorHandle},
    result_cache::CacheMode,
    schema::{
        Condition, Entity, Filter, OrderTerm, RelationDef, Writable,
        expression::{Assignment, ByAddress, IntoOrder},
    },
    statement::{
        next_load,
        query::{Level, LockStrength, LockWait},
    },
};

/// A query for rows of `E` with the includes `I`. A builder: nothing is sent before `.await`.
#[must_use = "a query does nothing until it is awaited through `.all()`, `.one()`, `.first()`, .."]
pub struct Query<'a, E, I> {
    pub(super) executor: ExecutorHandle<'a>,
    pub(super) parts: Parts,
    pub(super) includes: I,
    entity: PhantomData<fn() -> E>,
}

/// What a query asks for at its root, untyped.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) filter: Option<Condition>,
    pub(super) order: Vec<OrderTerm>,
    pub(super) limit: Option<u64>,
    pub(super) offset: Option<u64>,
    pub(super) distinct: bool,
    pub(super) with_deleted: bool,
    pub(super) strategy: Strategy,
    pub(super) lock: Option<LockStrength>,
    pub(super) lock_wait: LockWait,
    /// Relations whose rows are locked too.
    pub(super) lock_of: Vec<ByAddress<RelationDef>>,
    pub(super) consistent: bool,
    pub(super) cache: CacheMode,
}

impl Parts {
    /// The filter with what soft deletion demands.
    pub(super) fn full_filter<E: Entity>(&self) -> Option<Condition> {
        let alive = if self.with_deleted {
            None
        } else {
            alive(E::table())
        };
        Condition::both(self.filter.clone(), alive)
    }

    /// Where the rows are.
    pub(super) fn source<'e, E: Entity>(
        &self,
        executor: &'e dyn Executor,
        call_site: &'static Location<'static>,
    ) -> Result<Reach<'e>> {
        let keys = || Keys::of_filter(E::table(), self.filter.as_ref());
        let source = scatter::to_read(executor, E::table(), keys).and_then(|source| {
            if executor.sharding().is_some() {
                gather::check_parts(&source, self)?;
            }
            Ok(source)
        });
        source.map_err(|error| error.at(call_site))
    }

    /// Where all rows are written that the filter leaves.
    pub(super) fn writing<'e, E: Entity>(&self, executor: &'e dyn Executor) -> Result<Writing<'e>> {
        let keys = || Keys::of_filter(E::table(), self.filter.as_ref());
        let writing = scatter::to_write(executor, E::table(), keys)?;
        if executor.sharding().is_some() {
            scatter::check_condition(self.filter.as_ref())?;
        }
        Ok(writing)
    }

    /// How related rows are loaded.
    pub(super) fn how(&self) -> assemble::How {
        assemble::How {
            strategy: self.strategy,
            // What is kept is of another moment.
            cached: self.cache == CacheMode::Use && !self.consistent,
            consistent: self.consistent,
        }
    }

    /// The rows at the root, not locked.
    pub(super) fn level<E: Entity>(&self) -> Level {
        Level {
            filter: self.full_filter::<E>(),
            order: self.order.clone(),
            limit: self.limit,
            offset: self.offset,
            distinct: self.distinct,
            ..Level::all(E::table())
        }
    }
}

impl<E, I: Clone> Clone for Query<'_, E, I> {
    fn clone(&self) -> Self {
        Self {
            executor: self.executor.clone(),
            parts: self.parts.clone(),
            includes: self.includes.clone(),
            entity: PhantomData,
        }
    }
}

impl<E, I> fmt::Debug for Query<'_, E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl<'a, E: Entity, I> Query<'a, E, I> {
    pub(super) fn new(executor: ExecutorHandle<'a>, cache: CacheMode, includes: I) -> Self {
        Self {
            executor,
            parts: Parts {
                cache,
                ..Parts::default()
            },
            includes,
            entity: PhantomData,
        }
    }
}

impl<'a, E: Entity, I> Query<'a, E, I> {
    /// Only rows for which `filter` holds; several filters must all hold.
    pub fn filter(mut self, filter: Filter<E>) -> Self {
        self.parts.filter = Condition::both(self.parts.filter, Some(filter.into_condition()));
        self
    }

    /// In this order; a second call adds less significant terms. Ties are broken by primary key.
    pub fn order_by(mut self, order: impl IntoOrder<E>) -> Self {
        self.parts.order.extend(order.into_order());
        self
    }

    /// At most `limit` rows.
    pub fn limit(mut self, limit: u64) -> Self {
        self.parts.limit = Some(limit);
        self
    }

    /// Without the first `offset` rows.
    pub fn offset(mut self, offset: u64) -> Self {
        self.parts.offset = Some(offset);
        self
    }

    /// Equal rows once.
    pub fn distinct(mut self) -> Self {
        self.parts.distinct = true;
        self
    }

    /// Soft-deleted rows too.
    pub fn with_deleted(mut self) -> Self {
        self.parts.with_deleted = true;
        self
    }

    /// Loads relations that name no strategy of their own by this one.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.parts.strategy = strategy;
        self
    }

    /// Loads rows and related rows as they were at one moment, also where that takes several statements: they share a
    /// transaction that only reads, of isolation level `REPEATABLE READ`. Nothing is taken from the result cache.
    ///
    /// Inside a transaction it is for the transaction to be of that level; if it is not, the load is an error of kind
    /// [`Unsupported`](ErrorKind::Unsupported). The same goes for a connection of the user's own sqlx.
    pub fn consistent(mut self) -> Self {
        self.parts.consistent = true;
        self
    }

    /// Loads related rows from the database, also those of entities that are cached.
    pub fn bypass_cache(mut self) -> Self {
        self.parts.cache = CacheMode::Bypass;
        self
    }

    /// Loads a relation or a figure beside each row.
    pub fn with<T: IntoInclude<E>>(self, include: T) -> Query<'a, E, (T::Include, I)> {
        Query {
            executor: self.executor,
            parts: self.parts,
            includes: (include.into_include(), self.includes),
            entity: PhantomData,
        }
    }

    /// Loads a relation or a figure beside each row if `condition` is true: the value is an `Option`.
    pub fn with_if<T: IntoInclude<E>>(
        self,
        condition: bool,
        include: T,
    ) -> Query<'a, E, (Optional<T::Include>, I)>
    where
        <T::Include as crate::eager::IncludeNode<E>>::Loaded: Maybe,
    {
        Query {
            executor: self.executor,
            parts: self.parts,
            includes: (
                Optional::new(condition, include.into_include()),
                self.includes,
            ),
            entity: PhantomData,
        }
    }

    /// Columns to set in all rows of the query: `users.filter(..).set(User::VISITS.to(User::VISITS.add(1)))`.
    pub fn set(self, assignment: Assignment<E>) -> BulkUpdate<'a, E>
    where
        E: Writable,
    {
        BulkUpdate::new(self.executor, self.parts, assignment)
    }
}

/// The rows of `source`.
pub(super) async fn all_from<E: Entity, I: IncludeList<E>>(
    source: &Reach<'_>,
    parts: Parts,
    includes: &I,
    call_site: &'static Location<'static>,
) -> Result<Vec<I::Output>> {
    match source {
        Reach::Several(shards) => {
            Box::pin(gather::all::<E, I>(shards, parts, includes, call_site)).await
        }
        Reach::Here(executor) => all_at(*executor, &parts, includes, call_site).await,
        Reach::One(part) => all_at(&*part.executor, &parts, includes, call_site).await,
    }
}

/// The rows of one database.
async fn all_at<E: Entity, I: IncludeList<E>>(
    executor: &dyn Executor,
    parts: &Parts,
    includes: &I,
    call_site: &'static Location<'static>,
) -> Result<Vec<I::Output>> {
    let level = Level {
        lock: parts.row_lock(executor)?,
        ..parts.level::<E>()
    };
    let load = parts.how().load(next_load(), call_site);
    assemble::load(executor, level, includes, load).await
}

/// Why `found` rows are not one.
#[cold]
pub(super) fn not_one<E: Entity>(found: usize) -> Error {
    let name = E::table().name;
    match found {
        0 => Error::not_found(name, "this query"),
        _ => Error::new(
            ErrorKind::TooMany,
            format!("more than one row in `{name}` for this query"),
        )
        .with_table(name)
        .with_hint("narrow the filter, or use `.first()` with an order"),
    }
}

impl<'a, E: Entity, I: IncludeList<E>> Query<'a, E, I> {
    /// All rows.
    ///
    /// # Errors
    /// The database's, a decode error, a dangling key of a relation that must have a row, or an
    /// [`InvalidQuery`](ErrorKind::InvalidQuery) where a relation is included twice.
    ///
    /// # Cancellation
    /// Safe: a read that is dropped has no effect; its connection is not lent again.
    #[track_caller]
    pub fn all(self) -> impl Future<Output = Result<Vec<I::Output>>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        async move {
            let Self {
                executor,
                parts,
                includes,
                ..
            } = self;
            let source = parts.source::<E>(&*executor, call_site)?;
            gather::check(&*executor, &includes).map_err(|error| error.at(call_site))?;
            all_from::<E, I>(&source, parts, &includes, call_site)
                .await
                .map_err(|error| error.at(call_site))
        }
    }

    /// The one row of the query.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, [`TooMany`](ErrorKind::TooMany) if there are more; as
    /// [`all`](Query::all) otherwise.
    #[track_caller]
    pub fn one(mut self) -> impl Future<Output = Result<I::Output>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        self.parts.limit = Some(self.parts.limit.unwrap_or(2).min(2));
        let rows = self.all();
        async move {
            let mut rows = rows.await?;
            match rows.len() {
                1 => Ok(rows.swap_remove(0)),
                found => Err(not_one::<E>(found).at(call_site)),
            }
        }
    }

    /// The first row in the query's order, or `None`. Without an order the first row is any row, of which observers
    /// are warned.
    ///
    /// # Errors
    /// As [`all`](Query::all).
    #[track_caller]
    pub fn first(
        mut self,
    ) -> impl Future<Output = Result<Option<I::Output>>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        if self.parts.order.is_empty() {
            let table = E::table().name;
            self.executor.warn(&format!(
                "`.first()` on `{table}` without an order at {}:{} returns any row; add `.order_by(..)`",
                call_site.file(),
                call_site.line()
            ));
        }
        self.parts.limit = Some(self.parts.limit.unwrap_or(1).min(1));
        let rows = self.all();
        async move { Ok(rows.await?.into_iter().next()) }
    }

    /// One page of the rows by keyset: stable while rows are added and removed, and as fast on the last page as on the
    /// first. The order is made total by the primary key.
    ///
    /// # Errors
    /// [`InvalidQuery`](ErrorKind::InvalidQuery) for an order over something else than columns, a limit beside the
    /// page's size, a cursor of another query, or `distinct` over a shape without the order's columns; as
    /// [`all`](Query::all) otherwise.
    #[track_caller]
    pub fn page(
        self,
        page: Page,
    ) -> impl Future<Output = Result<PageOf<I::Output>>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        async move {
            let Self {
                executor,
                parts,
                includes,
                ..
            } = self;
            page::load(&executor, parts, &includes, page, call_site)
                .await
                .map_err(|error| error.at(call_site))
        }
    }
}
