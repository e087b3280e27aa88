//! MySQL's `EXPLAIN ANALYZE`: lines `-> operation  (cost=.. rows=..) (actual time=.. rows=.. loops=..)`, deeper ones
//! indented, as its manual shows them. It was not run.
use super::{
    answer::Parsed,
    node::{Measured, NodeKind, PlanNode, millis},
};

/// The deepest that steps are put into each other; what is deeper stands beside.
const DEPTH: usize = 100;

/// The plan that an answer holds.
pub(super) fn parse(answer: &str) -> Parsed {
    // The steps that are not closed yet, each with its indent: a step closes all that are as deep or deeper.
    let mut open: Vec<(usize, PlanNode)> = Vec::new();
    let mut roots = Vec::new();
    for line in answer.lines().filter(|line| !line.trim().is_empty()) {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        close(&mut open, indent, &mut roots);
        if open.len() > DEPTH {
            close(&mut open, 0, &mut roots);
        }
        open.push((indent, step(text.strip_prefix("-> ").unwrap_or(text))));
    }
    close(&mut open, 0, &mut roots);
    Parsed {
        execution: roots.first().and_then(|root| root.measured?.time),
        roots,
        ..Parsed::default()
    }
}

fn close(open: &mut Vec<(usize, PlanNode)>, indent: usize, roots: &mut Vec<PlanNode>) {
    while open.last().is_some_and(|(depth, _)| *depth >= indent) {
        let Some((_, node)) = open.pop() else { return };
        match open.last_mut() {
            Some((_, above)) => above.children.push(node),
            None => roots.push(node),
        }
    }
}

fn step(line: &str) -> PlanNode {
    let never = line.strip_suffix(" (never executed)");
    let line = never.unwrap_or(line);
    let (line, actual) = split(line, " (actual time=");
    let (line, estimate) = split(line, "  (cost=");
    let mut node = node(line.trim_end());
    node.estimated_rows = estimate.and_then(|text| figure(text, "rows="));
    node.estimated_cost = estimate.and_then(last_of_range);
    node.measured = match never {
        Some(_) => Some(Measured::default()),
        None => actual.and_then(|text| {
            let loops = figure(text, "loops=")?;
            Some(Measured {
                rows: figure(text, "rows=").unwrap_or(0.0),
                loops,
                time: last_of_range(text).and_then(|time| millis(time * loops)),
                ..Measured::default()
            })
        }),
    };
    node
}

/// The text before and after `words`, if they are there.
fn split<'t>(line: &'t str, words: &str) -> (&'t str, Option<&'t str>) {
    match line.rfind(words) {
        Some(at) => (&line[..at], Some(&line[at + words.len()..])),
        None => (line, None),
    }
}

/// The figure behind `name`.
fn figure(text: &str, name: &str) -> Option<f64> {
    let at = text.find(name)? + name.len();
    let end = text[at..]
        .find([' ', ')'])
        .map_or(text.len(), |end| at + end);
    text[at..end].parse().ok()
}

/// The second of `0.1..0.2`, or the only one.
fn last_of_range(text: &str) -> Option<f64> {
    let range = text.split([' ', ')']).next()?;
    let last = range.rsplit_once("..").map_or(range, |(_, last)| last);
    last.parse().ok()
}

/// The step that `operation` describes.
pub(super) fn node(operation: &str) -> PlanNode {
    let mut node = PlanNode::new(NodeKind::Other, operation);
    let access = [
        ("Table scan on ", NodeKind::FullScan),
        ("Covering index scan on ", NodeKind::IndexScan),
        ("Index scan on ", NodeKind::IndexScan),
        (
            "Single-row covering index lookup on ",
            NodeKind::IndexSearch,
        ),
        ("Single-row index lookup on ", NodeKind::IndexSearch),
        ("Covering index lookup on ", NodeKind::IndexSearch),
        ("Index lookup on ", NodeKind::IndexSearch),
        ("Covering index range scan on ", NodeKind::IndexSearch),
        ("Index range scan on ", NodeKind::IndexSearch),
        ("Covering index skip scan ", NodeKind::IndexSearch),
        ("Multi-range index lookup on ", NodeKind::IndexSearch),
        ("Full-text index search on ", NodeKind::IndexSearch),
        ("Constant row from ", NodeKind::Constant),
    ];
    if let Some((words, kind)) = access
        .iter()
        .find(|(words, _)| operation.starts_with(words))
    {
        node.kind = *kind;
        node.covering = words.to_lowercase().contains("covering");
        read(&mut node, &operation[words.len()..]);
        return node;
    }
    let conditions = [("Filter: ", NodeKind::Filter), ("Sort: ", NodeKind::Sort)];
    if let Some((words, kind)) = conditions
        .iter()
        .find(|(words, _)| operation.starts_with(words))
    {
        node.kind = *kind;
        let condition = Some(operation[words.len()..].to_owned());
        match kind {
            NodeKind::Filter => node.filter = condition,
            _ => node.condition = condition,
        }
        return node;
    }
    node.kind = match operation {
        _ if operation.contains(" join") || operation.contains("semijoin") => NodeKind::Join,
        _ if operation.starts_with("Sort") => NodeKind::Sort,
        _ if operation.starts_with("Limit") => NodeKind::Limit,
        _ if operation.starts_with("Select #") => NodeKind::Subquery,
        _ if operation.starts_with("Rows fetched before execution") => NodeKind::Constant,
        _ if operation.contains("ggregate") || operation.starts_with("Group") => {
            NodeKind::Aggregate
        }
        _ if operation.contains("aterialize") || operation.starts_with("Hash") => {
            NodeKind::Materialize
        }
        _ if operation.starts_with("Append") || operation.starts_with("Union") => NodeKind::Union,
        _ if operation.starts_with("Temporary table") => NodeKind::Materialize,
        _ if ["Update ", "Delete ", "Insert "]
            .iter()
            .any(|verb| operation.starts_with(verb)) =>
        {
            NodeKind::Write
        }
        _ => NodeKind::Other,
    };
    node
}

/// `posts using PRIMARY (id=7)`.
fn read(node: &mut PlanNode, rest: &str) {
    let (table, using) = match rest.split_once(" using ") {
        Some((table, using)) => (table, Some(using)),
        None => (rest, None),
    };
    if table.starts_with('<') {
        node.kind = NodeKind::Derived;
    }
    node.table = Some(table.trim().to_owned());
    let Some(using) = using else { return };
    let (index, condition) = match using.split_once(' ') {
        Some((index, condition)) => (index, Some(condition)),
        None => (using, None),
    };
    node.index = Some(index.to_owned());
    node.condition = condition.map(|condition| {
        let condition = condition.strip_prefix("over ").unwrap_or(condition);
        let bare = condition
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'));
        bare.unwrap_or(condition).to_owned()
    });
    if index == "PRIMARY" {
        // The entries of the primary key are the rows.
        node.kind = match node.kind {
            NodeKind::IndexScan => NodeKind::FullScan,
            NodeKind::IndexSearch => NodeKind::PrimaryKey,
            kind => kind,
        };
    }
}
