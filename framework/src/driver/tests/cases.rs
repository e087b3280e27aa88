//! Statements, errors, streams and cancellation.
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Scene, on_each_database, placeholders, rows, statement};
use crate::{
    dialect::Dialect,
    driver::{NoRows, RowSender, connect},
    error::{Error, ErrorKind, Result},
    schema::{Cell, ColumnValue, Row},
    statement::{Plan, Statement, StatementKind},
};

on_each_database! {
    a_script_runs_all_its_statements
    rows_changed_are_counted
    preparing_is_reported_truthfully
    constraint_violations_name_what_they_violate
    a_syntax_error_and_an_unknown_table_are_told_apart_from_lost_connections
    a_wrong_number_of_arguments_is_an_error
    a_sink_ends_a_statement_early
    the_errors_of_a_sink_come_back
    a_stream_keeps_pace_and_order
    a_cancelled_statement_leaves_no_doubt
}

const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL, age INTEGER, \
                     CONSTRAINT users_email UNIQUE (email), CONSTRAINT adult CHECK (age >= 18)); \
                     CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER, \
                     CONSTRAINT posts_author FOREIGN KEY (author_id) REFERENCES users (id));";

async fn tables(scene: &mut Scene) {
    scene.connection.batch(TABLE).await.expect("tables");
}

async fn insert(scene: &mut Scene, id: i32, email: Option<&str>, age: i32) -> Result<u64> {
    let sql = "INSERT INTO users (id, email, age) VALUES (?, ?, ?)";
    let email = email.map(str::to_owned);
    let args = vec![id.to_value(), email.to_value(), age.to_value()];
    let (_, outcome) = rows(&mut *scene.connection, sql, args).await?;
    Ok(outcome.affected)
}

/// `count` rows of one integer.
fn series(dialect: Dialect, count: u64) -> Statement {
    let sql = match dialect {
        Dialect::Postgres => format!("SELECT generate_series(1, {count})"),
        // MariaDB has sequences for it, MySQL has not, and a recursive query gives nothing before it has all.
        Dialect::Mysql => format!(
            "SELECT CAST(@n := @n + 1 AS SIGNED) FROM (SELECT @n := 0) AS start, information_schema.collations AS a, \
             information_schema.collations AS b, information_schema.collations AS c, information_schema.collations AS d \
             LIMIT {count}"
        ),
        Dialect::Sqlite => format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s"
        ),
    };
    statement(&sql, StatementKind::Select, vec![])
}

async fn a_script_runs_all_its_statements(scene: &mut Scene) {
    tables(scene).await;
    let script = "BEGIN; INSERT INTO users VALUES (1, 'a;b', 20); INSERT INTO users VALUES (2, 'c', 20); COMMIT";
    scene.connection.batch(script).await.unwrap();
    scene.connection.batch("").await.unwrap();
    scene.connection.batch("BEGIN").await.unwrap();
    scene.connection.batch("DELETE FROM users").await.unwrap();
    scene.connection.batch("ROLLBACK").await.unwrap();
    let connection = &mut *scene.connection;
    let (found, outcome) = rows(connection, "SELECT email FROM users ORDER BY id", vec![])
        .await
        .unwrap();
    assert_eq!(found, [["Text(\"a;b\")"], ["Text(\"c\")"]]);
    assert_eq!((outcome.rows, outcome.affected), (2, 0));
    connection.ping().await.unwrap();
    assert!(!connection.is_broken());
}

async fn rows_changed_are_counted(scene: &mut Scene) {
    tables(scene).await;
    for id in 1..=3 {
        assert_eq!(
            insert(scene, id, Some(&format!("u{id}")), 20)
                .await
                .unwrap(),
            1
        );
    }
    let connection = &mut *scene.connection;
    let update = "UPDATE users SET age = age + 1 WHERE id > ?";
    let (_, outcome) = rows(connection, update, vec![1_i32.to_value()])
        .await
        .unwrap();
    assert_eq!((outcome.rows, outcome.affected), (0, 2));
    let (_, outcome) = rows(connection, "CREATE TABLE other (id INTEGER)", vec![])
        .await
        .unwrap();
    assert_eq!(outcome.affected, 0);
    if connection.capabilities().returning {
        let delete = "DELETE FROM users WHERE id < ? RETURNING id";
        let (found, _) = rows(connection, delete, vec![3_i32.to_value()])
            .await
            .unwrap();
        assert_eq!(found, [["Int(1)"], ["Int(2)"]]);
    }
}

