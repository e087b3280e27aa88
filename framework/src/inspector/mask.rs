//! What may be shown of a statement. Columns marked `sensitive` are known to the statements that the framework wrote; of
//! the user's own text nobody knows, so none of its values is shown.
use crate::{observe::Recorded, schema::Value, statement::StatementKind};

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
}
