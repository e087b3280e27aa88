//! Prepared statements: counted as they are, and prepared anew when the schema changes under them.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use entourage::{Database, Result, dialect::Dialect, prelude::*, transaction::Retry};
use futures_util::TryStreamExt;

use crate::models::blog::*;

/// The outcome of the schema changes below: a text where a number was, and a column more.
type Changed = (i64, String, i64);

const READ: &str = "SELECT * FROM things WHERE id = ?";

async fn create_things(db: &Database) {
    let script = "CREATE TABLE things (id BIGINT PRIMARY KEY, v BIGINT NOT NULL); INSERT INTO things VALUES (1, 7)";
    db.execute_script(script).await.unwrap();
}

async fn change_things(db: &Database) {
    let script = match db.dialect() {
        Dialect::Postgres => {
            "ALTER TABLE things ALTER COLUMN v TYPE TEXT USING 'was ' || v; \
             ALTER TABLE things ADD COLUMN w BIGINT NOT NULL DEFAULT 9"
        }
        Dialect::Mysql => {
            "ALTER TABLE things MODIFY v VARCHAR(20) NOT NULL; UPDATE things SET v = CONCAT('was ', v); \
             ALTER TABLE things ADD COLUMN w BIGINT NOT NULL DEFAULT 9"
        }
        Dialect::Sqlite => {
            "DROP TABLE things; \
             CREATE TABLE things (id BIGINT PRIMARY KEY, v TEXT NOT NULL, w BIGINT NOT NULL DEFAULT 9); \
             INSERT INTO things (id, v) VALUES (1, 'was 7')"
        }
    };
    db.execute_script(script).await.unwrap();
}

/// Reads often enough that the statement is kept, as a number.
async fn read_before(db: &Database) {
    for _ in 0..4 {
        let row = db.sql(READ, args![1_i64]).fetch_one::<(i64, i64)>().await;
        assert_eq!(row.unwrap(), (1, 7));
    }
}

fn changed() -> Changed {
    (1, "was 7".to_owned(), 9)
}

pub async fn statements_that_come_again_are_prepared_once(db: &Database) {
    let users = seed(db).await.unwrap();
    let find = async || UserRepository::new(db).find(users[0].id).await.unwrap();
    find().await;
    let before = db.statement_stats();
    for _ in 0..20 {
        assert_eq!(find().await.as_ref(), Some(&users[0]));
    }
    let stats = db.statement_stats().since(&before);
    assert_eq!(
        (stats.hits, stats.misses, stats.one_off),
        (20, 0, 0),
        "{stats:?}"
    );
    assert_eq!(stats.reuse_rate(), 1.0);
    assert!(stats.len > 0);
    assert_eq!(stats.evictions, 0);
}

pub async fn a_text_that_comes_once_is_not_kept(db: &Database) {
    create_things(db).await;
    let before = db.statement_stats();
    for _ in 0..5 {
        // Texts are known to the whole process, whichever database they were for.
        let number = uuid::Uuid::new_v4().simple().to_string();
        let sql = format!("SELECT id, v FROM things WHERE id = ? /* {number} */");
        let rows = db.sql(&sql, args![-1_i64]).fetch::<(i64, i64)>().await;
        assert_eq!(rows.unwrap(), []);
    }
    let stats = db.statement_stats();
    assert_eq!(stats.len, before.len);
    let since = stats.since(&before);
    assert_eq!((since.hits, since.misses, since.one_off), (0, 0, 5));
}

pub async fn a_column_that_changes_its_type_is_read_anew(db: &Database) {
    create_things(db).await;
    read_before(db).await;
    change_things(db).await;
    for _ in 0..3 {
        let row = db.sql(READ, args![1_i64]).fetch_one::<Changed>().await;
        assert_eq!(row.unwrap(), changed());
    }
}

