//! Settings of connections, asked back from each database, and seen at work.

use std::time::Duration;

use entourage::{
    Database, ErrorKind,
    dialect::Dialect,
    driver::{ConnectOptions, JournalMode, SqlMode, Synchronous, SynchronousCommit},
    pool::PoolOptions,
    prelude::*,
};
use entourage_tests::{require, setup, setup::TestDatabase};

async fn connect(options: ConnectOptions) -> Database {
    let pool = PoolOptions::new().max_connections(2);
    let db = Database::builder().options(options).pool(pool).connect();
    db.await.unwrap()
}

async fn text(db: &Database, sql: &str) -> String {
    let one = db.sql(sql, args![]).fetch_one::<(String,)>().await;
    one.unwrap().0
}

/// A statement that does not end by itself.
fn endless(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "SELECT pg_sleep(60)",
        // Interrupted, MySQL's SLEEP only returns earlier.
        Dialect::Mysql => {
            "SELECT COUNT(*) FROM information_schema.collations AS a, information_schema.collations AS b, \
             information_schema.collations AS c, information_schema.collations AS d"
        }
        Dialect::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        }
    }
}

/// Ends a long statement, and the connection is used again.
async fn statement_timeout(database: TestDatabase) {
    let options = ConnectOptions::parse(database.url()).unwrap();
    let limit = match options.dialect() {
        // Short statements never look at the clock, and the long one keeps a processor busy.
        Dialect::Sqlite => Duration::from_millis(200),
        // So long that nothing else reaches it on a busy machine.
        Dialect::Postgres | Dialect::Mysql => Duration::from_secs(2),
    };
    let db = connect(options.statement_timeout(limit)).await;
    let sql = endless(db.dialect());
    let error = db.sql(sql, args![]).execute().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let tx = db.begin().await.unwrap();
    let error = tx.execute_script(sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    tx.rollback().await.unwrap();
    assert_eq!(text(&db, "SELECT 'fine'").await, "fine");
    assert_eq!(db.pool_stats().closed_broken, 0);
    db.close().await;
}

/// Two handles on one row: the second gives up.
async fn lock_timeout(database: TestDatabase) {
    let options = ConnectOptions::parse(database.url()).unwrap();
    let (first, second) = (
        connect(options.clone()).await,
        connect(options.lock_timeout(Duration::from_millis(100))).await,
    );
    let setup = "CREATE TABLE counter (n INTEGER NOT NULL); INSERT INTO counter VALUES (0)";
    first.execute_script(setup).await.unwrap();
    let add = "UPDATE counter SET n = n + 1";
    let tx = first.begin().await.unwrap();
    tx.execute_script(add).await.unwrap();
    let error = second.sql(add, args![]).execute().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockNotAvailable, "{error:?}");
    tx.commit().await.unwrap();
    assert_eq!(second.sql(add, args![]).execute().await.unwrap(), 1);
    assert!(first.close().await.is_clean() && second.close().await.is_clean());
}

/// What follows must not run outside the transaction that is gone.
async fn interrupted_write(database: TestDatabase) {
    let options = ConnectOptions::parse(database.url()).unwrap();
    let db = connect(options.statement_timeout(Duration::from_millis(100))).await;
    db.execute_script("CREATE TABLE t (n INTEGER)")
        .await
        .unwrap();
    let tx = db.begin().await.unwrap();
    tx.execute_script("INSERT INTO t VALUES (1)").await.unwrap();
    let endless = format!("INSERT INTO t {}", endless(Dialect::Sqlite));
    let error = tx.sql(&endless, args![]).execute().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let error = tx.execute_script("INSERT INTO t VALUES (2)").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::TransactionAborted);
    assert_eq!(
        tx.commit().await.unwrap_err().kind(),
        ErrorKind::TransactionAborted
    );
    assert_eq!(text(&db, "SELECT CAST(count(*) AS TEXT) FROM t").await, "0");
    db.close().await;
}

macro_rules! on_each {
    ($($test:ident = $body:ident on $setup:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            $body(require!(setup::$setup().await)).await;
        })*
    };
}

