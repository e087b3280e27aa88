//! `EXPLAIN FORMAT=JSON` of MariaDB and MySQL, and MariaDB's `ANALYZE FORMAT=JSON`.
//!
//! The fields are those that MariaDB 10.11 answers, and of MySQL those of its manual: version 1, blocks within blocks, and
//! version 2, the tree of `EXPLAIN ANALYZE` (`explain_json_format_version`, from 8.3 on). MySQL was not run.
use serde_json::{Map, Value};

use super::{
    answer::Parsed,
    mysql_tree,
    node::{Buffers, Measured, NodeKind, PlanNode, millis},
};

/// The deepest that is looked into; a parser of JSON goes no deeper either.
const DEPTH: usize = 200;

/// The plan that an answer holds.
pub(super) fn parse(json: &Value) -> Parsed {
    let tree = json.get("query_plan").unwrap_or(json);
    if tree.get("operation").is_some() && tree.get("query_block").is_none() {
        return Parsed {
            roots: vec![iterator(tree, 0)],
            ..Parsed::default()
        };
    }
    let time = |name: &str| {
        let told = json.get(name)?.get("r_total_time_ms")?;
        millis(number(told)?)
    };
    let roots = match json {
        Value::Object(fields) => match fields.get("query_block") {
            Some(block) => steps("query_block", block, 0),
            None => below(fields, 0),
        },
        other => vec![PlanNode::new(NodeKind::Other, other.to_string())],
    };
    Parsed {
        planning: time("query_optimization"),
        execution: time("query_block"),
        roots,
    }
}

/// Numbers are strings here and there.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

/// The steps of a field of the name `key`.
fn steps(key: &str, value: &Value, depth: usize) -> Vec<PlanNode> {
    if depth > DEPTH {
        return Vec::new();
    }
    match value {
        Value::Array(items) => {
            let inputs: Vec<_> = items
                .iter()
                .flat_map(|item| match item {
                    Value::Object(_) | Value::Array(_) => steps("", item, depth + 1),
                    _ => Vec::new(),
                })
                .collect();
            wrapped(key, &Map::new(), inputs)
        }
        Value::Object(fields) if key == "table" => vec![table(fields, depth)],
        Value::Object(fields) => wrapped(key, fields, below(fields, depth)),
        _ => Vec::new(),
    }
}

/// The steps of all fields that have any.
fn below(fields: &Map<String, Value>, depth: usize) -> Vec<PlanNode> {
    const FIGURES: [&str; 8] = [
        "possible_keys",
        "used_key_parts",
        "ref",
        "cost_info",
        "r_engine_stats",
        "used_columns",
        "index_merge",
        "query_optimization",
    ];
    fields
        .iter()
        .filter(|(key, _)| !FIGURES.contains(&key.as_str()))
        .flat_map(|(key, value)| steps(key, value, depth + 1))
        .collect()
}

