//! What a text says of the columns by which it leaves rows out.
use super::super::sources::{Source, sources};
use crate::dialect::Dialect;

fn columns(sql: &str) -> Vec<String> {
    let show = |source: Source| {
        let Source {
            name,
            table,
            searched,
            correlated,
            joined,
            query,
        } = source;
        match correlated.is_empty() {
            true => format!("{query} {table}/{name} {searched:?} {joined:?}"),
            false => {
                format!("{query} {table}/{name} {searched:?} {joined:?} around {correlated:?}")
            }
        }
    };
    sources(sql, Dialect::Sqlite)
        .into_iter()
        .map(show)
        .collect()
}

#[test]
fn a_condition_names_the_columns_of_its_table() {
    assert_eq!(
        columns(
            r#"SELECT "p"."id" FROM "posts" AS "p" WHERE "p"."title" = ? AND likes > 3 ORDER BY "p"."id""#
        ),
        [r#"0 posts/p ["title", "likes"] []"#]
    );
    assert_eq!(
        columns("UPDATE posts SET likes = likes + 1 WHERE author_id IN (1, 2)"),
        [r#"0 posts/posts ["author_id"] []"#]
    );
    assert_eq!(columns("SELECT * FROM main.posts"), ["0 posts/posts [] []"]);
    assert_eq!(
        columns("DELETE FROM posts WHERE posts.title IN ('x') AND (posts.likes <= 3)"),
        [r#"0 posts/posts ["title", "likes"] []"#]
    );
}

#[test]
fn what_no_usual_index_finds_is_no_search() {
    for condition in [
        "lower(posts.title) = 'x'",
        "posts.likes <> 3 AND likes != 4",
        "posts.likes NOT IN (3) AND likes NOT IN (4)",
        "posts.title LIKE 'x%' AND title NOT LIKE '%y'",
    ] {
        let sql = format!("SELECT * FROM posts WHERE {condition}");
        assert_eq!(columns(&sql), ["0 posts/posts [] []"], "{condition}");
    }
}

#[test]
fn that_a_value_is_missing_leaves_no_rows_out() {
    assert_eq!(
        columns("SELECT * FROM posts WHERE posts.deleted_at IS NULL AND deleted_by IS NULL"),
        ["0 posts/posts [] []"]
    );
}

#[test]
fn joins_are_told_from_searches() {
    assert_eq!(
        columns("SELECT * FROM posts p JOIN users u ON u.id = p.author_id WHERE u.name = 'Ada'"),
        [
            r#"0 posts/p [] ["author_id"]"#,
            r#"0 users/u ["name"] ["id"]"#
        ]
    );
    assert_eq!(
        columns("SELECT * FROM posts, users WHERE users.id = posts.author_id"),
        [
            r#"0 posts/posts [] ["author_id"]"#,
            r#"0 users/users [] ["id"]"#
        ]
    );
}

#[test]
fn what_is_compared_with_a_query_around_or_before_it_is_searched() {
    assert_eq!(
        columns(
            "SELECT * FROM users WHERE EXISTS (SELECT 1 FROM posts WHERE posts.author_id = users.id)"
        ),
        [
            "0 users/users [] []",
            r#"1 posts/posts [] [] around ["author_id"]"#
        ]
    );
    assert_eq!(
        columns(
            "WITH level0 AS (SELECT id AS c0 FROM users) \
             SELECT * FROM posts INNER JOIN level0 ON posts.author_id = level0.c0"
        ),
        [
            "0 users/users [] []",
            r#"1 posts/posts ["author_id"] []"#,
            r#"1 level0/level0 [] ["c0"]"#
        ]
    );
    assert_eq!(
        columns("SELECT * FROM (SELECT 1 AS k) AS t JOIN posts ON posts.author_id = t.k"),
        [r#"0 posts/posts ["author_id"] []"#]
    );
}

#[test]
fn the_queries_of_a_union_are_their_own() {
    assert_eq!(
        columns("SELECT id FROM users WHERE users.id = 1 UNION ALL SELECT id FROM users"),
        [r#"0 users/users ["id"] []"#, "1 users/users [] []"]
    );
}
