//! Which steps of a plan read all of a table although something is known of the rows.
use std::collections::HashSet;

use crate::statement::explain::{PlanNode, QueryPlan, Source};

/// A table that is read as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unindexed {
    pub(super) table: String,
    /// The columns that an index would be on.
    pub(super) columns: Vec<String>,
    /// Those of them that are compared with columns of a query around: any index that begins with one of them serves, whether
    /// or not the database reads the queries in that order.
    pub(super) correlated: Vec<String>,
}

/// The tables of `plan` that lack an index; `sources` are those that its statement names.
///
/// A table of which nothing is known is read as a whole, rightly. Of tables that are only joined, one is: the first. What
/// a view does with its tables is the view's.
pub(super) fn unindexed(plan: &QueryPlan, sources: &[Source]) -> Vec<Unindexed> {
    let mut found: Vec<Unindexed> = Vec::new();
    let mut read = HashSet::new();
    for node in plan.nodes().filter(|node| lacks_index(node)) {
        let own = own(node, sources);
        let Some(first) = own.first() else { continue };
        let is_searched = own.iter().all(|source| searches(source).next().is_some());
        let is_first = read.insert(first.query) && {
            let in_query = |source: &&Source| source.query == first.query;
            let mut beside = sources.iter().filter(in_query);
            beside.all(|source| searches(source).next().is_none())
        };
        if !is_searched && is_first {
            continue;
        }
        let mut columns: Vec<String> = Vec::new();
        for source in &own {
            match is_searched {
                true => columns.extend(searches(source).cloned()),
                false => columns.extend(source.joined.iter().cloned()),
            }
        }
        let mut seen = HashSet::new();
        columns.retain(|column| seen.insert(column.clone()));
        let one = Unindexed {
            table: first.table.clone(),
            columns,
            correlated: own.iter().flat_map(|own| own.correlated.clone()).collect(),
        };
        if !one.columns.is_empty() && !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The columns of which something is known before the table is read.
fn searches(source: &Source) -> impl Iterator<Item = &String> {
    source.correlated.iter().chain(&source.searched)
}

/// Whether it reads everything, and there is no index that it could have used.
fn lacks_index(node: &PlanNode) -> bool {
    node.kind.reads_all() && node.possible_indexes.is_empty()
}

/// What the statement says of the step's table: under the name that it has in the statement, if that is told.
fn own<'s>(node: &PlanNode, sources: &'s [Source]) -> Vec<&'s Source> {
    let Some(table) = &node.table else {
        return Vec::new();
    };
    let name = node.alias.as_ref().unwrap_or(table);
    let named = |source: &&Source| source.name.eq_ignore_ascii_case(name);
    let own: Vec<_> = sources.iter().filter(named).collect();
    if !own.is_empty() {
        return own;
    }
    let is_table = |source: &&Source| source.table.eq_ignore_ascii_case(table);
    sources.iter().filter(is_table).collect()
}
