//! Runs the statements of a plan and fills the stores.
mod kept;
mod unified;

use std::{future::Future, ops::ControlFlow, panic::Location, pin::Pin, sync::Arc};

use futures_util::future::try_join_all;

use super::{
    index::KeyIndex,
    plan::{Child, Context, Node, Root, plan},
    reader::State,
    spec::{FigureSpec, Spec, Strategy},
    stitch::{Links, NO_SLOT},
    store::Store,
};
use crate::{
    driver::RowSink,
    error::{Error, Result},
    executor::{AtomicScope, Executor, ExecutorHandle},
    schema::{Cell, KeyPart, Value},
    statement::{
        Plan, Statement,
        query::{Figure, Keys, Level, Link, LinkColumns, Part},
        render::{Backend, Query, chunk_size},
    },
    statement_cache,
};

type Pending<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// How a graph is to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The strategy for relations that name none.
    pub strategy: Strategy,
    /// Whether rows that the result cache holds are taken from there.
    pub cached: bool,
    /// Whether all its statements see the database as it was at one moment.
    pub consistent: bool,
    /// What its statements are known by as parts of one call, from [`next_load`](crate::statement::next_load).
    pub number: u64,
    /// The user's call.
    pub call_site: &'static Location<'static>,
}

/// What a load knows beside its rows: the order of the root's rows, if not as they came, and the links of its
/// includes.
pub type Loaded = (Option<Vec<u32>>, Vec<Links>);

/// Loads the rows of `level` with everything that `children` ask for.
///
/// # Errors
/// The database's, a decode error, or [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a relation included twice.
pub async fn load_root(
    executor: &dyn Executor,
    level: Level,
    children: Vec<Spec>,
    store: &mut dyn Store,
    load: Load,
) -> Result<Loaded> {
    check(&children).map_err(|error| error.at(load.call_site))?;
    let context = Context {
        dialect: executor.dialect(),
        strategy: load.strategy,
        in_hand: false,
        lock: level.lock,
        locked: level.lock.is_some(),
        cached: load.cached && executor.cache().is_some(),
    };
    let (node, warnings) = plan(Root { level, children }, context);
    warnings.iter().for_each(|warning| executor.warn(warning));
    let mut state = State::new(&node, store);
    let together = together(executor, &node, 1);
    let executor = together.as_deref().unwrap_or(executor);
    let scope = shared_transaction(executor, &node, 1, load).await?;
    let engine = Engine::new(inside(&scope, executor), load);
    engine.statement(&node, None, &mut state).await?;
    engine.batches(&node, &mut state).await?;
    let order = state.order();
    let links = engine.finish(state, &node);
    end(scope).await?;
    Ok((order, links))
}

/// The `own` statements of a load and its batches read from one server.
fn together<'a>(executor: &'a dyn Executor, node: &Node, own: usize) -> Option<ExecutorHandle<'a>> {
    let is_kept = keeps(node);
    match is_kept || own + batched(node) > 1 {
        true => executor.together(is_kept),
        false => None,
    }
}

/// Whether rows of a level below `node` go into the result cache.
fn keeps(node: &Node) -> bool {
    node.children.iter().any(|child| match child {
        Child::Joined(node) | Child::Unified(node, _) | Child::Batched(node, _) => {
            node.kept || keeps(node)
        }
        Child::Figure(..) | Child::Nothing => false,
    })
}

type Scope<'a> = Option<Box<dyn AtomicScope + 'a>>;

/// Behind a pooler each statement has a transaction; the `own` statements of a load and its batches share one. A load
/// that is to be consistent has one of its own, unless it is a single statement, which is so anyway.
async fn shared_transaction<'a>(
    executor: &'a dyn Executor,
    node: &Node,
    own: usize,
    load: Load,
) -> Result<Scope<'a>> {
    let alone = executor.capabilities().session_state || executor.in_transaction();
    if own + batched(node) < 2 {
        return Ok(None);
    }
    if load.consistent {
        return executor.snapshot(load.call_site).await;
    }
    if alone {
        return Ok(None);
    }
    executor.atomic(load.call_site).await.map(Some)
}

fn inside<'s>(scope: &'s Scope<'_>, executor: &'s dyn Executor) -> &'s dyn Executor {
    scope.as_ref().map_or(executor, |scope| scope.executor())
}

async fn end(scope: Scope<'_>) -> Result<()> {
    match scope {
        Some(scope) => scope.commit().await,
        None => Ok(()),
    }
}

