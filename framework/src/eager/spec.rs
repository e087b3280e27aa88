//! A graph as the user asked for it, without types: relations with their filters, orders, limits and strategies.
use crate::schema::{
    Condition, OrderTerm, RelationDef, TableDef,
    expression::{AggregateKind, ByAddress},
};

/// How a relation is loaded. Every strategy gives an equal graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// The measured choice, see [`plan`](super::plan).
    #[default]
    Auto,
    /// In the parent's statement, by a join.
    Joined,
    /// In a statement of its own, by the parents' keys.
    Batched,
    /// In one statement with the whole graph: a CTE per level, UNION ALL of tagged rows.
    Unified,
}

/// What is loaded for a level, beside its own rows.
#[derive(Debug, Clone)]
pub enum Spec {
    /// Related rows.
    Rows(RowsSpec),
    /// A figure over related rows.
    Figure(FigureSpec),
    /// Nothing, because a condition said so.
    Nothing,
}

impl Spec {
    /// The same relations, all to be loaded in one statement.
    pub(super) fn unify(&mut self) {
        if let Spec::Rows(rows) = self {
            rows.options.strategy = Strategy::Unified;
            rows.children.iter_mut().for_each(Self::unify);
        }
    }
}

/// Related rows.
#[derive(Debug, Clone)]
pub struct RowsSpec {
    /// The relation.
    pub relation: ByAddress<RelationDef>,
    /// What is wanted of it.
    pub options: Options,
    /// Positions of the target's columns that the store reads.
    pub columns: Vec<usize>,
    /// What is loaded for these rows in turn.
    pub children: Vec<Spec>,
    /// Whether they are a field of a shape: then the relation may be loaded in that place more than once.
    pub named: bool,
}

impl RowsSpec {
    /// The table the rows are from.
    pub fn table(&self) -> &'static TableDef {
        (self.relation.target)()
    }
}

/// What is wanted of a relation's rows.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only rows for which this holds.
    pub filter: Option<Condition>,
    /// In this order, per parent.
    pub order: Vec<OrderTerm>,
    /// At most so many per parent.
    pub limit: Option<u64>,
    /// Without the first so many per parent.
    pub offset: Option<u64>,
    /// How they are loaded.
    pub strategy: Strategy,
    /// Soft-deleted rows too.
    pub with_deleted: bool,
    /// Whether the rows are locked where the query's own are, and as they are.
    pub locked: bool,
}

impl Options {
    /// The filter with what the relation and soft deletion demand.
    pub fn full_filter(&self, relation: &RelationDef) -> Option<Condition> {
        let table = (relation.target)();
        let alive = if self.with_deleted {
            None
        } else {
            alive(table)
        };
        let own = Condition::both(relation.filter.clone(), self.filter.clone());
        Condition::both(own, alive)
    }

    /// The order: the user's, else the relation's.
    pub fn full_order(&self, relation: &RelationDef) -> Vec<OrderTerm> {
        if self.order.is_empty() {
            relation.order.clone()
        } else {
            self.order.clone()
        }
    }
}

/// The condition that a row of `table` is not soft-deleted, where the table has that notion.
pub fn alive(table: &TableDef) -> Option<Condition> {
    let column = table.deleted_at?;
    Some(Condition::Null(
        crate::schema::expression::Term::Column(column),
        true,
    ))
}

/// A figure per parent.
#[derive(Debug, Clone)]
pub struct FigureSpec {
    /// The relation.
    pub relation: ByAddress<RelationDef>,
    /// Only rows for which this holds.
    pub filter: Option<Condition>,
    /// What is computed.
    pub aggregate: AggregateKind,
}

impl FigureSpec {
    /// The filter with what the relation and soft deletion demand.
    pub fn full_filter(&self) -> Option<Condition> {
        Options {
            filter: self.filter.clone(),
            ..Options::default()
        }
        .full_filter(self.relation.0)
    }
}