async fn preparing_is_reported_truthfully(scene: &mut Scene) {
    let connection = &mut *scene.connection;
    let run = async |connection: &mut dyn crate::driver::Connection, plan: &Arc<Plan>| {
        let statement = Statement::new(Arc::clone(plan), vec![], std::panic::Location::caller());
        connection
            .run(&statement, &mut NoRows)
            .await
            .map(|outcome| outcome.prepared)
    };
    let kept = Arc::new(Plan::new("SELECT 1", StatementKind::Select, vec![]));
    assert_eq!(run(connection, &kept).await.unwrap(), Some(false));
    assert_eq!(run(connection, &kept).await.unwrap(), Some(true));
    connection.clear_statements().await.unwrap();
    assert_eq!(run(connection, &kept).await.unwrap(), Some(false));
    let once = Arc::new(Plan::new("SELECT 2", StatementKind::Select, vec![]).one_off());
    assert_eq!(run(connection, &once).await.unwrap(), None);
    assert_eq!(run(connection, &once).await.unwrap(), None);
    let bad = Arc::new(Plan::new("SELECT nothing", StatementKind::Select, vec![]));
    assert!(run(connection, &bad).await.is_err());
    assert_eq!(run(connection, &kept).await.unwrap(), Some(true));
}

async fn constraint_violations_name_what_they_violate(scene: &mut Scene) {
    tables(scene).await;
    let dialect = scene.options.dialect();
    insert(scene, 1, Some("secret@x.org"), 20).await.unwrap();

    let error = insert(scene, 2, Some("secret@x.org"), 20)
        .await
        .unwrap_err();
    assert!(error.is_unique_violation(), "{error:?}");
    assert!(!error.to_string().contains("secret"), "{error}");
    match dialect {
        Dialect::Sqlite => assert_eq!(error.table(), Some("users")),
        _ => assert_eq!(error.constraint(), Some("users_email")),
    }
    if dialect != Dialect::Mysql {
        assert_eq!(error.columns(), ["email"]);
    }
    assert!(error.code().is_some());

    let error = insert(scene, 2, None, 20).await.unwrap_err();
    assert!(error.is_not_null_violation(), "{error:?}");
    assert_eq!(error.columns(), ["email"], "{error:?}");

    let error = insert(scene, 2, Some("secret2"), 17).await.unwrap_err();
    assert!(error.is_check_violation(), "{error:?}");
    assert_eq!(error.constraint(), Some("adult"));
    assert!(!error.to_string().contains("secret"), "{error}");

    let sql = "INSERT INTO posts (id, author_id) VALUES (?, ?)";
    let args = vec![1_i32.to_value(), 98765_i32.to_value()];
    let error = rows(&mut *scene.connection, sql, args).await.unwrap_err();
    assert!(error.is_foreign_key_violation(), "{error:?}");
    assert!(!error.to_string().contains("98765"), "{error}");
    if dialect != Dialect::Sqlite {
        assert_eq!(error.constraint(), Some("posts_author"));
    }
    assert!(!scene.connection.is_broken());
}

async fn a_syntax_error_and_an_unknown_table_are_told_apart_from_lost_connections(
    scene: &mut Scene,
) {
    for sql in ["SELEC 1", "SELECT * FROM nowhere"] {
        let error = rows(&mut *scene.connection, sql, vec![]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Syntax, "{error:?}");
        let error = scene.connection.batch(sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Syntax, "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
    }
    assert!(!scene.connection.is_broken());
    scene.connection.ping().await.unwrap();
}

async fn a_wrong_number_of_arguments_is_an_error(scene: &mut Scene) {
    tables(scene).await;
    let sql = "SELECT id FROM users WHERE id = ?";
    for args in [vec![], vec![1_i32.to_value(), 2_i32.to_value()]] {
        let error = rows(&mut *scene.connection, sql, args).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}");
        assert!(!scene.connection.is_broken());
    }
    let args = vec![1_i32.to_value()];
    rows(&mut *scene.connection, sql, args).await.unwrap();
}

