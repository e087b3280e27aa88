//! The text of every kind of query on every backend.
use std::fmt::Write;

use super::queries::groups;
use crate::{
    dialect::{Capabilities, Dialect},
    statement::render::{Backend, Query, render},
};

/// The backends that differ in their texts.
const BACKENDS: [(&str, Backend); 4] = [
    ("sqlite", Backend::of(Dialect::Sqlite)),
    ("postgres", Backend::of(Dialect::Postgres)),
    ("mysql", Backend::of(Dialect::Mysql)),
    (
        "mariadb",
        Backend {
            dialect: Dialect::Mysql,
            capabilities: Capabilities::MARIADB,
        },
    ),
];

/// The query on each backend; `mariadb` only where it differs from `mysql`.
fn texts(query: Query<'_>) -> String {
    let mut out = String::new();
    let mut previous = String::new();
    for (name, backend) in BACKENDS {
        let text = match render(query, backend) {
            Ok((plan, args)) => format!("{}\n           {args:?}", plan.sql),
            Err(error) => format!("error: {error}"),
        };
        if name != "mariadb" || text != previous {
            writeln!(out, "{name:<9}  {text}").unwrap();
        }
        previous = text;
    }
    out
}

#[test]
fn every_kind_of_query_has_its_text_on_every_backend() {
    for (name, queries) in groups() {
        let mut out = String::new();
        for (title, query) in queries {
            writeln!(out, "-- {title}\n{}", texts(query.query())).unwrap();
        }
        insta::assert_snapshot!(name, out);
    }
}
