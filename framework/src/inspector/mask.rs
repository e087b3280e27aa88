//! What may be shown of a statement. Columns marked `sensitive` are known to the statements that the framework wrote; of
//! the user's own text nobody knows, so none of its values is shown.
use crate::{
    dialect::Dialect,
    observe::Recorded,
    schema::Value,
    statement::{StatementKind, fingerprint::normalize},
};

/// How much of one argument is shown.
const SHOWN: usize = 200;

/// The text: as it was sent where the framework wrote it, for it holds no values then; else without its literals.
pub(super) fn sql(run: &Recorded) -> &str {
    let is_ours = run.plan.subject.is_some() || run.kind == StatementKind::Transaction;
    match is_ours {
        true => &run.sql,
        false => run.normalized(),
    }
}

/// The arguments as text; `None` if they are not to be shown or were not kept.
pub(super) fn arguments(run: &Recorded) -> Option<Vec<String>> {
    let kept = run.arguments.as_ref().filter(|_| !run.is_masked())?;
    Some(kept.values().iter().map(argument).collect())
}

/// Why it failed. Databases quote the values they refuse; what is quoted is left out unless it may be shown.
pub(super) fn error(run: &Recorded) -> Option<String> {
    let text = run.error.as_deref()?;
    Some(match run.is_masked() {
        true => without_quoted(text),
        false => text.to_owned(),
    })
}

/// The plan that a database printed, without the values it repeats in conditions, if they are not to be shown.
pub(super) fn plan(run: &Recorded, plan: String) -> String {
    if !run.is_masked() {
        return plan;
    }
    if let Ok(mut json) = serde_json::from_str(&plan) {
        mask_json(&mut json, run.dialect);
        return format!("{json:#}");
    }
    let lines: Vec<_> = plan
        .lines()
        .map(|line| mask_line(line, run.dialect))
        .collect();
    lines.join("\n")
}

fn mask_json(json: &mut serde_json::Value, dialect: Dialect) {
    match json {
        serde_json::Value::String(text) => *text = normalize(text, dialect),
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| mask_json(item, dialect))
        }
        serde_json::Value::Object(fields) => {
            fields
                .values_mut()
                .for_each(|field| mask_json(field, dialect));
        }
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
    // MySQL prints the condition and the measurements of a node in one line.
    let figures = match dialect {
        Dialect::Postgres => text.rfind("  (cost=").or_else(|| text.rfind(" (actual ")),
        _ => text.find("  (cost=").or_else(|| text.find(" (actual ")),
    };
    let (condition, figures) = text.split_at(figures.unwrap_or(text.len()));
    // The label before a condition is the database's own.
    let label = condition.find(": ").map_or(0, |colon| colon + 2);
    let (label, condition) = condition.split_at(label);
    let condition = normalize(condition, dialect);
    format!("{indent}{label}{condition}{figures}")
}

fn argument(value: &Value) -> String {
    let text = match value {
        Value::Bool(Some(value)) => value.to_string(),
        Value::TinyInt(Some(value)) => value.to_string(),
        Value::SmallInt(Some(value)) => value.to_string(),
        Value::Int(Some(value)) => value.to_string(),
        Value::BigInt(Some(value)) => value.to_string(),
        Value::BigUnsigned(Some(value)) => value.to_string(),
        Value::Float(Some(value)) => value.to_string(),
        Value::Double(Some(value)) => value.to_string(),
        Value::Uuid(Some(value)) => value.to_string(),
        Value::Json(Some(value)) => value.to_string(),
        Value::String(Some(value)) => format!("'{value}'"),
        Value::Bytes(Some(value)) => format!("{} bytes", value.len()),
        Value::Array(_, Some(values)) => {
            let values: Vec<_> = values.iter().take(SHOWN).map(argument).collect();
            format!("[{}]", values.join(", "))
        }
        other if *other == other.as_null() => "NULL".to_owned(),
        other => format!("{other:?}"),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The text with `…` for what stands in quotes. A quote that is not closed hides the rest.
pub(super) fn without_quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        shown.push(sign);
        if matches!(sign, '\'' | '"') {
            shown.push('…');
            if signs.any(|other| other == sign) {
                shown.push(sign);
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_database_quotes_is_left_out() {
        let error = "Duplicate entry 'ada@example.org' for key \"email\"; it's";
        assert_eq!(
            without_quoted(error),
            "Duplicate entry '…' for key \"…\"; it'…"
        );
    }

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
