//! Queries whose results are kept.
//!
//! A result is found again by the text that would load its whole graph in one statement, its arguments and its type,
//! whatever strategy loads it. It is tagged with every table in that text: of joins, subqueries, relations and figures.
use std::{fmt, future::Future, panic::Location, sync::Arc, time::Duration};

use super::{
    Query,
    assemble::{self, Caller},
    figure::{count_of, exists_at, figure_at},
    query::Parts,
    scatter::{Reach, figures, gather},
};
use crate::{
    eager::{IncludeList, engine::identity},
    error::{Error, ErrorKind, Result},
    executor::{Executor, ExecutorHandle},
    result_cache::{self, CacheMode, CachedQuery, QueryKey},
    schema::{Entity, expression::AggregateKind},
    statement::{
        Plan, next_load,
        query::Level,
        render::{self, Backend},
    },
    statement_cache,
};

/// A query whose result is kept; made by [`Query::cached`].
#[must_use = "a query does nothing until it is awaited through `.all()`, `.one()`, `.first()`, .."]
pub struct Cached<'a, E, I> {
    query: Query<'a, E, I>,
    keep: Keep,
}

/// How a result is kept.
#[derive(Debug, Clone)]
struct Keep {
    ttl: Duration,
    tags: Vec<Arc<str>>,
    mode: CacheMode,
}

impl<E, I> fmt::Debug for Cached<'_, E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("query", &self.query)
            .field("keep", &self.keep)
            .finish()
    }
}

impl<'a, E: Entity, I> Query<'a, E, I> {
    /// Keeps the result for `ttl` at most, and gives it out again without a statement. Any write through the same
    /// database handle to any table that the query reads drops it, as if it had never been kept; changes made elsewhere
    /// are seen after `ttl`. Inside a transaction, and over several shards, it is read as ever. To be called last.
    ///
    /// What a raw expression reads beside the query's own tables is not known: name it by [`Cached::tag`].
    pub fn cached(self, ttl: Duration) -> Cached<'a, E, I> {
        let keep = Keep {
            ttl,
            tags: Vec::new(),
            mode: self.parts.cache,
        };
        Cached { query: self, keep }
    }
}

impl<'a, E: Entity, I> Cached<'a, E, I> {
    /// A name by which the result can be dropped, see [`Cache::invalidate_tag`](crate::result_cache::Cache::invalidate_tag).
    pub fn tag(mut self, tag: &str) -> Self {
        self.keep.tags.push(tag.into());
        self
    }

    /// Reads from the database, whatever is kept, and keeps what was read.
    pub fn refresh_cache(mut self) -> Self {
        self.keep.mode = CacheMode::Refresh;
        self
    }

    /// Reads from the database, and keeps nothing.
    pub fn bypass_cache(mut self) -> Self {
        self.keep.mode = CacheMode::Bypass;
        self
    }

    /// How many rows the query would return.
    ///
    /// # Errors
    /// As [`Query::count`].
    #[track_caller]
    pub fn count(self) -> impl Future<Output = Result<u64>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        let Query {
            executor, parts, ..
        } = self.query;
        async move {
            let source = parts.source::<E>(&*executor, call_site)?;
            let executor = match &source {
                Reach::Here(executor) => *executor,
                Reach::One(part) => &*part.executor,
                Reach::Several(shards) => {
                    let (kind, caller) = (AggregateKind::Count, Caller::of_many(call_site));
                    let count = figures::figure::<E, i64>(shards, &parts, kind, caller);
                    let count = Box::pin(count).await.map_err(|error| error.at(call_site));
                    return count.map(i64::unsigned_abs);
                }
            };
            let reader = self.keep.reader(executor);
            let executor = reader.as_deref().unwrap_or(executor);
            let scalar = count_of::<E>(&parts);
            let count = || async {
                let kind = AggregateKind::Count;
                let count = figure_at::<E, i64>(executor, &parts, kind, call_site).await?;
                Ok(u64::try_from(count).unwrap_or_default())
            };
            let query = render::Query::Scalar(&scalar);
            let count = figure::<E, u64, _>(executor, self.keep, query, call_site, count);
            Ok(*count.await?)
        }
    }

    /// Whether the query would return any row.
    ///
    /// # Errors
    /// As [`Query::exists`].
    #[track_caller]
    pub fn exists(self) -> impl Future<Output = Result<bool>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        let Query {
            executor, parts, ..
        } = self.query;
        async move {
            let source = parts.source::<E>(&*executor, call_site)?;
            let executor = match &source {
                Reach::Here(executor) => *executor,
                Reach::One(part) => &*part.executor,
                Reach::Several(shards) => {
                    let caller = Caller::of_many(call_site);
                    let exists = Box::pin(figures::exists::<E>(shards, &parts, caller)).await;
                    return exists.map_err(|error| error.at(call_site));
                }
            };
            let reader = self.keep.reader(executor);
            let executor = reader.as_deref().unwrap_or(executor);
            let level = Level {
                columns: E::table().primary_key.clone(),
                ..parts.level::<E>()
            };
            let exists = || exists_at::<E>(executor, &parts, call_site);
            let query = render::Query::Level(&level);
            let exists = figure::<E, bool, _>(executor, self.keep, query, call_site, exists);
            Ok(*exists.await?)
        }
    }
}

