//! The text of views in three dialects.
use super::super::view::{among, create, definition, drop, fill};
use crate::{dialect::Dialect, prelude::*, schema::EntitySet};

#[derive(Debug, Clone, Entity)]
#[entity(table = "plays")]
struct Play {
    #[entity(primary_key)]
    id: i64,
    author: String,
    paid: bool,
}

#[derive(Debug, Clone, View)]
#[view(schema = "figures", name = "paid_plays", reads(Play))]
#[view(query = "SELECT id, author FROM plays WHERE paid -- no others")]
struct PaidPlay {
    #[view(primary_key)]
    id: i64,
    author: String,
}

#[derive(Debug, Clone, View)]
#[view(schema = "figures", materialized, reads(PaidPlay))]
#[view(query(
    sqlite = "SELECT author, COUNT(*) AS plays FROM paid_plays GROUP BY author",
    postgres = "SELECT author, COUNT(*) AS plays FROM figures.paid_plays GROUP BY author",
))]
struct Royalty {
    #[view(primary_key)]
    author: String,
    #[view(index)]
    plays: i64,
}

#[derive(Debug, Clone, View)]
#[view(name = "all_plays", materialized, unique(author, kept), index = author, reads(Play))]
#[view(query = "WITH p AS (SELECT * FROM plays) SELECT id, author, paid AS kept FROM p")]
struct AnyPlay {
    #[view(primary_key)]
    id: i64,
    #[view(length = 50)]
    author: String,
    kept: Option<bool>,
}

fn texts<V: crate::schema::View>(dialect: Dialect) -> String {
    let (table, view) = (V::table(), V::view());
    let mut texts = create(table, view, dialect).unwrap();
    if view.is_materialized() {
        texts.extend(fill(table, view, false, dialect));
        texts.extend(fill(table, view, true, dialect));
    }
    texts.push(drop(table, view, dialect));
    texts.iter().map(|text| format!("{text};\n")).collect()
}

#[test]
fn views_on_each_database() {
    let all = [
        texts::<PaidPlay>(Dialect::Sqlite),
        texts::<Royalty>(Dialect::Sqlite),
        texts::<PaidPlay>(Dialect::Postgres),
        texts::<Royalty>(Dialect::Postgres),
        texts::<AnyPlay>(Dialect::Postgres),
        texts::<PaidPlay>(Dialect::Mysql),
        texts::<AnyPlay>(Dialect::Mysql),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_view_without_a_query_for_the_database_says_so() {
    let error = create(Royalty::table(), Royalty::view(), Dialect::Mysql).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error = error.to_string();
    assert!(
        error.contains("the view `Royalty` has no query for this database"),
        "{error}"
    );
    assert!(error.contains("mysql = "), "{error}");
}

#[test]
fn views_come_after_those_they_read() {
    let tables = <(Royalty, Play, PaidPlay, Royalty)>::tables();
    let names: Vec<_> = among(&tables).iter().map(|view| view.entity).collect();
    assert_eq!(names, ["PaidPlay", "Royalty"]);
    let sources: Vec<_> = Royalty::view().sources();
    let sources: Vec<_> = sources.iter().map(|table| table.entity).collect();
    assert_eq!(sources, ["PaidPlay", "Play"]);
}

#[test]
fn a_query_has_one_number() {
    let number = |dialect| definition(Royalty::table(), Royalty::view(), dialect).unwrap();
    // It stays in databases, and must never change.
    let numbers = [Dialect::Sqlite, Dialect::Postgres].map(number);
    assert_eq!(
        numbers,
        [2_684_096_558_487_931_856, -5_994_429_028_456_975_917]
    );
}
