//! No answer is an error, whatever a server of another version makes of it.
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{mask, mysql, mysql_tree, postgres, sources::sources, sqlite};
use crate::dialect::Dialect;

const DIALECTS: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql];

/// Words that the parsers look for, and others.
fn word() -> impl Strategy<Value = String> {
    let known = [
        "Plan",
        "Plans",
        "Node Type",
        "Seq Scan",
        "Index Scan",
        "Actual Loops",
        "Relation Name",
        "query_block",
        "table",
        "table_name",
        "nested_loop",
        "access_type",
        "ALL",
        "key",
        "rows",
        "materialized",
        "query_plan",
        "operation",
        "inputs",
        "r_loops",
        "filesort",
        "message",
        "Filter: (",
        "Table scan on ",
        "Execution Time",
        "PRIMARY",
    ];
    prop_oneof![
        4 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_a_plan(json in json()) {
        for parsed in [postgres::parse(&json.to_string()), mysql::parse(&json)] {
            for root in &parsed.roots {
                let _ = (root.nodes().count(), root.to_string());
            }
        }
        mask::plan(&json.to_string(), Dialect::Postgres);
    }

    #[test]
    fn any_text_is_a_plan(
        lines in prop::collection::vec((0..20_usize, "(-> )?", word(), ".{0,30}"), 0..20),
    ) {
        let lines = lines.iter().map(|(indent, arrow, word, rest)| format!("{:indent$}{arrow}{word}{rest}\n", ""));
        let text: String = lines.collect();
        for root in mysql_tree::parse(&text).roots.iter().chain(&postgres::parse(&text).roots) {
            let _ = (root.nodes().count(), root.to_string());
        }
        for dialect in DIALECTS {
            mask::plan(&text, dialect);
            sources(&text, dialect);
        }
    }

    #[test]
    fn any_rows_are_a_plan(
        rows in prop::collection::vec((0..6_i64, 0..6_i64, "(SCAN|SEARCH) [a-z( ]{0,9}( USING (COVERING )?INDEX.{0,9})?"), 0..12),
    ) {
        let count = rows.len();
        let steps = rows.into_iter().map(|(id, parent, detail)| sqlite::Step { id, parent, detail });
        let nodes: usize = sqlite::parse(steps.collect()).iter().map(|root| root.nodes().count()).sum();
        prop_assert!(nodes <= count);
    }

    #[test]
    fn any_statement_has_sources(words in prop::collection::vec(word_of_sql(), 0..30)) {
        let sql = words.join(" ");
        for dialect in DIALECTS {
            sources(&sql, dialect);
        }
    }
}

fn word_of_sql() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(
        &[
            "SELECT",
            "FROM",
            "JOIN",
            "ON",
            "WHERE",
            "UPDATE",
            "DELETE",
            "(",
            ")",
            ",",
            ".",
            "=",
            "t",
            "u",
            "t.a",
            "u.b",
            "AS",
            "?",
            "IS NULL",
            "IN",
            "UNION ALL",
            "WITH",
            "SET",
            "'x'",
        ][..],
    )
}
