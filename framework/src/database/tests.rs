//! The handle over real drivers. PostgreSQL and MySQL are reached by `ENTOURAGE_TEST_POSTGRES_URL` and
//! `ENTOURAGE_TEST_MYSQL_URL` in the suite; here is SQLite, which needs no server.
use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;
use crate::{
    driver::NoRows,
    error::{Error, ErrorKind},
    pool::PoolOptions,
    schema::Cell,
    statement::Plan,
    transaction::Retry,
};

/// A file that is removed with its test.
struct File(PathBuf);

impl File {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("entourage-{}-{number}.db", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    async fn connect(&self, connections: usize) -> Database {
        Database::builder()
            .url(&format!("sqlite://{}", self.0.display()))
            .pool(PoolOptions::new().max_connections(connections))
            .connect()
            .await
            .unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
    }
}

#[track_caller]
fn statement(sql: &str) -> Statement {
    let kind = match sql.starts_with("SELECT") {
        true => StatementKind::Select,
        false => StatementKind::Update,
    };
    let plan = Plan::new(sql, kind, vec!["counter".into()]);
    Statement::new(Arc::new(plan), Vec::new(), Location::caller())
}

async fn send(executor: &dyn Executor, sql: &str) -> Result<()> {
    executor.run(&statement(sql), &mut NoRows).await.map(drop)
}

async fn number(executor: &dyn Executor, sql: &str) -> i64 {
    let mut number = None;
    let mut sink = |cells: &[Cell<'_>]| {
        if let Cell::Int(value) = cells[0] {
            number = Some(value);
        }
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&statement(sql), &mut sink).await.unwrap();
    number.unwrap()
}

const COUNTER: &str =
    "CREATE TABLE counter (n INTEGER NOT NULL CHECK (n < 10000)); INSERT INTO counter VALUES (0)";
const READ: &str = "SELECT n FROM counter";
const ADD: &str = "UPDATE counter SET n = n + 1";

#[tokio::test]
async fn a_database_in_memory_lives_as_long_as_its_handle() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    db.execute_script(COUNTER).await.unwrap();
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    drop(tx);
    assert_eq!(number(&db, READ).await, 0);
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    assert_eq!(number(&tx, READ).await, 1);
    tx.commit().await.unwrap();
    assert_eq!(number(&db, READ).await, 1);
    assert_eq!(db.pool_stats().opened, 1);
    db.close().await;
    assert_eq!(send(&db, ADD).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn readers_of_a_file_are_not_held_up_by_its_writer_and_cannot_write() {
    let file = File::new();
    let db = file.connect(4).await;
    db.execute_script(COUNTER).await.unwrap();
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    assert_eq!(number(&db, READ).await, 0);
    let reading = db.transaction().read_only().begin().await.unwrap();
    assert_eq!(number(&reading, READ).await, 0);
    tx.commit().await.unwrap();
    assert_eq!(number(&db, READ).await, 1);
    assert_eq!(number(&reading, READ).await, 0);
    assert!(send(&reading, ADD).await.is_err());
    reading.rollback().await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_read_only_transaction_in_memory_is_held_to_it_and_leaves_no_trace() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    db.execute_script(COUNTER).await.unwrap();
    let tx = db.transaction().read_only().begin().await.unwrap();
    assert!(send(&tx, ADD).await.is_err());
    drop(tx);
    send(&db, ADD).await.unwrap();
    assert_eq!(number(&db, READ).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn our_own_writers_never_meet_a_busy_database() {
    let file = File::new();
    let db = file.connect(6).await;
    db.execute_script(COUNTER).await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                for round in 0..40 {
                    match (task + round) % 4 {
                        0 => send(&db, ADD).await.unwrap(),
                        1 => {
                            let tx = db.begin().await.unwrap();
                            let before = number(&tx, READ).await;
                            send(&tx, ADD).await.unwrap();
                            assert_eq!(number(&tx, READ).await, before + 1);
                            tx.commit().await.unwrap();
                        }
                        2 => {
                            let tx = db.begin().await.unwrap();
                            send(&tx, ADD).await.unwrap();
                        }
                        _ => assert!(number(&db, READ).await >= 0),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(number(&db, READ).await, 16 * 40 / 2);
    db.close().await;
    assert_eq!(db.pool_stats().open, 0);
}

#[tokio::test]
async fn two_handles_on_one_file_lose_no_update() {
    let file = File::new();
    let (one, other) = (file.connect(2).await, file.connect(2).await);
    one.execute_script(COUNTER).await.unwrap();
    let add = |db: Database| {
        tokio::spawn(async move {
            for _ in 0..20 {
                let run = db.transaction().retry(Retry::default());
                let done: Result<()> = run
                    .run(|tx| async move {
                        let before = number(&tx, READ).await;
                        send(&tx, &format!("UPDATE counter SET n = {}", before + 1)).await
                    })
                    .await;
                done.unwrap();
            }
        })
    };
    let tasks = [add(one.clone()), add(other.clone()), add(one.clone())];
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(number(&other, READ).await, 60);
}

#[tokio::test]
async fn a_script_that_fails_leaves_nothing_open() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let failed = db.execute_script("BEGIN; CREATE TABLE a (n INTEGER); CREATE nonsense");
    let error = failed.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Syntax);
    assert!(error.call_site().unwrap().file().ends_with("tests.rs"));
    db.begin().await.unwrap().commit().await.unwrap();
    assert!(send(&db, "SELECT * FROM a").await.is_err());
}

#[tokio::test]
async fn an_error_names_table_and_call_and_is_told_to_the_observers() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    db.execute_script(COUNTER).await.unwrap();
    let recording = db.recorded();
    let error = send(&db, "UPDATE counter SET n = 10000").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckViolation);
    assert_eq!(error.table(), Some("counter"));
    assert!(error.call_site().is_some());
    assert_eq!(recording.count(), 1);
    assert_eq!(recording.statements()[0].kind, StatementKind::Update);
}

#[tokio::test]
async fn atomic_units_nest() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    db.execute_script(COUNTER).await.unwrap();
    let outer = db.atomic(Location::caller()).await.unwrap();
    send(outer.executor(), ADD).await.unwrap();
    let inner = outer.executor().atomic(Location::caller()).await.unwrap();
    send(inner.executor(), ADD).await.unwrap();
    drop(inner);
    outer.commit().await.unwrap();
    assert_eq!(number(&db, READ).await, 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_told_by_connect() {
    let refused = |builder: DatabaseBuilder| async move {
        let error: Error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    assert!(
        refused(Database::builder())
            .await
            .contains("no database was given")
    );
    let url = Database::builder().url("mongodb://host/db");
    assert!(refused(url).await.contains("mongodb"));
    let pool = PoolOptions::new().max_connections(0);
    let builder = Database::builder().url("sqlite::memory:").pool(pool);
    assert!(refused(builder).await.contains("max_connections"));
}

#[test]
fn no_password_is_shown() {
    let builder = Database::builder().url("postgres://ada:sesame@nowhere/db");
    assert!(!format!("{builder:?}").contains("sesame"));
}
