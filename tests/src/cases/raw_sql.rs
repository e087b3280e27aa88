//! The user's own SQL, in one form for every database.

use entourage::{Database, dialect::Dialect, prelude::*, repository::Sql};

use super::counted::counted;
use crate::models::blog::*;

pub async fn raw_sql_reads_an_entity_by_its_columns_names(db: &Database) {
    let users = seed(db).await.unwrap();
    let all = db.sql("SELECT * FROM users ORDER BY id", args![]);
    assert_eq!(counted(db, 1, all.fetch::<User>()).await, users);
    let shuffled =
        "SELECT version, 7 AS more, visits, age, name, email, id FROM users WHERE id = ?";
    let one = db.sql(shuffled, args![users[1].id]);
    assert_eq!(counted(db, 1, one.fetch_one::<User>()).await, users[1]);
    let none = db.sql(shuffled, args![-1_i64]);
    assert_eq!(none.fetch_optional::<User>().await.unwrap(), None);
}

pub async fn raw_sql_reads_typed_tuples(db: &Database) {
    seed(db).await.unwrap();
    let titles = db.sql(
        "SELECT u.name, p.title, p.likes, p.rating FROM users u JOIN posts p ON p.author_id = u.id
         WHERE p.likes >= ? ORDER BY p.likes DESC",
        args![10_i32],
    );
    let rows = counted(db, 1, titles.fetch::<(String, String, i32, Option<i32>)>()).await;
    let row = |title: &str, likes, rating| ("Ada".to_owned(), title.to_owned(), likes, rating);
    let expected = [
        row("Engines", 30, Some(3)),
        row("Looms", 20, None),
        row("Numbers", 10, Some(1)),
    ];
    assert_eq!(rows, expected);
    let count = db.sql("SELECT count(*) FROM posts", args![]);
    assert_eq!(count.fetch_one::<(i64,)>().await.unwrap(), (4,));
}

pub async fn a_question_mark_in_a_text_is_no_placeholder(db: &Database) {
    seed(db).await.unwrap();
    let text = "SELECT '?', 'it''s ?', name /* ? */ FROM users -- ?\n WHERE name = ?";
    let row = db
        .sql(text, args!["Cleo"])
        .fetch_one::<(String, String, String)>();
    let (first, second, name) = counted(db, 1, row).await;
    assert_eq!(
        (first.as_str(), second.as_str(), name.as_str()),
        ("?", "it's ?", "Cleo")
    );
}

pub async fn a_doubled_question_mark_is_an_operator(db: &Database) {
    let has = db.sql("SELECT '{\"a\": 1}'::jsonb ?? ?", args!["a"]);
    assert_eq!(has.fetch_one::<(bool,)>().await.unwrap(), (true,));
    assert_eq!(db.dialect(), Dialect::Postgres);
}

pub async fn raw_sql_writes_and_says_how_many_rows(db: &Database) {
    let users = seed(db).await.unwrap();
    let update = "UPDATE users SET age = ?, visits = visits + ? WHERE name <> ?";
    let update = db.sql(update, args![None::<i32>, 2_i64, "Ada"]);
    assert_eq!(counted(db, 1, update.execute()).await, 2);
    let insert = "INSERT INTO tags (slug, label) VALUES (?, ?), (?, ?)";
    let insert = db.sql(insert, args!["a", "A", "b", String::from("B")]);
    assert_eq!(counted(db, 1, insert.execute()).await, 2);
    let bea = UserRepository::new(db).get(users[1].id).await.unwrap();
    assert_eq!((bea.age, bea.visits), (None, 2));
}

pub async fn raw_sql_belongs_to_its_transaction(db: &Database) {
    seed(db).await.unwrap();
    let count = |sql: Sql<'static>| async move { sql.fetch_one::<(i64,)>().await.unwrap().0 };
    let tx = db.begin().await.unwrap();
    let delete = tx.sql("DELETE FROM comments WHERE likes > ?", args![1_i32]);
    assert_eq!(delete.execute().await.unwrap(), 3);
    let all = "SELECT count(*) FROM comments";
    assert_eq!(count(Sql::new(tx.clone(), all, args![])).await, 3);
    tx.rollback().await.unwrap();
    assert_eq!(count(Sql::new(db.clone(), all, args![])).await, 6);
}

pub async fn what_does_not_fit_is_named(db: &Database) {
    seed(db).await.unwrap();
    let wide = db.sql("SELECT id, title FROM posts", args![]);
    let error = wide.fetch::<(i64,)>().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(error.to_string().contains("(id, title)"), "{error}");
    let narrow = db.sql("SELECT id, title FROM posts", args![]);
    let error = narrow.fetch::<Post>().await.unwrap_err();
    assert!(error.to_string().contains("`author_id`"), "{error}");
    let short = db.sql("SELECT id FROM posts WHERE id = ? OR id = ?", args![1_i64]);
    let error = counted_error(db, short.fetch::<(i64,)>()).await;
    assert!(error.to_string().contains("2 placeholders"), "{error}");
    let unknown = db.sql("SELECT nothing_of_this_name FROM posts", args![]);
    let error = unknown.fetch::<(i64,)>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Syntax, "{error}");
    // The connection is whole after each of them.
    let count = db.sql("SELECT count(*) FROM posts", args![]);
    assert_eq!(count.fetch_one::<(i64,)>().await.unwrap(), (4,));
}

/// It is cleaned up before its error is told: what comes next meets no transaction, and opens no other connection.
pub async fn a_script_that_fails_leaves_nothing_to_what_comes_next(db: &Database) {
    seed(db).await.unwrap();
    let count = || db.sql("SELECT count(*) FROM comments", args![]);
    count().execute().await.unwrap();
    let before = db.pool_stats();
    for begins in ["BEGIN; DELETE FROM comments;", ""].repeat(10) {
        let script = format!("{begins} SELECT nothing_of_this_name FROM posts");
        let error = db.execute_script(&script).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Syntax, "{error}");
        assert_eq!(count().fetch_one::<(i64,)>().await.unwrap(), (6,));
        let stats = db.pool_stats();
        assert_eq!((stats.open, stats.in_use), (before.open, 0), "{stats:?}");
    }
    let stats = db.pool_stats();
    assert_eq!((stats.opened, stats.closed_broken), (before.opened, 0));
}

/// The error of work that sends nothing.
async fn counted_error<T>(db: &Database, work: impl Future<Output = Result<T>>) -> Error {
    let result = counted(db, 0, async { Ok(work.await) }).await;
    match result {
        Ok(_) => panic!("the work succeeded"),
        Err(error) => error,
    }
}