/// The step `key` over `inputs`, or only these where it is no step.
fn wrapped(key: &str, fields: &Map<String, Value>, inputs: Vec<PlanNode>) -> Vec<PlanNode> {
    let kind = match key {
        "nested_loop" if inputs.len() > 1 => NodeKind::Join,
        "" | "query_block" | "query_specifications" | "nested_loop" | "inputs" => return inputs,
        _ if inputs.is_empty() => return inputs,
        "block-nl-join" => NodeKind::Join,
        "filesort" => NodeKind::Sort,
        "ordering_operation" if fields.get("using_filesort") == Some(&Value::Bool(true)) => {
            NodeKind::Sort
        }
        "grouping_operation"
        | "duplicates_removal"
        | "windowing"
        | "window_functions_computation" => NodeKind::Aggregate,
        "union_result" | "recursive_union" | "intersect_result" | "except_result" => {
            NodeKind::Union
        }
        "temporary_table" | "buffer_result" | "read_sorted_file" => NodeKind::Materialize,
        "materialized" | "materialized_from_subquery" => NodeKind::Materialize,
        _ if key.contains("subquer") => NodeKind::Subquery,
        _ => NodeKind::Other,
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let node = PlanNode {
        condition: text("sort_key").or_else(|| text("attached_condition")),
        measured: measured(fields),
        children: inputs,
        ..PlanNode::new(kind, key)
    };
    vec![node]
}

/// A table and how it is read.
fn table(fields: &Map<String, Value>, depth: usize) -> PlanNode {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let names = |name: &str| -> Vec<String> {
        let list = fields.get(name).and_then(Value::as_array);
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let children = below(fields, depth);
    let Some(name) = text("table_name") else {
        let operation = text("message").unwrap_or_else(|| "table".to_owned());
        return PlanNode {
            children,
            ..PlanNode::new(NodeKind::Constant, operation)
        };
    };
    let access = text("access_type").unwrap_or_default();
    let index = text("key");
    let is_function = fields.contains_key("table_function");
    let is_derived = name.starts_with('<')
        || fields.contains_key("materialized")
        || fields.contains_key("materialized_from_subquery");
    let by_primary_key = index.as_deref() == Some("PRIMARY");
    let kind = match access.strip_prefix("hash_").unwrap_or(&access) {
        _ if is_function => NodeKind::Function,
        _ if is_derived => NodeKind::Derived,
        _ if ["insert", "replace"]
            .iter()
            .any(|write| fields.contains_key(*write)) =>
        {
            NodeKind::Write
        }
        "ALL" => NodeKind::FullScan,
        // The entries of the primary key are the rows.
        "index" if by_primary_key => NodeKind::FullScan,
        "index" => NodeKind::IndexScan,
        "system" => NodeKind::Constant,
        "const" | "eq_ref" | "ref" | "range" if by_primary_key => NodeKind::PrimaryKey,
        "const" | "eq_ref" | "ref" | "range" | "ref_or_null" | "fulltext" | "index_merge"
        | "unique_subquery" | "index_subquery" => NodeKind::IndexSearch,
        _ => NodeKind::Other,
    };
    let rows = fields.get("rows").or(fields.get("rows_examined_per_scan"));
    let cost = fields
        .get("cost")
        .or_else(|| fields.get("cost_info")?.get("prefix_cost"));
    let compared: Vec<_> = names("used_key_parts")
        .iter()
        .zip(names("ref"))
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    let compared = (!compared.is_empty()).then(|| compared.join(" and "));
    PlanNode {
        table: Some(name),
        index,
        covering: fields.get("using_index") == Some(&Value::Bool(true)),
        possible_indexes: names("possible_keys"),
        condition: text("index_condition").or(compared),
        filter: text("attached_condition"),
        estimated_rows: rows.and_then(number),
        estimated_cost: cost.and_then(number),
        measured: measured(fields),
        children,
        ..PlanNode::new(kind, access)
    }
}

/// What MariaDB measured: its fields begin with `r_`.
fn measured(fields: &Map<String, Value>) -> Option<Measured> {
    let figure = |name: &str| fields.get(name).and_then(number);
    let loops = figure("r_loops")?;
    let rows = figure("r_rows").or(figure("r_output_rows"));
    let kept = figure("r_filtered").map(|percent| percent / 100.0);
    let removed = rows.zip(kept).map(|(rows, kept)| rows * (1.0 - kept));
    let times = ["r_total_time_ms", "r_table_time_ms", "r_other_time_ms"];
    let times: Vec<_> = times.iter().filter_map(|name| figure(name)).collect();
    let pages = fields.get("r_engine_stats").map(|stats| {
        let pages = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or(0);
        let read = pages("pages_read_count");
        Buffers {
            hit: pages("pages_accessed").saturating_sub(read),
            read,
            written: pages("pages_updated"),
            ..Buffers::default()
        }
    });
    Some(Measured {
        // What it read, less what the condition left out; the percentage is not exact.
        rows: rounded(rows.unwrap_or(0.0) - removed.unwrap_or(0.0)),
        loops,
        removed: removed.map(rounded),
        time: millis(times.iter().sum()).filter(|_| !times.is_empty()),
        buffers: pages,
    })
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e6).round() / 1e6
}

/// A node of MySQL's JSON of version 2.
fn iterator(json: &Value, depth: usize) -> PlanNode {
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let figure = |name: &str| json.get(name).and_then(number);
    let operation = text("operation").unwrap_or_default();
    let known = mysql_tree::node(&operation);
    let inputs = match depth > DEPTH {
        true => None,
        false => json.get("inputs").and_then(Value::as_array),
    };
    let loops = figure("actual_loops");
    let table = text("table_name").or(known.table);
    PlanNode {
        alias: text("alias").filter(|alias| Some(alias) != table.as_ref()),
        table,
        index: text("index_name").or(known.index),
        covering: json.get("covering") == Some(&Value::Bool(true)) || known.covering,
        condition: text("lookup_condition").or(known.condition),
        filter: text("condition")
            .filter(|_| known.kind == NodeKind::Filter)
            .or(known.filter),
        estimated_rows: figure("estimated_rows"),
        estimated_cost: figure("estimated_total_cost"),
        measured: loops.map(|loops| Measured {
            rows: figure("actual_rows").unwrap_or(0.0),
            loops,
            time: figure("actual_last_row_ms").and_then(|time| millis(time * loops)),
            ..Measured::default()
        }),
        children: inputs
            .into_iter()
            .flatten()
            .map(|input| iterator(input, depth + 1))
            .collect(),
        ..PlanNode::new(known.kind, operation)
    }
}
