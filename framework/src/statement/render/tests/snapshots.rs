//! The text of every kind of query on every backend.
use std::fmt::Write;

use super::queries::groups;
use crate::{
    dialect::{Capabilities, Dialect},
    error::ErrorKind,
    schema::SqlType,
    statement::{
        Seek, StatementKind,
        render::{Backend, Query, render},
    },
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

/// What the query looks for; PostgreSQL's orders where they differ.
fn seeks(query: Query<'_>) -> String {
    let of = |dialect| {
        let seeks = Seek::of(query, dialect);
        let lines: Vec<_> = seeks.iter().map(|seek| format!("  {seek}\n")).collect();
        lines.concat()
    };
    let (mysql, postgres) = (of(Dialect::Mysql), of(Dialect::Postgres));
    assert_eq!(mysql, of(Dialect::Sqlite));
    match mysql == postgres {
        true => mysql,
        false => format!("{mysql}  on PostgreSQL:\n{postgres}"),
    }
}

#[test]
fn every_kind_of_query_says_what_it_looks_for() {
    let mut out = String::new();
    for (_, queries) in groups() {
        for (title, query) in queries {
            writeln!(out, "-- {title}\n{}", seeks(query.query())).unwrap();
        }
    }
    insta::assert_snapshot!("seeks", out);
}

#[test]
fn copy_is_postgresqls_and_names_its_types() {
    let copy = super::queries::writes::copy();
    let backend = Backend::of(Dialect::Postgres);
    let (plan, args) = render(Query::Batch(&copy), backend).unwrap();
    assert_eq!(
        &*plan.sql,
        r#"COPY "groups" ("code", "title") FROM STDIN WITH (FORMAT binary)"#
    );
    assert_eq!((plan.kind, args.len()), (StatementKind::Copy, 0));
    assert_eq!(plan.columns, [SqlType::Text, SqlType::Text]);
    for dialect in [Dialect::Sqlite, Dialect::Mysql] {
        let error = render(Query::Batch(&copy), Backend::of(dialect)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
