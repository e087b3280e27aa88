//! Runs a query with its includes and puts the result together.
use std::{ops::ControlFlow, panic::Location};

use crate::{
    driver::Outcome,
    eager::{
        IncludeList, Strategy,
        engine::{Load, load_root},
        stitch::permute,
        store::Rows,
    },
    error::Result,
    executor::Executor,
    schema::{Cell, Entity, Row},
    statement::{
        Statement,
        query::Level,
        render::{Backend, Query},
    },
    statement_cache,
};

/// The rows of `level` with what `includes` ask for.
pub(super) async fn load<E: Entity, I: IncludeList<E>>(
    executor: &dyn Executor,
    level: Level,
    includes: &I,
    strategy: Strategy,
    call_site: &'static Location<'static>,
) -> Result<Vec<I::Output>> {
    let (rows, stores, links) = load_parts(executor, level, includes, strategy, call_site).await?;
    includes
        .assemble(rows, stores, links)
        .map_err(|error| error.at(call_site))
}

type Parts<D, S> = (Vec<D>, S, Vec<crate::eager::stitch::Links>);

/// The rows of `level` and what was loaded beside them, not yet put together.
pub(super) async fn load_parts<E: Entity, I: IncludeList<E>>(
    executor: &dyn Executor,
    level: Level,
    includes: &I,
    strategy: Strategy,
    call_site: &'static Location<'static>,
) -> Result<Parts<I::Row, I::Stores>> {
    let mut specs = Vec::new();
    includes.specs(&mut specs);
    let level = Level {
        columns: includes.columns(),
        ..level
    };
    let mut store = Rows::<I::Row, _>::new(includes.stores());
    let load = Load {
        strategy,
        call_site,
    };
    let (order, mut links) = load_root(executor, level, specs, &mut store, load).await?;
    if let Some(order) = order {
        store.rows = permute(store.rows, Some(&order));
        for links in &mut links {
            links.parents = permute(std::mem::take(&mut links.parents), Some(&order));
        }
    }
    Ok((store.rows, store.children, links))
}

/// Runs a query whose rows are entities.
pub(super) async fn entities<E: Entity>(
    executor: &dyn Executor,
    query: Query<'_>,
    call_site: &'static Location<'static>,
) -> Result<(Vec<E>, Outcome)> {
    let mut rows = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        let entity = E::decode(&mut Row::new(cells))
            .map_err(|error| error.with_table(E::table().name).at(call_site))?;
        rows.push(entity);
        Ok(ControlFlow::Continue(()))
    };
    let outcome = run(executor, query, &mut sink, call_site).await?;
    Ok((rows, outcome))
}

/// Runs a query and hands its rows to `sink`.
pub(super) async fn run(
    executor: &dyn Executor,
    query: Query<'_>,
    sink: &mut dyn crate::driver::RowSink,
    call_site: &'static Location<'static>,
) -> Result<Outcome> {
    let statement = statement(executor, query, call_site)?;
    executor.run(&statement, sink).await
}

/// The statement for a query.
pub(super) fn statement(
    executor: &dyn Executor,
    query: Query<'_>,
    call_site: &'static Location<'static>,
) -> Result<Statement> {
    let backend = Backend {
        dialect: executor.dialect(),
        capabilities: executor.capabilities(),
    };
    let (plan, args) =
        statement_cache::plan(query, backend).map_err(|error| error.at(call_site))?;
    Ok(Statement::new(plan, args, call_site))
}
