//! Texts and what is left of them, per dialect.
use proptest::prelude::*;

use super::{Fingerprint, normalize};
use crate::dialect::Dialect::{self, Mysql, Postgres, Sqlite};

const ALL: &[Dialect] = &[Sqlite, Postgres, Mysql];

/// Dialects, a text, and what is left of it.
const CASES: &[(&[Dialect], &str, &str)] = &[
    // Literals and placeholders.
    (
        ALL,
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = ?",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE b = ?",
        "SELECT a FROM t WHERE b = ?",
    ),
    (
        &[Postgres],
        "SELECT a FROM t WHERE b = $1",
        "SELECT a FROM t WHERE b = ?",
    ),
    (
        &[Sqlite],
        "SELECT a FROM t WHERE b = :b AND c = @c AND d = $d AND e = ?5",
        "SELECT a FROM t WHERE b = ? AND c = ? AND d = ? AND e = ?",
    ),
    (
        ALL,
        "SELECT 'it''s', 1.5e-3, .5, 0xff, x'00' FROM t2",
        "SELECT ?, ?, ?, ?, ? FROM t2",
    ),
    (
        ALL,
        "SELECT a-1, a - 1, -1, b + -2 FROM t",
        "SELECT a - ?, a - ?, ?, b + ? FROM t",
    ),
    (
        &[Mysql],
        r#"SELECT 'it\'s', "a ""b""" FROM t"#,
        "SELECT ?, ? FROM t",
    ),
    (
        &[Postgres],
        r"SELECT E'it\'s', U&'\0041', $$it's$$, $tag$ $1 $$ $tag$",
        "SELECT ?, U & ?, ?, ?",
    ),
    (ALL, "SELECT x1, t2.y3 FROM t2", "SELECT x1, t2.y3 FROM t2"),
    (&[Mysql], "SELECT @total FROM t", "SELECT @ total FROM t"),
    // Names.
    (
        &[Sqlite, Postgres],
        "SELECT \"a1\".\"id 2\" FROM \"a1\"",
        "SELECT \"a1\".\"id 2\" FROM \"a1\"",
    ),
    (
        &[Sqlite, Mysql],
        "SELECT `a?`.`--b` FROM `t 1`",
        "SELECT `a?`.`--b` FROM `t 1`",
    ),
    (&[Sqlite], "SELECT [a ?] FROM [t]", "SELECT [a ?] FROM [t]"),
    // Comments and space.
    (
        ALL,
        "SELECT a -- 'why\nFROM  t\t/* \" */ WHERE b=1",
        "SELECT a FROM t WHERE b = ?",
    ),
    (&[Postgres], "SELECT /* a /* b */ c */ 1", "SELECT ?"),
    (&[Mysql], "SELECT a # 'why\nFROM t", "SELECT a FROM t"),
    (
        ALL,
        "  SELECT count( * ),sum(a) FROM t ; ",
        "SELECT count(*), sum(a) FROM t;",
    ),
    // Lists.
    (
        ALL,
        "SELECT a FROM t WHERE b IN (?, ?, ?)",
        "SELECT a FROM t WHERE b IN (?)",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE b IN (1,-2,NULL,'x')",
        "SELECT a FROM t WHERE b IN (?)",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE b NOT IN (1)",
        "SELECT a FROM t WHERE b NOT IN (?)",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE (b, c) IN ((?, ?), (?, ?))",
        "SELECT a FROM t WHERE (b, c) IN (?)",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE b IN (c, d)",
        "SELECT a FROM t WHERE b IN (c, d)",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE b IN (SELECT c FROM u WHERE d IN (1, 2))",
        "SELECT a FROM t WHERE b IN (SELECT c FROM u WHERE d IN (?))",
    ),
    (
        ALL,
        "INSERT INTO t (a, b) VALUES (?, ?), (?, NULL), (now(), DEFAULT)",
        "INSERT INTO t (a, b) VALUES (?)",
    ),
    (
        ALL,
        "INSERT INTO t VALUES (1) RETURNING id",
        "INSERT INTO t VALUES (?) RETURNING id",
    ),
    (
        &[Mysql],
        "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(`a`), b = VALUES(b)",
        "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(`a`), b = VALUES(b)",
    ),
    (
        ALL,
        "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v",
        "SELECT * FROM (VALUES (?)) v",
    ),
    (
        &[Postgres],
        "SELECT a FROM t WHERE b = ANY(ARRAY[1, 2, 3]) AND c IN ($1::int, $2::int)",
        "SELECT a FROM t WHERE b = ANY(ARRAY(?)) AND c IN (?)",
    ),
    // Operators and casts.
    (
        &[Postgres],
        "SELECT $1::text, a::int4, b->>'c', d @> $2",
        "SELECT ?::text, a::int4, b ->> ?, d @> ?",
    ),
    (
        ALL,
        "SELECT a FROM t WHERE b>=1 AND c<>2 OR d||e = 'f'",
        "SELECT a FROM t WHERE b >= ? AND c <> ? OR d || e = ?",
    ),
    // One value or three outside of lists is a difference.
    (ALL, "SELECT f(1, 2), 3", "SELECT f(?, ?), ?"),
    // What has no end.
    (
        ALL,
        "SELECT a FROM t WHERE b = 'secret",
        "SELECT a FROM t WHERE b =",
    ),
    (ALL, "SELECT a /* secret", "SELECT a"),
    (ALL, "", ""),
];

#[test]
fn literals_placeholders_and_comments_go_and_names_stay() {
    for (dialects, sql, expected) in CASES {
        for &dialect in *dialects {
            assert_eq!(normalize(sql, dialect), *expected, "{dialect:?}: {sql}");
        }
    }
}

#[test]
fn names_that_differ_make_different_statements() {
    let pairs = [
        ("SELECT \"a1\" FROM t", "SELECT \"a2\" FROM t"),
        ("SELECT a FROM t1", "SELECT a FROM t2"),
        ("SELECT a FROM t", "SELECT a FROM \"t\""),
        ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"),
    ];
    for (one, two) in pairs {
        assert_ne!(Fingerprint::of(one, Sqlite), Fingerprint::of(two, Sqlite));
    }
}

#[test]
fn a_fingerprint_is_the_same_number_everywhere() {
    let print = Fingerprint::of("SELECT 1", Sqlite);
    assert_eq!(print.to_string(), "199e7dca63ea8858");
    // A published test vector of FNV-1a.
    assert_eq!(Fingerprint::of_normalized("a").0, 0xaf63_dc4c_8601_ec8c);
}

proptest! {
    #[test]
    fn any_text_is_normalized_and_stays_so(sql in any::<String>(), dialect in prop::sample::select(ALL)) {
        let once = normalize(&sql, dialect);
        prop_assert_eq!(normalize(&once, dialect), once.clone());
    }

    #[test]
    fn the_length_of_a_list_and_its_values_do_not_matter(values in prop::collection::vec(any::<i32>(), 1..20)) {
        let list = values.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT a FROM t WHERE b IN ({list})");
        prop_assert_eq!(normalize(&sql, Postgres), "SELECT a FROM t WHERE b IN (?)");
    }
}
