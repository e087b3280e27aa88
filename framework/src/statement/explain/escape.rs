//! MariaDB's JSON, which it writes without escaping what it quotes: `"condition": "t.a = 'say "open"'"`.
//!
//! Seen of MariaDB 10.11. It writes one field a line, so what a field holds can be told from what is around it.

/// The answer with the texts of its fields escaped, if it is JSON that nobody can read otherwise.
pub(super) fn repaired(answer: String) -> String {
    let is_json = answer.trim_start().starts_with('{');
    if !is_json || serde_json::from_str::<serde::de::IgnoredAny>(&answer).is_ok() {
        return answer;
    }
    let mut lines = answer.lines();
    let mut repaired = Vec::new();
    while let Some(line) = lines.next() {
        let Some((name, mut text)) = field(line) else {
            repaired.push(line.to_owned());
            continue;
        };
        let mut end = ending(&text);
        while end.is_none() {
            // A text may have lines of its own.
            let Some(next) = lines.next() else { break };
            text = format!("{text}\n{next}");
            end = ending(&text);
        }
        let end = end.unwrap_or_default();
        let raw = text.strip_suffix(end).unwrap_or(&text);
        let is_escaped = serde_json::from_str::<String>(&format!("\"{raw}\"")).is_ok();
        let escaped = match is_escaped {
            true => format!("\"{raw}\""),
            false => serde_json::Value::from(raw).to_string(),
        };
        let comma = if end == "\"," { "," } else { "" };
        repaired.push(format!("{name}{escaped}{comma}"));
    }
    repaired.join("\n")
}

/// A line `"name": "text` as what stands before the text, and the text.
fn field(line: &str) -> Option<(&str, String)> {
    let start = line.find("\": \"")? + 3;
    let is_name = line[..start].trim_start().strip_prefix('"')?;
    let name = is_name.strip_suffix("\": ")?;
    (!name.contains('"')).then(|| (&line[..start], line[start + 1..].to_owned()))
}

/// What ends a text at the end of its line.
fn ending(text: &str) -> Option<&'static str> {
    match text {
        _ if text.ends_with("\",") => Some("\","),
        _ if text.ends_with('"') => Some("\""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_escaped_is() {
        let answer = r#"{
  "query_block": {
    "select_id": 1,
    "table": {
      "table_name": "v",
      "possible_keys": ["a", "b"],
      "attached_condition": "v.a = 'open "sesame' and v.b = 'it\'s
two lines'"
    }
  }
}"#;
        let json: serde_json::Value = serde_json::from_str(&repaired(answer.to_owned())).unwrap();
        let table = &json["query_block"]["table"];
        assert_eq!(table["table_name"], "v");
        assert_eq!(
            table["attached_condition"],
            "v.a = 'open \"sesame' and v.b = 'it\\'s\ntwo lines'"
        );
    }

    #[test]
    fn what_can_be_read_stays() {
        let answer = "{\"a\": \"say \\\"b\\\"\"}";
        assert_eq!(repaired(answer.to_owned()), answer);
        assert_eq!(repaired("-> Table scan".to_owned()), "-> Table scan");
    }
}
