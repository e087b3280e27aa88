//! Relations of an entity to itself, followed to a stated depth.
use std::{fmt, marker::PhantomData, ops::Deref};

use serde::Serialize;

use super::{
    graph::Loaded,
    include::{IncludeNode, IntoInclude},
    spec::{Options, RowsSpec, Spec},
    stitch::{Links, distribute},
    store::{Push, Store},
};
use crate::{
    error::Result,
    schema::{
        Entity, Filter, Relation,
        expression::{ByAddress, Condition, IntoOrder},
    },
};

/// A node of a tree: an entity with the nodes that its relation leads to. Dereferences to the entity.
///
/// Cycles in the data end at the depth asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree<E> {
    /// The entity.
    #[serde(flatten)]
    pub entity: E,
    /// The nodes below (for a to-one relation: one at most). Empty at the depth asked for.
    pub children: Vec<Tree<E>>,
}

impl<E> Deref for Tree<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.entity
    }
}

/// A relation of an entity to itself, to be followed `depth` times.
#[must_use = "an include does nothing until a query uses it"]
pub struct Recursive<R> {
    depth: usize,
    pub(super) options: Options,
    relation: PhantomData<fn() -> R>,
}

impl<R: Relation> Recursive<R> {
    pub(super) fn new(depth: usize) -> Self {
        Self {
            depth,
            options: Options::default(),
            relation: PhantomData,
        }
    }

    /// Only rows for which `filter` holds, at every depth.
    pub fn filter(mut self, filter: Filter<R::To>) -> Self {
        self.options.filter = Condition::both(self.options.filter, Some(filter.into_condition()));
        self
    }

    /// In this order within each parent, at every depth.
    pub fn order_by(mut self, order: impl IntoOrder<R::To>) -> Self {
        self.options.order.extend(order.into_order());
        self
    }
}

impl<R> Clone for Recursive<R> {
    fn clone(&self) -> Self {
        Self {
            depth: self.depth,
            options: self.options.clone(),
            relation: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Recursive<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recursive")
            .field("depth", &self.depth)
            .field("options", &self.options)
            .finish()
    }
}

impl<R: Relation> IntoInclude<R::From> for Recursive<R> {
    type Include = Self;

    fn into_include(self) -> Self {
        self
    }
}

impl<R: Relation> IncludeNode<R::From> for Recursive<R> {
    type Store = Levels<R::To>;
    type Loaded = Loaded<R, Vec<Tree<R::To>>>;

    fn spec(&self) -> Spec {
        spec::<R>(&self.options, self.depth)
    }

    fn store(&self) -> Levels<R::To> {
        Levels::new(self.depth)
    }

    fn assemble(&self, store: Levels<R::To>, links: Links) -> Result<Vec<Self::Loaded>> {
        Ok(trees(Some(Box::new(store)), links)
            .into_iter()
            .map(Loaded::new)
            .collect())
    }
}

fn spec<R: Relation>(options: &Options, depth: usize) -> Spec {
    if depth == 0 {
        return Spec::Nothing;
    }
    Spec::Rows(RowsSpec {
        relation: ByAddress(R::def()),
        options: options.clone(),
        columns: (0..R::To::table().columns.len()).collect(),
        children: if depth > 1 {
            vec![spec::<R>(options, depth - 1)]
        } else {
            Vec::new()
        },
        named: false,
    })
}

/// The trees of each parent, from the deepest level up.
fn trees<E: Entity>(levels: Option<Box<Levels<E>>>, mut links: Links) -> Vec<Vec<Tree<E>>> {
    let Some(level) = levels else {
        return Vec::new();
    };
    let Levels { rows, next } = *level;
    let below = links.children.pop().unwrap_or_default();
    let mut children = trees(next, below).into_iter();
    let nodes = rows
        .into_iter()
        .map(|entity| Tree {
            entity,
            children: children.next().unwrap_or_default(),
        })
        .collect();
    distribute(nodes, &links)
}

/// The rows of each depth.
#[derive(Debug)]
pub struct Levels<E> {
    rows: Vec<E>,
    next: Option<Box<Levels<E>>>,
}

impl<E> Levels<E> {
    fn new(depth: usize) -> Self {
        Self {
            rows: Vec::new(),
            next: (depth > 1).then(|| Box::new(Self::new(depth - 1))),
        }
    }
}

impl<E: Entity> Store for Levels<E> {
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>) {
        let below = self
            .next
            .iter_mut()
            .map(|next| next.as_mut() as &mut dyn Store)
            .collect();
        (&mut self.rows, below)
    }
}