async fn a_sink_ends_a_statement_early(scene: &mut Scene) {
    let mut left = 3;
    let mut sink = |_: &[Cell<'_>]| {
        left -= 1;
        Ok(if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    let many = series(scene.options.dialect(), 1000);
    let outcome = scene.connection.run(&many, &mut sink).await.unwrap();
    assert_eq!(outcome.rows, 3);
    assert!(!scene.connection.is_broken());
    let (found, _) = rows(&mut *scene.connection, "SELECT 1", vec![])
        .await
        .unwrap();
    assert_eq!(found, [["Int(1)"]]);
}

async fn the_errors_of_a_sink_come_back(scene: &mut Scene) {
    let mut sink = |cells: &[Cell<'_>]| {
        Row::new(cells).read::<bool>()?;
        Ok(ControlFlow::Continue(()))
    };
    let many = series(scene.options.dialect(), 1000);
    let error = scene.connection.run(&many, &mut sink).await.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    assert!(!scene.connection.is_broken());
    rows(&mut *scene.connection, "SELECT 1", vec![])
        .await
        .unwrap();
}

struct Channel {
    buffered: Option<i64>,
    sender: mpsc::Sender<i64>,
    decoded: Arc<AtomicU64>,
}

#[async_trait]
impl RowSender for Channel {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        self.decoded.fetch_add(1, Ordering::SeqCst);
        self.buffered = Some(Row::new(cells).read()?);
        Ok(ControlFlow::Continue(()))
    }

    async fn sent(&mut self) -> ControlFlow<()> {
        let row = self.buffered.take().expect("a row was decoded");
        match self.sender.send(row).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn sent_blocking(&mut self) -> ControlFlow<()> {
        let row = self.buffered.take().expect("a row was decoded");
        match self.sender.blocking_send(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

fn channel() -> (Box<Channel>, mpsc::Receiver<i64>, Arc<AtomicU64>) {
    let (sender, receiver) = mpsc::channel(1);
    let decoded = Arc::new(AtomicU64::new(0));
    let channel = Channel {
        buffered: None,
        sender,
        decoded: Arc::clone(&decoded),
    };
    (Box::new(channel), receiver, decoded)
}

async fn a_stream_keeps_pace_and_order(scene: &mut Scene) {
    let many = series(scene.options.dialect(), 3000);
    let (sender, mut receiver, decoded) = channel();
    let consume = async {
        let mut expected = 1;
        while let Some(row) = receiver.recv().await {
            assert_eq!(row, expected);
            let ahead = decoded.load(Ordering::SeqCst) - u64::try_from(row).expect("positive");
            assert!(ahead <= 3, "{ahead} rows decoded ahead of the consumer");
            expected += 1;
        }
        expected - 1
    };
    let (outcome, count) = tokio::join!(scene.connection.stream(&many, sender), consume);
    assert_eq!((outcome.unwrap().rows, count), (3000, 3000));

    // A consumer that goes ends the statement.
    let (sender, mut receiver, _) = channel();
    let (outcome, _) = tokio::join!(scene.connection.stream(&many, sender), async move {
        receiver.recv().await
    });
    assert!(outcome.unwrap().rows < 3000);
    rows(&mut *scene.connection, "SELECT 1", vec![])
        .await
        .unwrap();
}

async fn a_cancelled_statement_leaves_no_doubt(scene: &mut Scene) {
    scene
        .connection
        .batch("CREATE TABLE kept (id INTEGER)")
        .await
        .unwrap();
    let many = series(scene.options.dialect(), 1_000_000_000_000);
    let (sender, mut receiver, _) = channel();
    tokio::select! {
        _ = scene.connection.stream(&many, sender) => panic!("the stream cannot end"),
        _ = async {
            receiver.recv().await;
            receiver.recv().await;
        } => {}
    }
    drop(receiver);
    if scene.options.dialect() == Dialect::Sqlite {
        assert!(!scene.connection.is_broken());
        let next = rows(&mut *scene.connection, "SELECT * FROM kept", vec![]);
        let next = tokio::time::timeout(Duration::from_secs(60), next);
        next.await.expect("the stream goes on").unwrap();
    } else {
        assert!(scene.connection.is_broken());
        let next = connect(&scene.options).await.unwrap();
        std::mem::replace(&mut scene.connection, next).close().await;
        let sleep = match scene.options.dialect() {
            Dialect::Postgres => "SELECT 1 FROM pg_sleep(5)",
            _ => "SELECT sleep(5)",
        };
        let sleep = statement(sleep, StatementKind::Select, vec![]);
        let mut sink = NoRows;
        let run = scene.connection.run(&sleep, &mut sink);
        let cancelled = tokio::time::timeout(Duration::from_millis(50), run).await;
        assert!(cancelled.is_err());
        assert!(scene.connection.is_broken());
        let next = connect(&scene.options).await.unwrap();
        scene.connection = next;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_at_once() {
    for (url, cause) in [
        ("postgres://ada:sesame@127.0.0.1:1/blog", "refused"),
        ("mysql://ada:sesame@127.0.0.1:1/blog", "refused"),
        ("sqlite:///no/such/folder/blog.db", "does not exist"),
    ] {
        let Ok(options) = crate::driver::ConnectOptions::parse(url) else {
            continue;
        };
        let started = Instant::now();
        let error = connect(&options).await.unwrap_err();
        let in_time = started.elapsed() < options.get_connect_timeout() / 2;
        assert!(in_time, "{url}");
        assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(cause), "{text}");
        assert!(!text.contains("sesame"), "{text}");
    }
}

fn assert_refused(result: Result<Box<dyn crate::driver::Connection>>, name: &str) {
    let error: Error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error:?}");
    assert!(error.to_string().contains(name), "{error}");
}

#[tokio::test]
async fn an_unknown_database_is_named() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        if let Some(scene) = Scene::new(dialect).await {
            let options = scene.options.clone().database("no_such_database");
            assert_refused(connect(&options).await, "no_such_database");
            scene.end().await;
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_connect_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://ada:sesame@127.0.0.1:{port}/blog?connect_timeout=100ms");
        let Ok(options) = crate::driver::ConnectOptions::parse(&url) else {
            continue;
        };
        let started = Instant::now();
        let error = connect(&options).await.unwrap_err();
        // Half the time that it would take without the option.
        assert!(started.elapsed() < Duration::from_secs(5));
        assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
        assert!(error.to_string().contains("100ms"), "{error}");
    }
}

#[test]
fn placeholders_are_numbered_for_postgres() {
    assert_eq!(
        placeholders(Dialect::Postgres, "a = ? AND b = ?"),
        "a = $1 AND b = $2"
    );
}