impl<'a, E: Entity, I: IncludeList<E>> Cached<'a, E, I>
where
    I::Output: Sync + 'static,
{
    /// All rows.
    ///
    /// # Errors
    /// As [`Query::all`]; [`InvalidQuery`](ErrorKind::InvalidQuery) for rows that are to be locked. Errors are not kept.
    ///
    /// # Cancellation
    /// Safe: others who wait for the same result load it themselves.
    #[track_caller]
    pub fn all(self) -> impl Future<Output = Result<Vec<I::Output>>> + Send + use<'a, E, I> {
        let rows = self.all_shared();
        async move { rows.await.map(Arc::unwrap_or_clone) }
    }

    /// All rows, not copied out of the cache.
    ///
    /// # Errors
    /// As [`all`](Cached::all).
    #[track_caller]
    pub fn all_shared(
        self,
    ) -> impl Future<Output = Result<Arc<Vec<I::Output>>>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        async move {
            let Query {
                executor,
                parts,
                includes,
                ..
            } = self.query;
            rows::<E, I>(&executor, &parts, &includes, self.keep, call_site)
                .await
                .map_err(|error| error.at(call_site))
        }
    }

    /// The one row of the query.
    ///
    /// # Errors
    /// As [`Query::one`].
    #[track_caller]
    pub fn one(mut self) -> impl Future<Output = Result<I::Output>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        let parts = &mut self.query.parts;
        parts.limit = Some(parts.limit.unwrap_or(2).min(2));
        let rows = self.all_shared();
        async move {
            let rows = rows.await?;
            match rows.as_slice() {
                [row] => Ok(row.clone()),
                rows => Err(super::query::not_one::<E>(rows.len()).at(call_site)),
            }
        }
    }

    /// The first row in the query's order, or `None`.
    ///
    /// # Errors
    /// [`InvalidQuery`](ErrorKind::InvalidQuery) for a query without an order, whose first row is any row; as
    /// [`all`](Cached::all) otherwise.
    #[track_caller]
    pub fn first(
        mut self,
    ) -> impl Future<Output = Result<Option<I::Output>>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        let parts = &mut self.query.parts;
        parts.limit = Some(parts.limit.unwrap_or(1).min(1));
        let has_order = !parts.order.is_empty();
        let rows = self.all_shared();
        async move {
            if !has_order {
                return Err(Error::new(
                    ErrorKind::InvalidQuery,
                    "`.first()` of a cached query has no order",
                )
                .with_hint("add `.order_by(..)`: without it the first row is any row")
                .at(call_site));
            }
            Ok(rows.await?.first().cloned())
        }
    }
}

async fn rows<E: Entity, I: IncludeList<E>>(
    executor: &ExecutorHandle<'_>,
    parts: &Parts,
    includes: &I,
    keep: Keep,
    call_site: &'static Location<'static>,
) -> Result<Arc<Vec<I::Output>>>
where
    I::Output: Sync + 'static,
{
    parts.refuse_lock("a cached query")?;
    let source = parts.source::<E>(&**executor, call_site)?;
    gather::check(&**executor, includes)?;
    let executor = match &source {
        Reach::Here(executor) => *executor,
        Reach::One(part) => &*part.executor,
        Reach::Several(shards) => {
            let rows = gather::all::<E, I>(shards, parts.clone(), includes, call_site);
            return Box::pin(rows).await.map(Arc::new);
        }
    };
    let reader = keep.reader(executor);
    let executor = reader.as_deref().unwrap_or(executor);
    let level = Level {
        columns: includes.columns(),
        ..parts.level::<E>()
    };
    let load = || {
        let how = assemble::How {
            strategy: parts.strategy,
            // What is put in must be one answer of the database's, not one with rows of an earlier time.
            cached: false,
            consistent: parts.consistent,
        };
        let load = how.load(next_load(), call_site);
        assemble::load(executor, level.clone(), includes, load)
    };
    let Some(cache) = result_cache::behind(executor, keep.mode) else {
        return load().await.map(Arc::new);
    };
    let mut specs = Vec::new();
    includes.specs(&mut specs);
    let (plan, args) = identity(level.clone(), specs, assemble::backend(executor))?;
    let key = QueryKey::of::<Vec<I::Output>>(Arc::clone(&plan.sql), &args);
    let query = keep.query::<E>(key, &plan);
    Box::pin(cache.result(query, Vec::len, load)).await
}

/// A figure over the rows of `query`.
async fn figure<E, T, F>(
    executor: &dyn Executor,
    keep: Keep,
    query: render::Query<'_>,
    call_site: &'static Location<'static>,
    load: impl Fn() -> F + Send + Sync,
) -> Result<Arc<T>>
where
    E: Entity,
    T: Send + Sync + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let Some(cache) = result_cache::behind(executor, keep.mode) else {
        return load().await.map(Arc::new);
    };
    let backend: Backend = assemble::backend(executor);
    let planned = statement_cache::plan(query, backend);
    let (plan, args) = planned.map_err(|error| error.at(call_site))?;
    let key = QueryKey::of::<T>(Arc::clone(&plan.sql), &args);
    let query = keep.query::<E>(key, &plan);
    Box::pin(cache.result(query, |_| 1, load)).await
}

impl Keep {
    /// What to load through what is kept: an executor that sees every write that is known of.
    fn reader<'e>(&self, executor: &'e dyn Executor) -> Option<ExecutorHandle<'e>> {
        result_cache::behind(executor, self.mode)?;
        executor.together(true)
    }

    fn query<'q, E: Entity>(&'q self, key: QueryKey, plan: &'q Plan) -> CachedQuery<'q> {
        CachedQuery {
            key,
            root: E::table(),
            tables: &plan.tables,
            tags: &self.tags,
            ttl: self.ttl,
            mode: self.mode,
        }
    }
}