/// How many levels and figures below `node` have a statement of their own.
fn batched(node: &Node) -> usize {
    let below = node.children.iter().map(|child| match child {
        Child::Batched(node, _) => 1 + batched(node),
        Child::Joined(node) | Child::Unified(node, _) => batched(node),
        Child::Figure(_, _, unified) => usize::from(!unified),
        Child::Nothing => 0,
    });
    below.sum()
}

/// Loads everything that `children` ask for beside rows in hand, whose keys `key` tells by row number and columns.
///
/// # Errors
/// As [`load_root`].
pub async fn load_children(
    executor: &dyn Executor,
    level: Level,
    children: Vec<Spec>,
    keys: impl Fn(&[usize]) -> Vec<Option<KeyPart>>,
    store: &mut dyn Store,
    load: Load,
) -> Result<Vec<Links>> {
    check(&children).map_err(|error| error.at(load.call_site))?;
    let context = Context {
        dialect: executor.dialect(),
        strategy: load.strategy,
        in_hand: true,
        lock: None,
        locked: false,
        cached: load.cached && executor.cache().is_some(),
    };
    let (node, warnings) = plan(Root { level, children }, context);
    warnings.iter().for_each(|warning| executor.warn(warning));
    let mut state = State::new(&node, store);
    let together = together(executor, &node, 0);
    let executor = together.as_deref().unwrap_or(executor);
    let scope = shared_transaction(executor, &node, 0, load).await?;
    let engine = Engine::new(inside(&scope, executor), load);
    for (child, index) in node.children.iter().zip(&mut state.indexes) {
        let relation = match child {
            Child::Joined(node) | Child::Unified(node, _) | Child::Batched(node, _) => {
                node.relation
            }
            Child::Figure(figure, ..) => Some(figure.relation),
            Child::Nothing => None,
        };
        if let (Some(relation), Some(index)) = (relation, index.as_mut()) {
            keys(&relation.from)
                .into_iter()
                .for_each(|key| index.add(key));
        }
    }
    state.rows = u32::try_from(keys(&[]).len()).expect("fewer than 2^32 rows in hand");
    engine.batches(&node, &mut state).await?;
    let links = engine.finish(state, &node);
    end(scope).await?;
    Ok(links)
}

/// No relation may be asked for twice in one place: its value could not be told apart. And no rows behind a window can
/// be locked, on any database.
fn check(specs: &[Spec]) -> Result<()> {
    for (index, spec) in specs.iter().enumerate() {
        let Spec::Rows(rows) = spec else {
            continue;
        };
        let twice = specs[..index]
            .iter()
            .any(|other| matches!(other, Spec::Rows(other) if other.relation == rows.relation));
        if twice && !rows.named {
            return Err(Error::invalid_query(format!("relation `{}` is included twice in one query", rows.relation.path))
                .with_hint("declare a second relation with a filter of its own on the entity, and include that"));
        }
        let limited = rows.options.limit.is_some() || rows.options.offset.is_some();
        if rows.options.locked && limited {
            return Err(Error::invalid_query(format!("rows of `{}` that are limited for each parent cannot be locked", rows.relation.path))
                .with_hint("load the relation without `limit` and `offset`, or lock the rows by a query of their own"));
        }
        check(&rows.children)?;
    }
    Ok(())
}

/// What identifies the graph that `level` and `children` describe, whatever strategy loads it: the statement that would
/// load all of it, with all its tables, and its arguments.
///
/// # Errors
/// As [`render`](crate::statement::render::render).
pub fn identity(
    level: Level,
    mut children: Vec<Spec>,
    backend: Backend,
) -> Result<(Arc<Plan>, Vec<Value>)> {
    children.iter_mut().for_each(Spec::unify);
    let context = Context {
        dialect: backend.dialect,
        strategy: Strategy::Unified,
        in_hand: false,
        lock: None,
        locked: false,
        cached: false,
    };
    let (node, _) = plan(Root { level, children }, context);
    let parts = unified::parts(&node, node.level(None)).parts;
    match parts.as_slice() {
        [Part::Rows(level)] => statement_cache::plan(Query::Level(level), backend),
        parts => statement_cache::plan(Query::Unified(parts), backend),
    }
}

struct Engine<'e> {
    executor: &'e dyn Executor,
    backend: Backend,
    call_site: &'static Location<'static>,
    load: u64,
}

impl<'e> Engine<'e> {
    fn new(executor: &'e dyn Executor, load: Load) -> Self {
        let backend = Backend {
            dialect: executor.dialect(),
            capabilities: executor.capabilities(),
        };
        Self {
            executor,
            backend,
            call_site: load.call_site,
            load: load.number,
        }
    }

