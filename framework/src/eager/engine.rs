//! Runs the statements of a plan and fills the stores.
use std::{
    future::Future,
    ops::ControlFlow,
    panic::Location,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
};

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
    executor::Executor,
    schema::{Cell, KeyPart},
    statement::{
        Statement,
        query::{Figure, Keys, Level, Link, Part},
        render::{Backend, Query, chunk_size, unified::Layout},
    },
    statement_cache,
};

type Pending<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// How a graph is to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The strategy for relations that name none.
    pub strategy: Strategy,
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
        locked: level.lock.is_some(),
    };
    let (node, warnings) = plan(Root { level, children }, context);
    warnings.iter().for_each(|warning| executor.warn(warning));
    let engine = Engine::new(executor, load.call_site);
    let mut state = State::new(&node, store);
    engine.statement(&node, None, &mut state).await?;
    engine.batches(&node, &mut state).await?;
    let order = state.order();
    Ok((order, engine.finish(state, &node)))
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
        locked: false,
    };
    let (node, warnings) = plan(Root { level, children }, context);
    warnings.iter().for_each(|warning| executor.warn(warning));
    let engine = Engine::new(executor, load.call_site);
    let mut state = State::new(&node, store);
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
    Ok(engine.finish(state, &node))
}

/// No relation may be asked for twice in one place: its value could not be told apart.
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
        check(&rows.children)?;
    }
    Ok(())
}

struct Engine<'e> {
    executor: &'e dyn Executor,
    backend: Backend,
    call_site: &'static Location<'static>,
    load: u64,
}

impl<'e> Engine<'e> {
    fn new(executor: &'e dyn Executor, call_site: &'static Location<'static>) -> Self {
        static LOADS: AtomicU64 = AtomicU64::new(1);
        let backend = Backend {
            dialect: executor.dialect(),
            capabilities: executor.capabilities(),
        };
        Self {
            executor,
            backend,
            call_site,
            load: LOADS.fetch_add(1, Ordering::Relaxed),
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
        let width = level.link_width();
        if !has_unified(node) {
            let mut sink = |cells: &[Cell<'_>]| {
                match index {
                    None => state.read(node, cells, NO_SLOT)?,
                    Some(index) => state.read_linked(node, index, cells, width, false)?,
                }
                Ok(ControlFlow::Continue(()))
            };
            return self.run(Query::Level(&level), &mut sink).await;
        }
        let mut parts = vec![Part::Rows(level)];
        let mut paths = vec![Vec::new()];
        unify(node, 0, width, &mut Vec::new(), &mut parts, &mut paths);
        let layout = Layout::of(&parts);
        let widths: Vec<_> = parts.iter().map(link_width).collect();
        let mut sink = |cells: &[Cell<'_>]| {
            let Some(Cell::Int(number)) = cells.first() else {
                return Err(Error::decode(
                    "the first column of a unified statement is not its level",
                ));
            };
            let number = usize::try_from(*number).unwrap_or(usize::MAX);
            let slots = &layout.levels[number];
            let own = &cells[slots.start..slots.start + slots.width];
            let rank = slots.rank.map(|slot| &cells[slot]);
            read_part(
                node,
                state,
                &paths[number],
                own,
                widths[number],
                rank,
                index,
            )?;
            Ok(ControlFlow::Continue(()))
        };
        self.run(Query::Unified(&parts), &mut sink).await?;
        resolve(node, state);
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
        for chunk in keys.chunks(chunk_size(self.backend, width)) {
            let link = Link {
                relation: figure.relation,
                keys: Keys::Values(chunk.to_vec()),
            };
            let query = figure_query(figure, link);
            let mut sink = |cells: &[Cell<'_>]| {
                state.read_figure(index, cells, width)?;
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

fn link_width(part: &Part) -> usize {
    match part {
        Part::Rows(level) => level.link_width(),
        Part::Figure(figure) => figure.link.relation.from.len(),
    }
}

/// Whether levels below `node` are in its statement.
fn has_unified(node: &Node) -> bool {
    node.children.iter().any(|child| match child {
        Child::Unified(..) | Child::Figure(_, _, true) => true,
        Child::Joined(node) => has_unified(node),
        _ => false,
    })
}

/// Adds the levels below `node` that are in its statement. `part` is the number of the part that `node` is in,
/// `offset` the ordinal of its first column there, `path` the children that lead to it from the head.
fn unify(
    node: &Node,
    part: usize,
    offset: usize,
    path: &mut Vec<usize>,
    parts: &mut Vec<Part>,
    paths: &mut Vec<Vec<usize>>,
) {
    let mut joined_at = offset + node.columns.len();
    for (number, child) in node.children.iter().enumerate() {
        path.push(number);
        let keys = |keys: &[usize]| Keys::Level {
            level: part,
            ordinals: keys.iter().map(|key| offset + key).collect(),
        };
        match child {
            Child::Joined(child) => {
                unify(child, part, joined_at, path, parts, paths);
                joined_at += child.width();
            }
            Child::Unified(child, ordinals) => {
                let link = child.relation.map(|relation| Link {
                    relation,
                    keys: keys(ordinals),
                });
                let level = child.level(link);
                let width = level.link_width();
                parts.push(Part::Rows(level));
                paths.push(path.clone());
                let number = parts.len() - 1;
                unify(child, number, width, path, parts, paths);
            }
            Child::Figure(figure, ordinals, true) => {
                let link = Link {
                    relation: figure.relation,
                    keys: keys(ordinals),
                };
                parts.push(Part::Figure(figure_query(figure, link)));
                paths.push(path.clone());
            }
            Child::Batched(..) | Child::Figure(_, _, false) | Child::Nothing => {}
        }
        path.pop();
    }
}

/// Reads one row of the part at the end of `path`.
fn read_part(
    node: &Node,
    state: &mut State<'_>,
    path: &[usize],
    cells: &[Cell<'_>],
    width: usize,
    rank: Option<&Cell<'_>>,
    index: Option<&KeyIndex>,
) -> Result<()> {
    let Some((&first, rest)) = path.split_first() else {
        match index {
            None => state.read(node, cells, NO_SLOT)?,
            Some(index) => state.read_linked(node, index, cells, width, false)?,
        }
        if let Some(rank) = rank {
            state.rank(rank);
        }
        return Ok(());
    };
    let below = &mut state.children[first];
    match (&node.children[first], &state.indexes[first]) {
        (Child::Joined(node), _) => read_part(node, below, rest, cells, width, rank, None),
        (Child::Unified(node, _), Some(index)) if rest.is_empty() => {
            below.read_linked(node, index, cells, width, true)?;
            if let Some(rank) = rank {
                below.rank(rank);
            }
            Ok(())
        }
        (Child::Unified(node, _), _) => read_part(node, below, rest, cells, width, rank, None),
        (Child::Figure(..), Some(index)) => below.read_figure(index, cells, width),
        _ => Ok(()),
    }
}

/// Finds the parents of rows that came before them, everywhere in the statement.
fn resolve(node: &Node, state: &mut State<'_>) {
    for ((child, index), below) in node
        .children
        .iter()
        .zip(&state.indexes)
        .zip(&mut state.children)
    {
        if let Some(index) = index {
            below.resolve(index);
        }
        if let Child::Joined(node) | Child::Unified(node, _) = child {
            resolve(node, below);
        }
    }
}
