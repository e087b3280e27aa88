//! Runs a query with its includes and puts the result together.
use std::{ops::ControlFlow, panic::Location, sync::Arc};

use super::kept;
use crate::{
    driver::Outcome,
    eager::{
        IncludeList, Strategy,
        engine::{Load, Loaded, load_root},
        stitch::permute,
        store::{Rows, Store},
    },
    error::Result,
    executor::Executor,
    schema::{Cell, Entity, Row, entity},
    statement::{
        Statement, Touched, next_load,
        query::Level,
        render::{Backend, Query},
    },
    statement_cache,
};

/// How related rows are loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// The strategy for relations that name none.
    pub(super) strategy: Strategy,
    /// Whether rows that the result cache holds are taken from there.
    pub(super) cached: bool,
    /// Whether all statements see the database as it was at one moment.
    pub(super) consistent: bool,
}

impl How {
    /// The load of this number, for the user's call.
    pub(super) fn load(self, number: u64, call_site: &'static Location<'static>) -> Load {
        Load {
            strategy: self.strategy,
            cached: self.cached,
            consistent: self.consistent,
            number,
            call_site,
        }
    }
}

/// The rows of `level` with what `includes` ask for.
pub(super) async fn load<E: Entity, I: IncludeList<E>>(
    executor: &dyn Executor,
    level: Level,
    includes: &I,
    load: Load,
) -> Result<Vec<I::Output>> {
    let level = Level {
        columns: includes.columns(),
        ..level
    };
    let mut store = Rows::<I::Row, _>::new(includes.stores());
    let (order, links) = fill(executor, level, includes, &mut store, load).await?;
    includes
        .assemble(permute(store.rows, order.as_deref()), store.children, links)
        .map_err(|error| error.at(load.call_site))
}

/// Loads the rows of `level` and what `includes` ask for into `store`. Returns the order of the rows, if not as they came,
/// and the links of the includes, which are in that order.
pub(super) async fn fill<E, I: IncludeList<E>>(
    executor: &dyn Executor,
    level: Level,
    includes: &I,
    store: &mut dyn Store,
    load: Load,
) -> Result<Loaded> {
    let mut specs = Vec::new();
    includes.specs(&mut specs);
    let (order, mut links) = load_root(executor, level, specs, store, load).await?;
    if order.is_some() {
        for links in &mut links {
            links.parents = permute(std::mem::take(&mut links.parents), order.as_deref());
        }
    }
    Ok((order, links))
}

/// Whose statement it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) call_site: &'static Location<'static>,
    load: Option<u64>,
}

impl Caller {
    /// A call that takes several statements for what its caller sees as one.
    pub(super) fn of_many(call_site: &'static Location<'static>) -> Self {
        Self {
            call_site,
            load: Some(next_load()),
        }
    }

    /// The call's number, or a new one.
    pub(super) fn number(self) -> u64 {
        self.load.unwrap_or_else(next_load)
    }

    /// Says whose statement it is.
    pub(super) fn mark(self, statement: &mut Statement) {
        statement.load = self.load;
    }
}

impl From<&'static Location<'static>> for Caller {
    fn from(call_site: &'static Location<'static>) -> Self {
        Self {
            call_site,
            load: None,
        }
    }
}

/// Runs a query whose rows are entities.
pub(super) async fn entities<E: Entity>(
    executor: &dyn Executor,
    query: Query<'_>,
    caller: impl Into<Caller>,
) -> Result<(Vec<E>, Outcome)> {
    let caller = caller.into();
    let call_site = caller.call_site;
    let mut rows = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        let entity = entity::read(&mut Row::new(cells)).map_err(|error| error.at(call_site))?;
        rows.push(entity);
        Ok(ControlFlow::Continue(()))
    };
    let outcome = run(executor, query, &mut sink, caller).await?;
    Ok((rows, outcome))
}

/// Runs a write that returns entities, and tells the result cache of them.
pub(super) async fn written<E: Entity>(
    executor: &dyn Executor,
    query: Query<'_>,
    touched: Option<Arc<Touched>>,
    caller: impl Into<Caller>,
) -> Result<Vec<E>> {
    let caller = caller.into();
    let call_site = caller.call_site;
    let mut rows = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        let entity: E = entity::read(&mut Row::new(cells)).map_err(|error| error.at(call_site))?;
        kept::note(touched.as_ref(), &entity);
        rows.push(entity);
        Ok(ControlFlow::Continue(()))
    };
    write(executor, query, &mut sink, touched.clone(), caller).await?;
    Ok(rows)
}

/// Runs a write that touches these rows.
pub(super) async fn write(
    executor: &dyn Executor,
    query: Query<'_>,
    sink: &mut dyn crate::driver::RowSink,
    touched: Option<Arc<Touched>>,
    caller: impl Into<Caller>,
) -> Result<Outcome> {
    let caller = caller.into();
    let mut statement = statement(executor, query, caller.call_site)?;
    caller.mark(&mut statement);
    statement.touched = touched;
    executor.run(&statement, sink).await
}

/// Runs a query and hands its rows to `sink`.
pub(super) async fn run(
    executor: &dyn Executor,
    query: Query<'_>,
    sink: &mut dyn crate::driver::RowSink,
    caller: impl Into<Caller>,
) -> Result<Outcome> {
    write(executor, query, sink, None, caller).await
}

/// The statement for a query.
pub(super) fn statement(
    executor: &dyn Executor,
    query: Query<'_>,
    call_site: &'static Location<'static>,
) -> Result<Statement> {
    let (plan, args) =
        statement_cache::plan(query, backend(executor)).map_err(|error| error.at(call_site))?;
    Ok(Statement::new(plan, args, call_site))
}

/// What statements for `executor` are rendered for.
pub(super) fn backend(executor: &dyn Executor) -> Backend {
    Backend {
        dialect: executor.dialect(),
        capabilities: executor.capabilities(),
    }
}