    fn finish(&self, state: State<'_>, node: &Node) -> Vec<Links> {
        let mut crowded = Vec::new();
        let links = state.links(node, &mut crowded);
        for path in crowded {
            self.executor.warn(&format!("`{path}` leads to one row, and several were found for a parent: the first in order was taken"));
        }
        links
    }

    async fn run(&self, query: Query<'_>, sink: &mut dyn RowSink) -> Result<()> {
        let (plan, args) =
            statement_cache::plan(query, self.backend).map_err(|error| error.at(self.call_site))?;
        let mut statement = Statement::new(plan, args, self.call_site);
        statement.load = Some(self.load);
        self.executor.run(&statement, sink).await.map(drop)
    }

    /// Runs the statement that `node` is the head of: alone, or with the levels unified with it. `index` holds the
    /// keys of the parents, by which a linked head is limited.
    async fn statement(
        &self,
        node: &Node,
        link: Option<(&KeyIndex, Keys)>,
        state: &mut State<'_>,
    ) -> Result<()> {
        let (index, link) = match link {
            Some((index, keys)) => (
                Some(index),
                node.relation.map(|relation| Link { relation, keys }),
            ),
            None => (None, None),
        };
        let level = node.level(link);
        let columns = level.link_columns();
        if !unified::has_unified(node) {
            let mut sink = |cells: &[Cell<'_>]| {
                match index {
                    None => state.read(node, cells, NO_SLOT)?,
                    Some(index) => state.read_linked(node, index, cells, &columns, false)?,
                }
                Ok(ControlFlow::Continue(()))
            };
            return self.run(Query::Level(&level), &mut sink).await;
        }
        let graph = unified::parts(node, level);
        let mut sink = unified::Sink::new(node, state, index, &graph, self.backend.dialect);
        self.run(Query::Unified(&graph.parts), &mut sink).await?;
        unified::resolve(node, state);
        Ok(())
    }

    /// Loads the batched levels below `node` and its unified and joined levels.
    fn batches<'a>(&'a self, node: &'a Node, state: &'a mut State<'_>) -> Pending<'a> {
        Box::pin(async move {
            let State {
                indexes, children, ..
            } = state;
            let mut loads: Vec<Pending<'_>> = Vec::new();
            for ((child, index), state) in node
                .children
                .iter()
                .zip(indexes.iter())
                .zip(children.iter_mut())
            {
                match (child, index) {
                    (Child::Joined(node) | Child::Unified(node, _), _) => {
                        loads.push(self.batches(node, state))
                    }
                    (Child::Batched(node, _), Some(index)) => {
                        loads.push(Box::pin(async move {
                            self.batch(node, index, state).await?;
                            self.batches(node, state).await
                        }));
                    }
                    (Child::Figure(figure, _, false), Some(index)) => {
                        loads.push(Box::pin(self.figure(figure, index, state)));
                    }
                    _ => {}
                }
            }
            if self.executor.in_transaction() {
                for load in loads {
                    load.await?;
                }
                return Ok(());
            }
            match loads.len() {
                0 => Ok(()),
                1 => loads.remove(0).await,
                _ => try_join_all(loads).await.map(drop),
            }
        })
    }

    /// Loads the rows of a batched level by its parents' keys, in as many statements as the list of keys needs.
    async fn batch(&self, node: &Node, index: &KeyIndex, state: &mut State<'_>) -> Result<()> {
        if let (true, Some(cache)) = (node.kept, self.executor.cache()) {
            return kept::batch(self, cache, node, index, state).await;
        }
        let keys = index.values();
        let width = node.relation.map_or(1, |relation| relation.from.len());
        for chunk in keys.chunks(chunk_size(self.backend, width)) {
            self.statement(node, Some((index, Keys::Values(chunk.to_vec()))), state)
                .await?;
        }
        Ok(())
    }

    async fn figure(
        &self,
        figure: &FigureSpec,
        index: &KeyIndex,
        state: &mut State<'_>,
    ) -> Result<()> {
        let keys = index.values();
        let width = figure.relation.from.len();
        let columns = LinkColumns::first(width);
        for chunk in keys.chunks(chunk_size(self.backend, width)) {
            let link = Link {
                relation: figure.relation,
                keys: Keys::Values(chunk.to_vec()),
            };
            let query = figure_query(figure, link);
            let mut sink = |cells: &[Cell<'_>]| {
                state.read_figure(index, cells, &columns)?;
                Ok(ControlFlow::Continue(()))
            };
            self.run(Query::Figure(&query), &mut sink).await?;
        }
        Ok(())
    }
}

fn figure_query(figure: &FigureSpec, link: Link) -> Figure {
    Figure {
        link,
        filter: figure.full_filter(),
        aggregate: figure.aggregate,
    }
}