on_each! {
    a_statement_of_sqlite_is_ended_in_time = statement_timeout on sqlite;
    a_statement_of_postgres_is_ended_in_time = statement_timeout on postgres;
    a_statement_of_mysql_is_ended_in_time = statement_timeout on mysql;
    a_write_that_sqlite_ends_takes_its_transaction_with_it = interrupted_write on sqlite;
    a_write_that_is_ended_in_memory_takes_its_transaction_with_it = interrupted_write on sqlite_memory;
    a_lock_of_sqlite_is_given_up_in_time = lock_timeout on sqlite;
    a_lock_of_postgres_is_given_up_in_time = lock_timeout on postgres;
    a_lock_of_mysql_is_given_up_in_time = lock_timeout on mysql;
    a_statement_that_mysql_does_not_take_is_not_sent = packet_guard on mysql;
}

#[tokio::test]
async fn postgres_has_the_settings_of_its_connection() {
    let database = require!(setup::postgres().await);
    let options = ConnectOptions::parse(database.url())
        .unwrap()
        .application_name("reports")
        .statement_timeout(Duration::from_secs(90))
        .lock_timeout(Duration::from_millis(1500))
        .idle_in_transaction_session_timeout(Duration::from_secs(60))
        .synchronous_commit(SynchronousCommit::Local);
    let db = connect(options).await;
    for (name, expected) in [
        ("application_name", "reports"),
        ("statement_timeout", "90s"),
        ("lock_timeout", "1500ms"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("synchronous_commit", "local"),
    ] {
        let sql = format!("SELECT current_setting('{name}')");
        assert_eq!(text(&db, &sql).await, expected, "{name}");
    }
    db.close().await;
}

#[tokio::test]
async fn mysql_has_the_settings_of_its_connection() {
    let database = require!(setup::mysql().await);
    let options = ConnectOptions::parse(database.url())
        .unwrap()
        .lock_timeout(Duration::from_millis(1500))
        .sql_mode([SqlMode::StrictAllTables, SqlMode::NoZeroDate]);
    let db = connect(options).await;
    let seconds = "SELECT CAST(@@innodb_lock_wait_timeout AS CHAR)";
    assert_eq!(text(&db, seconds).await, "2");
    let mode = text(&db, "SELECT @@sql_mode").await;
    assert_eq!(mode, "PIPES_AS_CONCAT,STRICT_ALL_TABLES,NO_ZERO_DATE");
    assert_eq!(text(&db, "SELECT 'a' || 'b'").await, "ab");
    db.close().await;
}

#[tokio::test]
async fn an_sqlite_file_has_the_settings_of_its_connections() {
    let database = require!(setup::sqlite().await);
    let options = ConnectOptions::parse(database.url())
        .unwrap()
        .journal_mode(JournalMode::Truncate)
        .synchronous(Synchronous::Full)
        .cache_size(4096 * 1024);
    let db = connect(options).await;
    // On the writer: a reader has nothing to sync, and no journal.
    let tx = db.begin().await.unwrap();
    for (sql, expected) in [
        (
            "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
            "2",
        ),
        ("SELECT journal_mode FROM pragma_journal_mode", "truncate"),
    ] {
        let row = tx.sql(sql, args![]).fetch_one::<(String,)>().await;
        assert_eq!(row.unwrap().0, expected);
    }
    tx.rollback().await.unwrap();
    let cache = "SELECT CAST(cache_size AS TEXT) FROM pragma_cache_size";
    assert_eq!(text(&db, cache).await, "-4096");
    db.close().await;
}

/// The connection lives on, and both sizes are told.
async fn packet_guard(database: TestDatabase) {
    let db = connect(ConnectOptions::parse(database.url()).unwrap()).await;
    let limit: usize = text(&db, "SELECT CAST(@@max_allowed_packet AS CHAR)")
        .await
        .parse()
        .unwrap();
    let large = "a".repeat(limit);
    let length = "SELECT CAST(LENGTH(?) AS CHAR)";
    let error = db.sql(length, args![large.as_str()]).execute().await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode, "{error:?}");
    let told = format!("but the server takes {limit} at most");
    assert!(error.to_string().contains(&told), "{error}");
    let script = format!("SELECT '{large}'");
    assert!(db.execute_script(&script).await.is_err());
    // What is just small enough arrives.
    let most = "a".repeat(limit - 200);
    let row = db
        .sql(length, args![most.as_str()])
        .fetch_one::<(String,)>();
    assert_eq!(row.await.unwrap().0, most.len().to_string());
    let stats = db.pool_stats();
    assert_eq!((stats.opened, stats.closed_broken), (1, 0));
    db.close().await;
}
