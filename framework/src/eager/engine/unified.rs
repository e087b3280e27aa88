//! The levels of a graph that are in one statement: what is asked for, and where each row goes.
use std::ops::ControlFlow;

use super::{KeyIndex, Node, State, figure_query};
use crate::{
    dialect::Dialect,
    driver::RowSink,
    eager::{plan::Child, stitch::NO_SLOT},
    error::{Error, Result},
    schema::Cell,
    statement::{
        query::{Keys, Level, Link, LinkColumns, Part},
        render::unified::Layout,
    },
};

/// The parts of one statement, and for each the children that lead to it from the head.
pub(super) struct Graph {
    pub(super) parts: Vec<Part>,
    paths: Vec<Vec<usize>>,
}

/// The parts of the statement that `node` is the head of, which is selected as `level`.
pub(super) fn parts(node: &Node, level: Level) -> Graph {
    let width = level.link_width();
    let mut graph = Graph {
        parts: vec![Part::Rows(level)],
        paths: vec![Vec::new()],
    };
    unify(node, 0, width, &mut Vec::new(), &mut graph);
    graph
}

/// Whether levels below `node` are in its statement.
pub(super) fn has_unified(node: &Node) -> bool {
    node.children.iter().any(|child| match child {
        Child::Unified(..) | Child::Figure(_, _, true) => true,
        Child::Joined(node) => has_unified(node),
        _ => false,
    })
}

/// Adds the levels below `node` that are in its statement. `part` is the number of the part that `node` is in,
/// `offset` the ordinal of its first column there, `path` the children that lead to it from the head.
fn unify(node: &Node, part: usize, offset: usize, path: &mut Vec<usize>, graph: &mut Graph) {
    let mut joined_at = offset + node.columns.len();
    for (number, child) in node.children.iter().enumerate() {
        path.push(number);
        let keys = |keys: &[usize]| Keys::Level {
            level: part,
            ordinals: keys.iter().map(|key| offset + key).collect(),
        };
        match child {
            Child::Joined(child) => {
                unify(child, part, joined_at, path, graph);
                joined_at += child.width();
            }
            Child::Unified(child, ordinals) => {
                let link = child.relation.map(|relation| Link {
                    relation,
                    keys: keys(ordinals),
                });
                let level = child.level(link);
                let width = level.link_width();
                graph.parts.push(Part::Rows(level));
                graph.paths.push(path.clone());
                let number = graph.parts.len() - 1;
                unify(child, number, width, path, graph);
            }
            Child::Figure(figure, ordinals, true) => {
                let link = Link {
                    relation: figure.relation,
                    keys: keys(ordinals),
                };
                graph.parts.push(Part::Figure(figure_query(figure, link)));
                graph.paths.push(path.clone());
            }
            Child::Batched(..) | Child::Figure(_, _, false) | Child::Nothing => {}
        }
        path.pop();
    }
}

fn link_columns(part: &Part) -> LinkColumns {
    match part {
        Part::Rows(level) => level.link_columns(),
        Part::Figure(figure) => LinkColumns::first(figure.link.relation.from.len()),
    }
}

/// How the rows of one part are read.
struct Reading<'g> {
    path: &'g [usize],
    link: LinkColumns,
    /// Its columns in the rows of the statement: the place in the order first, where there is one.
    columns: Vec<usize>,
    is_ranked: bool,
}

/// Takes the rows of one statement, each of which begins with the number of its part.
pub(super) struct Sink<'g, 's> {
    node: &'g Node,
    state: &'g mut State<'s>,
    /// The keys by which the head is limited.
    index: Option<&'g KeyIndex>,
    readings: Vec<Reading<'g>>,
    /// The part of the row that comes.
    current: usize,
}

impl<'g, 's> Sink<'g, 's> {
    pub(super) fn new(
        node: &'g Node,
        state: &'g mut State<'s>,
        index: Option<&'g KeyIndex>,
        graph: &'g Graph,
        dialect: Dialect,
    ) -> Self {
        let levels = Layout::of(&graph.parts, dialect).levels;
        let readings = levels.into_iter().zip(&graph.parts).zip(&graph.paths);
        let readings = readings.map(|((slots, part), path)| Reading {
            path,
            link: link_columns(part),
            is_ranked: slots.rank.is_some(),
            columns: slots.rank.into_iter().chain(slots.columns).collect(),
        });
        Self {
            node,
            state,
            index,
            readings: readings.collect(),
            current: 0,
        }
    }
}

impl RowSink for Sink<'_, '_> {
    fn pick(&mut self, first: &Cell<'_>) -> Result<Option<&[usize]>> {
        let number = match first {
            Cell::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        let reading = number.and_then(|number| Some((number, self.readings.get(number)?)));
        let Some((number, reading)) = reading else {
            return Err(Error::decode(
                "the first column of a unified statement is not its level",
            ));
        };
        self.current = number;
        Ok(Some(&reading.columns))
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        let reading = &self.readings[self.current];
        let (rank, cells) = match cells.split_first() {
            Some((rank, cells)) if reading.is_ranked => (Some(rank), cells),
            _ => (None, cells),
        };
        let row = PartRow {
            cells,
            link: &reading.link,
            rank,
        };
        read_part(self.node, self.state, reading.path, row, self.index)?;
        Ok(ControlFlow::Continue(()))
    }
}

/// A row of one part of a unified statement.
#[derive(Clone, Copy)]
struct PartRow<'r> {
    cells: &'r [Cell<'r>],
    link: &'r LinkColumns,
    /// Its place in the order asked for.
    rank: Option<&'r Cell<'r>>,
}

/// Reads one row of the part at the end of `path`.
fn read_part(
    node: &Node,
    state: &mut State<'_>,
    path: &[usize],
    row: PartRow<'_>,
    index: Option<&KeyIndex>,
) -> Result<()> {
    let PartRow { cells, link, rank } = row;
    let Some((&first, rest)) = path.split_first() else {
        match index {
            None => state.read(node, cells, NO_SLOT)?,
            Some(index) => state.read_linked(node, index, cells, link, false)?,
        }
        if let Some(rank) = rank {
            state.rank(rank);
        }
        return Ok(());
    };
    let below = &mut state.children[first];
    match (&node.children[first], &state.indexes[first]) {
        (Child::Joined(node), _) => read_part(node, below, rest, row, None),
        (Child::Unified(node, _), Some(index)) if rest.is_empty() => {
            below.read_linked(node, index, cells, link, true)?;
            if let Some(rank) = rank {
                below.rank(rank);
            }
            Ok(())
        }
        (Child::Unified(node, _), _) => read_part(node, below, rest, row, None),
        (Child::Figure(..), Some(index)) => below.read_figure(index, cells, link),
        _ => Ok(()),
    }
}

/// Finds the parents of rows that came before them, everywhere in the statement.
pub(super) fn resolve(node: &Node, state: &mut State<'_>) {
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