pub async fn a_transaction_meets_a_changed_schema_once(db: &Database) {
    create_things(db).await;
    read_before(db).await;
    change_things(db).await;
    let attempts = Arc::new(AtomicU32::new(0));
    let row = db
        .transaction()
        .retry(Retry::default())
        .run(|tx| {
            let attempts = Arc::clone(&attempts);
            async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                tx.sql(READ, args![1_i64]).fetch_one::<Changed>().await
            }
        })
        .await;
    assert_eq!(row.unwrap(), changed());
    // PostgreSQL ends the transaction; the others prepare the statement anew inside.
    let expected = if db.dialect() == Dialect::Postgres {
        2
    } else {
        1
    };
    assert_eq!(attempts.load(Ordering::Relaxed), expected);
}

pub async fn a_transaction_is_told_of_a_changed_schema(db: &Database) {
    create_things(db).await;
    read_before(db).await;
    change_things(db).await;
    let tx = db.begin().await.unwrap();
    let row = tx.sql(READ, args![1_i64]).fetch_one::<Changed>().await;
    let error = row.unwrap_err();
    assert!(error.is_statement_outdated(), "{error:?}");
    assert!(
        error.to_string().contains("run the transaction again"),
        "{error}"
    );
    assert_eq!(error.code(), Some("0A000"));
    tx.rollback().await.unwrap();
    let row = db.sql(READ, args![1_i64]).fetch_one::<Changed>().await;
    assert_eq!(row.unwrap(), changed());
}

pub async fn a_stream_of_a_kept_statement_survives_a_changed_schema(db: &Database) {
    seed(db).await.unwrap();
    let users = UserRepository::new(db).order_by(User::ID.asc());
    let names = async || -> Result<Vec<String>> {
        users
            .clone()
            .stream()
            .map_ok(|user| user.name)
            .try_collect()
            .await
    };
    for _ in 0..3 {
        assert_eq!(names().await.unwrap(), ["Ada", "Bea", "Cleo"]);
    }
    let change = match db.dialect() {
        Dialect::Postgres => "ALTER TABLE users ALTER COLUMN name TYPE VARCHAR(70)",
        Dialect::Mysql => "ALTER TABLE users MODIFY name VARCHAR(70) NOT NULL",
        Dialect::Sqlite => "ALTER TABLE users ADD COLUMN more TEXT",
    };
    db.execute_script(change).await.unwrap();
    assert_eq!(names().await.unwrap(), ["Ada", "Bea", "Cleo"]);
}

pub async fn a_statement_that_the_server_has_forgotten_is_prepared_again(db: &Database) {
    create_things(db).await;
    read_before(db).await;
    db.execute_script("DEALLOCATE ALL").await.unwrap();
    read_before(db).await;
    let tx = db.begin().await.unwrap();
    tx.execute_script("DEALLOCATE ALL").await.unwrap();
    let row = tx.sql(READ, args![1_i64]).fetch_one::<(i64, i64)>().await;
    assert!(row.unwrap_err().is_statement_outdated());
    tx.rollback().await.unwrap();
    read_before(db).await;
}

pub async fn a_type_of_the_user_is_read_by_a_text_that_comes_once(db: &Database) {
    let script = "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN grade AS BIGINT; \
                  CREATE TABLE moods (id BIGINT PRIMARY KEY, mood mood NOT NULL, grade grade NOT NULL, all_of mood[] NOT NULL); \
                  INSERT INTO moods VALUES (1, 'sad', 3, '{glad,sad}')";
    db.execute_script(script).await.unwrap();
    // Each on a connection of its own, which knows none of the types.
    let tx = db.begin().await.unwrap();
    let other = db.begin().await.unwrap();
    let once = tx.sql("SELECT mood, grade FROM moods WHERE 1 = ?", args![1_i64]);
    let row = once.fetch_one::<(String, i64)>().await.unwrap();
    assert_eq!(row, ("sad".to_owned(), 3));
    let once = other.sql("SELECT all_of FROM moods WHERE 2 = ?", args![2_i64]);
    let (all,) = once.fetch_one::<(Vec<String>,)>().await.unwrap();
    assert_eq!(all, ["glad", "sad"]);
    let third = db.sql("SELECT mood, grade FROM moods WHERE 3 = ?", args![3_i64]);
    let row = third.fetch_one::<(String, i64)>().await.unwrap();
    assert_eq!(row, ("sad".to_owned(), 3));
    tx.commit().await.unwrap();
    other.commit().await.unwrap();
}
