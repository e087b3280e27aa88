//! The plan of one statement, and those of all that a call sends.
use std::{ops::Deref, panic::Location, sync::Arc, time::Duration};

use super::node::{NodeKind, PlanNode};
use crate::dialect::Dialect;

/// How a database runs one statement.
///
/// Values of the statement are in the conditions of its nodes and in [`QueryPlan::text`] only if they may be shown: not
/// where one may be of a column marked `sensitive`, and never of raw SQL.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueryPlan {
    /// The statement without values.
    pub sql: String,
    /// The user's call.
    pub call_site: &'static Location<'static>,
    /// What the database was asked: `EXPLAIN (FORMAT JSON)`.
    pub command: &'static str,
    /// The dialect of the statement.
    pub dialect: Dialect,
    /// The shard that was asked, if it is one of several.
    pub shard: Option<Arc<str>>,
    /// What the database answered.
    pub text: String,
    /// How long it took to plan the statement, where it was measured and is told: by PostgreSQL and MariaDB.
    pub planning: Option<Duration>,
    /// How long the statement took, where it was measured.
    pub execution: Option<Duration>,
    /// How many rows it returned, where it was measured and is known.
    pub rows: Option<u64>,
    /// The steps that nothing follows: one as a rule, several on SQLite, none if the answer was empty.
    pub roots: Vec<PlanNode>,
}

impl QueryPlan {
    /// All steps, each before those that it gets its rows from.
    pub fn nodes(&self) -> impl Iterator<Item = &PlanNode> {
        self.roots.iter().flat_map(PlanNode::nodes)
    }

    /// The steps that read every row of a table.
    pub fn full_scans(&self) -> impl Iterator<Item = &PlanNode> {
        self.nodes()
            .filter(|node| matches!(node.kind, NodeKind::FullScan | NodeKind::AutomaticIndex))
    }

    /// The indexes that are used, in the order of the plan, each once.
    pub fn indexes(&self) -> Vec<&str> {
        let mut indexes = Vec::new();
        for index in self.nodes().filter_map(|node| node.index.as_deref()) {
            if !indexes.contains(&index) {
                indexes.push(index);
            }
        }
        indexes
    }
}

/// The plans of all statements that a call sends, in the order in which it sends them.
#[derive(Debug, Clone, Default)]
pub struct QueryPlans(Vec<QueryPlan>);

impl QueryPlans {
    /// All steps of all plans.
    pub fn nodes(&self) -> impl Iterator<Item = &PlanNode> {
        self.iter().flat_map(QueryPlan::nodes)
    }

    /// The steps that read every row of a table.
    pub fn full_scans(&self) -> impl Iterator<Item = &PlanNode> {
        self.iter().flat_map(QueryPlan::full_scans)
    }

    /// The indexes that are used, each once for each plan.
    pub fn indexes(&self) -> Vec<&str> {
        self.iter().flat_map(QueryPlan::indexes).collect()
    }
}

impl From<Vec<QueryPlan>> for QueryPlans {
    fn from(plans: Vec<QueryPlan>) -> Self {
        Self(plans)
    }
}

impl Deref for QueryPlans {
    type Target = [QueryPlan];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl IntoIterator for QueryPlans {
    type Item = QueryPlan;
    type IntoIter = std::vec::IntoIter<QueryPlan>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
