//! Plans without the values that they repeat.
use crate::{dialect::Dialect, statement::fingerprint::normalize};

/// What names things in a plan, and never holds a value: a name may look like something else to the tokens of SQL.
const NAMES: [&str; 19] = [
    "Node Type",
    "Relation Name",
    "Schema",
    "Alias",
    "Index Name",
    "CTE Name",
    "Subplan Name",
    "Function Name",
    "Parent Relationship",
    "table_name",
    "alias",
    "schema_name",
    "index_name",
    "access_type",
    "index_access_type",
    "key",
    "possible_keys",
    "used_key_parts",
    "message",
];

/// What is said instead of an answer in which values cannot be told from the rest.
const HIDDEN: &str = "(not shown: the answer cannot be read, and may hold values)";

/// The plan that a database printed, without the values it repeats in conditions.
pub(super) fn plan(plan: &str, dialect: Dialect) -> String {
    if let Ok(mut json) = serde_json::from_str(plan) {
        mask_json(&mut json, dialect);
        return format!("{json:#}");
    }
    if plan.trim_start().starts_with(['{', '[']) {
        return HIDDEN.to_owned();
    }
    let mut masked = Vec::new();
    let mut open = String::new();
    for line in plan.lines() {
        // A value may have lines of its own.
        if !open.is_empty() {
            open.push(' ');
        }
        open.push_str(line);
        if open.matches('\'').count().is_multiple_of(2) {
            masked.push(mask_line(&open, dialect));
            open.clear();
        }
    }
    if !open.is_empty() {
        masked.push(mask_line(&open, dialect));
    }
    masked.join("\n")
}

fn mask_json(json: &mut serde_json::Value, dialect: Dialect) {
    match json {
        serde_json::Value::String(text) => *text = normalize(text, dialect),
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| mask_json(item, dialect))
        }
        serde_json::Value::Object(fields) => fields
            .iter_mut()
            .filter(|(key, _)| !NAMES.contains(&key.as_str()))
            .for_each(|(key, field)| match field {
                serde_json::Value::String(text) if key == "operation" => {
                    *text = mask_line(text, dialect);
                }
                field => mask_json(field, dialect),
            }),
        _ => {}
    }
}

/// Lines of nodes and of measurements hold no values; every other line does: `Filter: (secret = 'open sesame'::text)`.
fn mask_line(line: &str, dialect: Dialect) -> String {
    const MEASUREMENTS: [&str; 14] = [
        "Rows Removed",
        "Planning Time",
        "Execution Time",
        "Planning",
        "Buffers",
        "I/O Timings",
        "Heap Fetches",
        "Heap Blocks",
        "Sort Method",
        "Buckets",
        "Batches",
        "Workers",
        "Memory",
        "Hits",
    ];
    let text = line.trim_start();
    let measures = MEASUREMENTS.iter().any(|words| text.starts_with(words));
    if measures || dialect == Dialect::Sqlite {
        return line.to_owned();
    }
    let indent = &line[..line.len() - text.len()];
    // MySQL prints the condition and the measurements of a node in one line. A value may look like a measurement, but then
    // its quote is closed behind it.
    let figures = text
        .rfind("  (cost=")
        .or_else(|| text.rfind(" (actual "))
        .filter(|&at| !text[at..].contains(['\'', '"', '`']));
    let (condition, figures) = text.split_at(figures.unwrap_or(text.len()));
    // The label before a condition is the database's own, and holds no value.
    let label = condition
        .find(": ")
        .filter(|&colon| !condition[..colon].contains(['\'', '"', '(', '=']))
        .map_or(0, |colon| colon + 2);
    let (label, condition) = condition.split_at(label);
    // So are the words of MySQL's steps, and the names in them, up to a parenthesis.
    let words = match dialect {
        Dialect::Mysql if label.is_empty() => condition.find('(').unwrap_or(condition.len()),
        _ => 0,
    };
    let (words, condition) = condition.split_at(words);
    let condition = normalize(condition, dialect);
    format!("{indent}{label}{words}{condition}{figures}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_a_plan_lose_their_values_and_measurements_stay() {
        let masked = |line| mask_line(line, Dialect::Postgres);
        assert_eq!(
            masked("        Filter: (secret = 'open  sesame'::text)"),
            "        Filter: (secret = ?::text)"
        );
        assert_eq!(
            masked("  Index Cond: (id = 4711)"),
            "  Index Cond: (id = ?)"
        );
        let node = "  ->  Seq Scan on accounts  (cost=0.00..1.01 rows=1 width=8)";
        assert!(
            masked(node).ends_with("accounts  (cost=0.00..1.01 rows=1 width=8)"),
            "{}",
            masked(node)
        );
        assert_eq!(
            masked("Execution Time: 0.021 ms"),
            "Execution Time: 0.021 ms"
        );
        let tree = "-> Filter: (t.a = 'open sesame')  (cost=0.35 rows=1) (actual time=0.1..0.2 rows=1 loops=1)";
        let masked = mask_line(tree, Dialect::Mysql);
        assert!(
            !masked.contains("sesame") && masked.contains("(actual time=0.1..0.2"),
            "{masked}"
        );
        let lookup = "-> Single-row index lookup on <temporary> using PRIMARY (id=7)";
        assert_eq!(
            mask_line(lookup, Dialect::Mysql),
            "-> Single-row index lookup on <temporary> using PRIMARY (id = ?)"
        );
        let json = r#"{"operation": "Single-row index lookup on t using PRIMARY (id=7)"}"#;
        let shown = plan(json, Dialect::Mysql);
        assert!(
            shown.contains("Single-row index lookup on t using PRIMARY (id = ?)"),
            "{shown}"
        );
        let sly = "-> Index lookup on t using i (a='x: open sesame  (cost=1')";
        let masked = mask_line(sly, Dialect::Mysql);
        assert_eq!(masked, "-> Index lookup on t using i (a = ?)");
    }

    #[test]
    fn a_value_of_several_lines_is_one_value() {
        let text = "Seq Scan on v\n  Filter: (s = E'open\nsesame\nPlanning the ''heist'::text)\nPlanning Time: 0.1 ms";
        assert_eq!(
            plan(text, Dialect::Postgres),
            "Seq Scan on v\n  Filter: (s = ?::text)\nPlanning Time: 0.1 ms"
        );
    }

    #[test]
    fn json_that_cannot_be_read_is_not_shown() {
        assert_eq!(plan("{\"a\": \"open \"sesame\"", Dialect::Mysql), HIDDEN);
    }

    #[test]
    fn names_in_json_stay_as_they_are() {
        let shown = plan(
            r#"{"table_name": "<derived2>", "key": "it's"}"#,
            Dialect::Mysql,
        );
        assert!(
            shown.contains("<derived2>") && shown.contains("it's"),
            "{shown}"
        );
    }

    #[test]
    fn so_do_the_strings_of_a_plan_in_json() {
        let mut json = serde_json::json!({"rows": 5, "attached_condition": "t.a = 'open sesame' and t.b = 4711"});
        mask_json(&mut json, Dialect::Mysql);
        assert_eq!(
            json,
            serde_json::json!({"rows": 5, "attached_condition": "t.a = ? and t.b = ?"})
        );
    }
}
