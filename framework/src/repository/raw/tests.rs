use chrono::{DateTime, Utc};

use crate::{Database, observe::Recording, prelude::*, statement::StatementKind};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "songs")]
struct Song {
    #[entity(primary_key, generated)]
    id: i64,
    title: String,
    singer: Option<String>,
    sung_at: Option<DateTime<Utc>>,
}

async fn songs() -> Database {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    // The columns are in another order than the fields.
    db.execute_script(
        "CREATE TABLE songs (singer TEXT, sung_at TEXT, title TEXT NOT NULL, id INTEGER PRIMARY KEY);
         INSERT INTO songs (id, title, singer) VALUES (1, 'Erlkönig', 'Ada'), (2, 'Why?', NULL)",
    )
    .await
    .unwrap();
    db
}

fn names(recorded: &crate::observe::Recorded) -> Vec<&str> {
    recorded.tables.iter().map(|name| &**name).collect()
}

fn last(recording: &Recording) -> crate::observe::Recorded {
    recording.statements().pop().unwrap()
}

#[tokio::test]
async fn an_entity_takes_its_columns_by_name() {
    let db = songs().await;
    let found = db
        .sql("SELECT *, 1 AS more FROM songs ORDER BY id", args![])
        .fetch::<Song>()
        .await
        .unwrap();
    assert_eq!(found[0].title, "Erlkönig");
    assert_eq!(found[0].singer.as_deref(), Some("Ada"));
    assert_eq!(found[1].singer, None);
}

#[tokio::test]
async fn a_tuple_takes_all_columns_in_order() {
    let db = songs().await;
    let rows = db
        .sql(
            "SELECT id, title FROM songs WHERE id <= ? ORDER BY 1 DESC",
            args![2],
        )
        .fetch::<(i64, String)>()
        .await
        .unwrap();
    assert_eq!(rows, [(2, "Why?".to_owned()), (1, "Erlkönig".to_owned())]);
}

#[tokio::test]
async fn columns_that_do_not_fit_are_named() {
    let db = songs().await;
    let error = db
        .sql("SELECT id, title FROM songs", args![])
        .fetch::<(i64,)>()
        .await
        .unwrap_err();
    assert!(error.is_decode());
    assert!(
        error
            .to_string()
            .contains("2 columns (id, title), and a tuple of 1 is read"),
        "{error}"
    );
    let error = db
        .sql("SELECT id, title FROM songs", args![])
        .fetch::<Song>()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("without `singer`, `sung_at`, which `Song` reads"),
        "{error}"
    );
    let error = db
        .sql("SELECT a.*, b.* FROM songs a, songs b", args![])
        .fetch::<Song>()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("several columns `id`"),
        "{error}"
    );
}

#[tokio::test]
async fn one_row_is_one_row() {
    let db = songs().await;
    let one = |id: i64| db.sql("SELECT title FROM songs WHERE id >= ?", args![id]);
    assert_eq!(one(2).fetch_one::<(String,)>().await.unwrap().0, "Why?");
    assert!(
        one(3)
            .fetch_one::<(String,)>()
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        one(1)
            .fetch_one::<(String,)>()
            .await
            .unwrap_err()
            .is_too_many()
    );
    assert_eq!(one(3).fetch_optional::<(String,)>().await.unwrap(), None);
    assert!(
        one(1)
            .fetch_optional::<(String,)>()
            .await
            .unwrap_err()
            .is_too_many()
    );
}

#[tokio::test]
async fn a_write_tells_the_rows_it_changed_and_returns_all_of_them() {
    let db = songs().await;
    let update = "UPDATE songs SET singer = ? WHERE singer IS NULL";
    assert_eq!(db.sql(update, args!["Grace"]).execute().await.unwrap(), 1);
    assert_eq!(db.sql(update, args!["Grace"]).execute().await.unwrap(), 0);
    let error = db
        .sql("DELETE FROM songs RETURNING id", args![])
        .fetch_one::<(i64,)>()
        .await
        .unwrap_err();
    assert!(error.is_too_many());
    let count = db.sql("SELECT count(*) FROM songs", args![]);
    assert_eq!(count.fetch_one::<(i64,)>().await.unwrap(), (0,));
}

#[tokio::test]
async fn arguments_are_counted_before_anything_is_sent() {
    let db = songs().await;
    let recording = db.recorded();
    let line = line!() + 1;
    let sql = db.sql(
        "SELECT * FROM songs WHERE title = 'Why?' AND id = ?",
        args![1, 2],
    );
    let error = sql.fetch::<Song>().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("1 placeholder and is given 2 arguments"),
        "{error}"
    );
    assert_eq!(error.call_site().unwrap().line(), line);
    assert_eq!(recording.count(), 0);
}

#[tokio::test]
async fn a_statement_is_recorded_with_kind_tables_and_call() {
    let db = songs().await;
    let recording = db.recorded();
    let line = line!() + 1;
    let sql = db.sql("SELECT count(*) FROM songs WHERE id > ?", args![0]);
    sql.fetch_one::<(i64,)>().await.unwrap();
    let recorded = last(&recording);
    assert_eq!((recorded.kind, recorded.args), (StatementKind::Select, 1));
    assert_eq!(names(&recorded), ["songs"]);
    assert_eq!(recorded.call_site.line(), line);
    assert_eq!(recording.count(), 1);
    let named = db
        .sql("SELECT 1 FROM songs", args![])
        .tables(["a_view", "songs"]);
    named.fetch::<(i64,)>().await.unwrap();
    assert_eq!(names(&last(&recording)), ["a_view", "songs"]);
}

#[tokio::test]
async fn a_transaction_takes_raw_sql_and_can_take_it_back() {
    let db = songs().await;
    let tx = db.begin().await.unwrap();
    tx.sql("DELETE FROM songs", args![])
        .execute()
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let count = db.sql("SELECT count(*) FROM songs", args![]);
    assert_eq!(count.fetch_one::<(i64,)>().await.unwrap(), (2,));
}

#[test]
fn arguments_are_values_of_any_kind_and_never_shown() {
    let title = "x".to_owned();
    let shared: std::sync::Arc<str> = "y".into();
    let args = args![
        1_i32,
        &title,
        title,
        "z",
        shared,
        b"bytes"[..],
        None::<&str>,
        Some(1.5)
    ];
    assert_eq!(format!("{args:?}"), "8 arguments");
}

#[tokio::test]
async fn a_future_of_raw_sql_can_be_spawned() {
    let db = songs().await;
    let count = tokio::spawn(async move {
        let count = db.sql("SELECT count(*) FROM songs", args![]);
        count.fetch_one::<(i64,)>().await
    });
    assert_eq!(count.await.unwrap().unwrap(), (2,));
}
