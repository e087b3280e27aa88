use super::*;
use crate::error::ErrorKind;

fn parsed(text: &str, dialect: Dialect) -> RawText {
    RawText::parse(text, dialect).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn failure(text: &str, dialect: Dialect) -> Error {
    match RawText::parse(text, dialect) {
        Ok(parsed) => panic!("{text}: {parsed:?}"),
        Err(error) => error,
    }
}

#[test]
fn a_question_mark_is_a_placeholder_only_where_a_value_can_stand() {
    let cases = [
        ("SELECT ?, ?", "SELECT $1, $2", 2),
        ("SELECT '?', 'it''s ?', ?", "SELECT '?', 'it''s ?', $1", 1),
        (
            "SELECT \"a?\" FROM t -- ?\n WHERE x=?",
            "SELECT \"a?\" FROM t -- ?\n WHERE x=$1",
            1,
        ),
        (
            "SELECT /* ? /* ? */ ? */ ?",
            "SELECT /* ? /* ? */ ? */ $1",
            1,
        ),
        (
            "SELECT $$ ? $$, $t$ ? $$ ? $t$, ?",
            "SELECT $$ ? $$, $t$ ? $$ ? $t$, $1",
            1,
        ),
        ("SELECT E'\\'?', '\\', ?", "SELECT E'\\'?', '\\', $1", 1),
        (
            "SELECT data ?? 'key' AND tags ??| ?",
            "SELECT data ? 'key' AND tags ?| $1",
            1,
        ),
        ("SELECT ?::text, a[1:2]", "SELECT $1::text, a[1:2]", 1),
        ("SELECT 'é?', \"ü?\", ?", "SELECT 'é?', \"ü?\", $1", 1),
    ];
    for (text, expected, count) in cases {
        let parsed = parsed(text, Dialect::Postgres);
        assert_eq!((&*parsed.sql, parsed.placeholders), (expected, count));
    }
}

#[test]
fn each_dialect_has_its_own_quotes() {
    let cases = [
        (Dialect::Mysql, "SELECT \"?\", '\\'?', `?`, ? # ?\n, ?", 2),
        (Dialect::Sqlite, "SELECT [?], `?`, \"?\", '\\', ?", 1),
        (
            Dialect::Sqlite,
            "SELECT x'00', data ->> '$.a', ? /* ? */",
            1,
        ),
        (Dialect::Mysql, "SELECT @counter, ?", 1),
    ];
    for (dialect, text, count) in cases {
        let parsed = parsed(text, dialect);
        assert_eq!((&*parsed.sql, parsed.placeholders), (text, count));
    }
}

#[test]
fn what_cannot_be_understood_is_refused_with_the_way_out() {
    let cases = [
        (
            Dialect::Postgres,
            "SELECT $1",
            "`$1` is not how a placeholder is written",
        ),
        (
            Dialect::Sqlite,
            "SELECT ?1",
            "`?1` is not how a placeholder is written",
        ),
        (
            Dialect::Sqlite,
            "SELECT :name, ?",
            "`:name` is not how a placeholder is written",
        ),
        (
            Dialect::Sqlite,
            "SELECT a ?? b",
            "`??` is PostgreSQL's operator",
        ),
        (
            Dialect::Sqlite,
            "SELECT 'open",
            "the string that begins with `'open` has no end",
        ),
        (
            Dialect::Postgres,
            "SELECT $a$ open $b$",
            "the dollar-quoted text",
        ),
        (
            Dialect::Mysql,
            "SELECT /* open",
            "the comment that begins with",
        ),
        (
            Dialect::Sqlite,
            "SELECT 1; DELETE FROM users",
            "several statements",
        ),
        (Dialect::Sqlite, " -- nothing", "the SQL is empty"),
        (Dialect::Postgres, "begin", "`BEGIN` through raw SQL"),
    ];
    for (dialect, text, expected) in cases {
        let message = failure(text, dialect).to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
    assert_eq!(parsed("SELECT 1;", Dialect::Sqlite).placeholders, 0);
}

#[test]
fn a_wrong_number_of_arguments_says_both_numbers() {
    let error = parsed("SELECT ?, ?", Dialect::Sqlite)
        .check_arguments(1)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(
        error
            .to_string()
            .contains("2 placeholders and is given 1 argument")
    );
}

#[test]
fn the_kind_is_that_of_what_the_statement_does() {
    use StatementKind::*;
    let cases = [
        ("select 1", Select),
        ("(SELECT 1) UNION (SELECT 2)", Select),
        ("VALUES (1)", Select),
        ("WITH x AS (SELECT 1) SELECT * FROM x", Select),
        (
            "WITH x (refresh) AS (SELECT 1) SELECT max(refresh) FROM x",
            Select,
        ),
        (
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            Delete,
        ),
        (
            "WITH x AS (WITH y AS (SELECT 1) DELETE FROM t USING y RETURNING *) SELECT * FROM x",
            Delete,
        ),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", Insert),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", Update),
        ("SELECT replace(a, 'x', 'y') FROM t", Select),
        (
            "WITH x AS (SELECT 1) SELECT (replace('a', 'b', 'c'))",
            Select,
        ),
        ("SELECT * FROM t FOR UPDATE", Other),
        ("SELECT * FROM t LOCK IN SHARE MODE", Other),
        ("SELECT * INTO copy FROM t", Other),
        (
            "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1",
            Insert,
        ),
        ("REPLACE INTO t VALUES (1)", Insert),
        ("UPDATE t SET a = 1", Update),
        ("delete from t", Delete),
        ("CREATE INDEX i ON t (a)", Schema),
        ("TRUNCATE t", Other),
        ("PRAGMA user_version", Other),
    ];
    for (text, kind) in cases {
        assert_eq!(parsed(text, Dialect::Postgres).kind, kind, "{text}");
    }
}

#[test]
fn tables_are_found_where_a_statement_names_them() {
    let cases: [(&str, &[&str]); 19] = [
        ("SELECT * FROM users", &["users"]),
        (
            "SELECT * FROM Users u, \"Posts\" AS p WHERE 1 = 1",
            &["users", "Posts"],
        ),
        (
            "SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN app.c USING (x)",
            &["a", "b", "app.c"],
        ),
        (
            "SELECT extract(year FROM at), trim(both FROM name) FROM t",
            &["t"],
        ),
        ("SELECT * FROM a WHERE x IS DISTINCT FROM y", &["a"]),
        (
            "SELECT * FROM (SELECT * FROM inner_one) AS x",
            &["inner_one"],
        ),
        ("SELECT * FROM json_each(?) AS j JOIN t ON 1 = 1", &["t"]),
        (
            "SELECT * FROM t WHERE id IN (SELECT id FROM s)",
            &["t", "s"],
        ),
        (
            "INSERT INTO posts (title) SELECT title FROM drafts",
            &["posts", "drafts"],
        ),
        (
            "INSERT INTO posts(title) VALUES (?) ON CONFLICT (title) DO UPDATE SET title = ''",
            &["posts"],
        ),
        (
            "UPDATE users SET name = x.name FROM x WHERE x.id = users.id",
            &["users", "x"],
        ),
        ("UPDATE ONLY users SET a = 1", &["users"]),
        (
            "DELETE FROM users USING posts WHERE 1 = 1",
            &["users", "posts"],
        ),
        (
            "WITH recent (id) AS (SELECT id FROM posts) SELECT * FROM recent JOIN users ON 1 = 1",
            &["posts", "users"],
        ),
        (
            "WITH a AS NOT MATERIALIZED (DELETE FROM t RETURNING *) SELECT * FROM a",
            &["t"],
        ),
        ("SELECT * FROM t FOR UPDATE", &["t"]),
        ("TRUNCATE TABLE t", &["t"]),
        ("SELECT 1", &[]),
        ("SELECT * FROM t ORDER BY a, b", &["t"]),
    ];
    for (text, expected) in cases {
        let tables = parsed(text, Dialect::Postgres).tables;
        let tables: Vec<_> = tables.iter().map(|table| &**table).collect();
        assert_eq!(tables, expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_tokenizer_panic_and_only_placeholders_change(
        text in "[a-c?$'\"`\\[\\]/*\\-# \n;(),.:@\\\\1é]{0,40}",
    ) {
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
            if let Ok(parsed) = RawText::parse(&text, dialect) {
                let rest = |text: &str| text.replace('?', "").replace(|c: char| c.is_ascii_digit() || c == '$', "");
                proptest::prop_assert_eq!(rest(&parsed.sql), rest(&text));
            }
        }
    }
}

#[test]
fn a_word_is_found_where_it_is_one() {
    let has = |text| has_word(text, "AUTOINCREMENT", Dialect::Sqlite);
    assert!(has("CREATE TABLE t (id INTEGER PRIMARY KEY autoincrement)"));
    for text in [
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY /* AUTOINCREMENT */, a TEXT DEFAULT 'AUTOINCREMENT')",
        "CREATE TABLE \"AUTOINCREMENT\" (id INTEGER PRIMARY KEY, autoincrement_id INTEGER)",
    ] {
        assert!(!has(text), "{text}");
    }
}
