//! The rows of SQLite's `EXPLAIN QUERY PLAN`. Its documentation (<https://www.sqlite.org/eqp.html>) names the words, and
//! promises nothing about them.
use std::collections::{HashMap, HashSet};

use super::node::{NodeKind, PlanNode};

/// One row: a step and the one above it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) id: i64,
    pub(super) parent: i64,
    pub(super) detail: String,
}

/// The deepest that steps are put into each other; what is deeper stands beside.
const DEPTH: usize = 100;

/// The steps as trees.
pub(super) fn parse(steps: Vec<Step>) -> Vec<PlanNode> {
    let mut below: HashMap<i64, Vec<(i64, PlanNode)>> = HashMap::new();
    let mut seen = HashSet::new();
    for step in steps {
        // A step comes after the one above it; else it has none.
        let parent = match seen.contains(&step.parent) {
            true => step.parent,
            false => 0,
        };
        let node = node(&step.detail);
        seen.insert(step.id);
        below.entry(parent).or_default().push((step.id, node));
    }
    let mut roots = take(&mut below, 0, 0);
    roots.extend(below.into_values().flatten().map(|(_, node)| node));
    name_derived(&mut roots);
    roots
}

fn take(below: &mut HashMap<i64, Vec<(i64, PlanNode)>>, id: i64, depth: usize) -> Vec<PlanNode> {
    if depth > DEPTH {
        return Vec::new();
    }
    let nodes = below.remove(&id).unwrap_or_default();
    nodes
        .into_iter()
        .map(|(id, mut node)| {
            node.children = take(below, id, depth + 1);
            node
        })
        .collect()
}

/// What is scanned by the name of a subquery is no table.
fn name_derived(roots: &mut [PlanNode]) {
    let mut derived = HashSet::new();
    for node in roots.iter().flat_map(PlanNode::nodes) {
        let name = ["MATERIALIZE ", "CO-ROUTINE "]
            .iter()
            .find_map(|word| node.operation.strip_prefix(word));
        derived.extend(name.map(str::to_owned));
    }
    for root in roots {
        root.for_each(&mut |node| {
            let is_derived = node
                .table
                .as_ref()
                .is_some_and(|table| derived.contains(table) || table.starts_with('('));
            if is_derived && matches!(node.kind, NodeKind::FullScan | NodeKind::AutomaticIndex) {
                node.kind = NodeKind::Derived;
            }
        });
    }
}

fn node(detail: &str) -> PlanNode {
    if let Some(rest) = detail.strip_prefix("SCAN ") {
        return access(detail, rest, NodeKind::FullScan, NodeKind::IndexScan);
    }
    if let Some(rest) = detail.strip_prefix("SEARCH ") {
        return access(detail, rest, NodeKind::FullScan, NodeKind::IndexSearch);
    }
    const KINDS: [(&str, NodeKind); 15] = [
        ("USE TEMP B-TREE FOR GROUP BY", NodeKind::Aggregate),
        ("USE TEMP B-TREE FOR DISTINCT", NodeKind::Aggregate),
        ("USE TEMP B-TREE FOR ", NodeKind::Sort),
        ("COMPOUND QUERY", NodeKind::Union),
        ("MERGE (", NodeKind::Union),
        ("UNION", NodeKind::Union),
        ("EXCEPT", NodeKind::Union),
        ("INTERSECT", NodeKind::Union),
        ("MULTI-INDEX OR", NodeKind::Union),
        ("MATERIALIZE ", NodeKind::Materialize),
        ("BLOOM FILTER ON ", NodeKind::Materialize),
        ("CO-ROUTINE ", NodeKind::Subquery),
        ("LEFT-MOST SUBQUERY", NodeKind::Subquery),
        ("RECURSIVE STEP", NodeKind::Subquery),
        ("REUSE ", NodeKind::Subquery),
    ];
    let known = KINDS.iter().find(|(words, _)| detail.starts_with(words));
    let kind = match known {
        Some((_, kind)) => *kind,
        None if detail.contains("SUBQUERY") => NodeKind::Subquery,
        None => NodeKind::Other,
    };
    PlanNode::new(kind, detail)
}

/// `posts USING COVERING INDEX posts_author_id (author_id=?)`: `whole` if no index is named, else `by_index`.
fn access(detail: &str, rest: &str, whole: NodeKind, by_index: NodeKind) -> PlanNode {
    let mut node = PlanNode::new(whole, detail);
    if rest == "CONSTANT ROW" || rest.ends_with(" CONSTANT ROWS") {
        node.kind = NodeKind::Constant;
        return node;
    }
    let rest = rest.strip_suffix(" LEFT-JOIN").unwrap_or(rest);
    // An `EXISTS` that was made a join.
    let rest = &rest.replacen(" EXISTS", "", 1);
    if let Some((table, _)) = rest.split_once(" VIRTUAL TABLE INDEX") {
        node.kind = NodeKind::Function;
        node.table = Some(table.to_owned());
        return node;
    }
    let Some((table, using)) = rest.split_once(" USING ") else {
        node.table = Some(rest.to_owned());
        return node;
    };
    node.table = Some(table.to_owned());
    let (using, condition) = match using.split_once(" (") {
        Some((using, condition)) => (using, condition.strip_suffix(')')),
        None => (using, None),
    };
    node.condition = condition.map(str::to_owned);
    if using == "INTEGER PRIMARY KEY" || using == "PRIMARY KEY" {
        node.kind = NodeKind::PrimaryKey;
        return node;
    }
    if using.starts_with("AUTOMATIC") {
        node.kind = NodeKind::AutomaticIndex;
        return node;
    }
    node.covering = using.starts_with("COVERING ");
    if let Some((_, index)) = using.split_once("INDEX ") {
        node.kind = by_index;
        node.index = Some(index.to_owned());
    }
    node
}
