//! Figures over the rows of a query: how many there are, sums, extremes.
use std::{future::Future, ops::ControlFlow, panic::Location};

use super::{
    Query,
    assemble::{self, Caller},
    query::Parts,
    scatter::{Reach, figures},
};
use crate::{
    error::{Error, Result},
    executor::Executor,
    schema::{
        Cell, Column, ColumnValue, Entity, Row,
        expression::{AggregateKind, Summable},
    },
    statement::{
        query::{Level, Scalar},
        render,
    },
};

impl<'a, E: Entity, I> Query<'a, E, I> {
    /// How many rows the query would return.
    ///
    /// # Errors
    /// The database's.
    #[track_caller]
    pub fn count(self) -> impl Future<Output = Result<u64>> + Send + use<'a, E, I> {
        let figure = self.figure::<i64>(AggregateKind::Count);
        async move { Ok(u64::try_from(figure.await?).unwrap_or_default()) }
    }

    /// Whether the query would return any row.
    ///
    /// # Errors
    /// The database's.
    #[track_caller]
    pub fn exists(self) -> impl Future<Output = Result<bool>> + Send + use<'a, E, I> {
        let (executor, parts) = (self.executor, self.parts);
        let call_site = Location::caller();
        async move {
            let source = parts.source::<E>(&*executor, call_site)?;
            match &source {
                Reach::Several(shards) => {
                    let caller = Caller::of_many(call_site);
                    Box::pin(figures::exists::<E>(shards, &parts, caller)).await
                }
                Reach::Here(executor) => exists_at::<E>(*executor, &parts, call_site).await,
                Reach::One(part) => exists_at::<E>(&*part.executor, &parts, call_site).await,
            }
            .map_err(|error| error.at(call_site))
        }
    }

    /// The sum of a column over the rows; `None` if there are none.
    ///
    /// # Errors
    /// The database's, or a decode error where the sum is out of range.
    #[track_caller]
    pub fn sum<T: ColumnValue>(
        self,
        column: Column<E, T>,
    ) -> impl Future<Output = Result<Option<<T::Base as Summable>::Sum>>> + Send + use<'a, E, I, T>
    where
        T::Base: Summable,
    {
        self.figure(AggregateKind::Sum(column.position()))
    }

    /// The mean of a column over the rows; `None` if there are none.
    ///
    /// # Errors
    /// The database's.
    #[track_caller]
    pub fn avg<T: ColumnValue>(
        self,
        column: Column<E, T>,
    ) -> impl Future<Output = Result<Option<f64>>> + Send + use<'a, E, I, T>
    where
        T::Base: Summable,
    {
        self.figure(AggregateKind::Avg(column.position()))
    }

    /// The least value of a column over the rows; `None` if there are none.
    ///
    /// # Errors
    /// The database's.
    #[track_caller]
    pub fn min<T: ColumnValue>(
        self,
        column: Column<E, T>,
    ) -> impl Future<Output = Result<Option<T::Base>>> + Send + use<'a, E, I, T>
    where
        T::Base: ColumnValue<Base = T::Base>,
    {
        self.figure(AggregateKind::Min(column.position()))
    }

    /// The greatest value of a column over the rows; `None` if there are none.
    ///
    /// # Errors
    /// The database's.
    #[track_caller]
    pub fn max<T: ColumnValue>(
        self,
        column: Column<E, T>,
    ) -> impl Future<Output = Result<Option<T::Base>>> + Send + use<'a, E, I, T>
    where
        T::Base: ColumnValue<Base = T::Base>,
    {
        self.figure(AggregateKind::Max(column.position()))
    }

    #[track_caller]
    fn figure<F: ColumnValue>(
        self,
        aggregate: AggregateKind,
    ) -> impl Future<Output = Result<F>> + Send + use<'a, E, I, F> {
        let (executor, parts) = (self.executor, self.parts);
        let call_site = Location::caller();
        async move {
            let source = parts.source::<E>(&*executor, call_site)?;
            match &source {
                Reach::Several(shards) => {
                    let caller = Caller::of_many(call_site);
                    Box::pin(figures::figure::<E, F>(shards, &parts, aggregate, caller)).await
                }
                Reach::Here(executor) => {
                    figure_at::<E, F>(*executor, &parts, aggregate, call_site).await
                }
                Reach::One(part) => {
                    figure_at::<E, F>(&*part.executor, &parts, aggregate, call_site).await
                }
            }
            .map_err(|error| error.at(call_site))
        }
    }
}

/// Whether there is any row.
pub(super) async fn exists_at<E: Entity>(
    executor: &dyn Executor,
    parts: &Parts,
    caller: impl Into<Caller>,
) -> Result<bool> {
    let caller = caller.into();
    let call_site = caller.call_site;
    parts
        .refuse_lock("`exists()`")
        .map_err(|error| error.at(call_site))?;
    let level = Level {
        columns: E::table().primary_key.clone(),
        order: Vec::new(),
        limit: Some(1),
        ..parts.level::<E>()
    };
    let mut exists = false;
    let mut sink = |_: &[Cell<'_>]| {
        exists = true;
        Ok(ControlFlow::Break(()))
    };
    let query = render::Query::Level(&level);
    assemble::run(executor, query, &mut sink, caller).await?;
    Ok(exists)
}

/// A figure over the rows.
pub(super) async fn figure_at<E: Entity, F: ColumnValue>(
    executor: &dyn Executor,
    parts: &Parts,
    aggregate: AggregateKind,
    caller: impl Into<Caller>,
) -> Result<F> {
    let caller = caller.into();
    let call_site = caller.call_site;
    parts
        .refuse_lock("a figure")
        .map_err(|error| error.at(call_site))?;
    let scalar = scalar::<E>(parts, aggregate);
    let mut figure = None;
    let mut sink = |cells: &[Cell<'_>]| {
        figure = Some(Row::new(cells).read::<F>()?);
        Ok(ControlFlow::Continue(()))
    };
    let query = render::Query::Scalar(&scalar);
    assemble::run(executor, query, &mut sink, caller).await?;
    figure.ok_or_else(|| Error::decode("an aggregate returned no row").at(call_site))
}

/// How many rows there are, as a query.
pub(super) fn count_of<E: Entity>(parts: &Parts) -> Scalar {
    scalar::<E>(parts, AggregateKind::Count)
}

fn scalar<E: Entity>(parts: &Parts, aggregate: AggregateKind) -> Scalar {
    // Which rows are within a limit is up to the order; how many there are is not.
    let needs_order = parts.limit.is_some() || parts.offset.is_some();
    let mut level = parts.level::<E>();
    if !needs_order || aggregate == AggregateKind::Count {
        level.order.clear();
    }
    Scalar { level, aggregate }
}
