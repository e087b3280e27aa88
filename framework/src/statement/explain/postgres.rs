//! PostgreSQL's `EXPLAIN (FORMAT JSON)`. The fields are those of its documentation and of what version 15 answers.
use serde_json::Value;

use super::{
    answer::Parsed,
    node::{Buffers, Measured, NodeKind, PlanNode, millis},
};

/// The plan that an answer holds.
pub(super) fn parse(answer: &str) -> Parsed {
    let Ok(json) = serde_json::from_str::<Value>(answer) else {
        let other = || PlanNode::new(NodeKind::Other, answer);
        return Parsed {
            roots: (!answer.is_empty()).then(other).into_iter().collect(),
            ..Parsed::default()
        };
    };
    let plans = match json {
        Value::Array(plans) => plans,
        plan => vec![plan],
    };
    let time = |name| {
        let told = plans.first()?.get(name)?.as_f64()?;
        millis(told)
    };
    Parsed {
        planning: time("Planning Time"),
        execution: time("Execution Time"),
        roots: plans
            .iter()
            .map(|one| node(one.get("Plan").unwrap_or(one), None))
            .collect(),
    }
}

fn node(plan: &Value, above: Option<&PlanNode>) -> PlanNode {
    let text = |name: &str| plan.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| plan.get(name).and_then(Value::as_f64);
    let Some(operation) = text("Node Type") else {
        return PlanNode::new(NodeKind::Other, plan.to_string());
    };
    let condition = ["Index Cond", "Hash Cond", "Merge Cond", "TID Cond"];
    let condition = condition.iter().find_map(|name| text(name));
    let lists = ["Sort Key", "Group Key"];
    let condition = condition.or_else(|| lists.iter().find_map(|name| joined(plan.get(name)?)));
    let filters = ["Filter", "Join Filter", "One-Time Filter"];
    let index = text("Index Name");
    let mut node = PlanNode {
        table: text("Relation Name"),
        covering: operation == "Index Only Scan",
        filter: filters.iter().find_map(|name| text(name)),
        estimated_rows: number("Plan Rows"),
        estimated_cost: number("Total Cost"),
        measured: measured(plan),
        ..PlanNode::new(
            kind(&operation, index.as_deref(), condition.is_some()),
            operation,
        )
    };
    node.index = index;
    node.condition = condition;
    node.alias = text("Alias").filter(|alias| Some(alias) != node.table.as_ref());
    if node.table.is_none() {
        // Entries of an index are read for the step above.
        let bitmap = node.operation.starts_with("Bitmap");
        let above = above.filter(|_| bitmap);
        node.table = above.and_then(|above| above.table.clone());
        node.alias = match (above, node.kind) {
            (Some(above), _) => above.alias.clone(),
            (None, NodeKind::Derived) => {
                node.table = text("CTE Name").or_else(|| node.alias.take());
                None
            }
            _ => node.alias.take(),
        };
    }
    let children = plan.get("Plans").and_then(Value::as_array);
    node.children = children
        .into_iter()
        .flatten()
        .map(|child| self::node(child, Some(&node)))
        .collect();
    node
}

fn kind(operation: &str, index: Option<&str>, searches: bool) -> NodeKind {
    match operation {
        "Seq Scan" | "Sample Scan" => NodeKind::FullScan,
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => match searches {
            true if index.is_some_and(|index| index.ends_with("_pkey")) => NodeKind::PrimaryKey,
            true => NodeKind::IndexSearch,
            false => NodeKind::IndexScan,
        },
        "Bitmap Heap Scan" | "BitmapAnd" | "BitmapOr" => NodeKind::IndexSearch,
        "Nested Loop" | "Hash Join" | "Merge Join" => NodeKind::Join,
        "Hash" | "Materialize" | "Memoize" => NodeKind::Materialize,
        "Sort" | "Incremental Sort" => NodeKind::Sort,
        "Aggregate" | "Group" | "WindowAgg" | "Unique" | "SetOp" => NodeKind::Aggregate,
        "Append" | "Merge Append" | "Recursive Union" => NodeKind::Union,
        "Limit" => NodeKind::Limit,
        "Result" | "Values Scan" => NodeKind::Constant,
        "CTE Scan" | "WorkTable Scan" | "Named Tuplestore Scan" => NodeKind::Derived,
        "Subquery Scan" => NodeKind::Subquery,
        "Function Scan" | "Table Function Scan" | "ProjectSet" => NodeKind::Function,
        "ModifyTable" => NodeKind::Write,
        _ => NodeKind::Other,
    }
}

fn joined(list: &Value) -> Option<String> {
    let words: Vec<_> = list.as_array()?.iter().filter_map(Value::as_str).collect();
    Some(words.join(", "))
}

fn measured(plan: &Value) -> Option<Measured> {
    let number = |name: &str| plan.get(name).and_then(Value::as_f64);
    let loops = number("Actual Loops")?;
    let pages = |name: &str| plan.get(name).and_then(Value::as_u64).unwrap_or(0);
    let buffers = plan.get("Shared Hit Blocks").map(|_| Buffers {
        hit: pages("Shared Hit Blocks") + pages("Local Hit Blocks"),
        read: pages("Shared Read Blocks") + pages("Local Read Blocks"),
        written: pages("Shared Written Blocks") + pages("Local Written Blocks"),
        temp_read: pages("Temp Read Blocks"),
        temp_written: pages("Temp Written Blocks"),
    });
    Some(Measured {
        rows: number("Actual Rows").unwrap_or(0.0),
        loops,
        removed: number("Rows Removed by Filter").or(number("Rows Removed by Join Filter")),
        time: number("Actual Total Time").and_then(|time| millis(time * loops)),
        buffers,
    })
}
