//! Running on connections and transactions of the user's own sqlx.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::panic::Location;
use std::sync::Arc;

use entourage::Result;
use entourage::args;
use entourage::driver::NoRows;
use entourage::executor::{ExecutorHandle, IntoExecutor};
use entourage::observe::Scope;
use entourage::repository::Sql;
use entourage::statement::{Plan, Statement, StatementKind};
use entourage_tests::setup::{self, Skip, TestDatabase};
use sqlx::Connection;

#[track_caller]
fn insert(number: i32) -> Statement {
    let sql = format!("INSERT INTO numbers (n) VALUES ({number})");
    let plan = Plan::new(sql, StatementKind::Insert, vec!["numbers".into()]);
    Statement::new(Arc::new(plan), Vec::new(), Location::caller())
}

async fn send(executor: &ExecutorHandle<'_>, number: i32) -> Result<()> {
    executor.run(&insert(number), &mut NoRows).await.map(drop)
}

/// Two numbers of which only the first is kept; the second goes in two ways.
async fn use_scopes<'a>(executor: impl IntoExecutor<'a>, kept: i32, open_at_end: bool) {
    let executor = executor.into_executor();
    send(&executor, kept).await.unwrap();
    let scope = executor.atomic(Location::caller()).await.unwrap();
    scope
        .executor()
        .run(&insert(-1), &mut NoRows)
        .await
        .unwrap();
    drop(scope);
    let scope = executor.atomic(Location::caller()).await.unwrap();
    scope
        .executor()
        .run(&insert(kept + 1), &mut NoRows)
        .await
        .unwrap();
    scope.commit().await.unwrap();
    let scope = executor.atomic(Location::caller()).await.unwrap();
    scope
        .executor()
        .run(&insert(-2), &mut NoRows)
        .await
        .unwrap();
    match open_at_end {
        true => drop(scope),
        false => scope.rollback().await.unwrap(),
    }
}

async fn made(database: std::result::Result<TestDatabase, Skip>) -> Option<TestDatabase> {
    database.map_err(|skip| skip.report()).ok()
}

macro_rules! lent {
    ($name:ident, $setup:path, $connection:ty) => {
        #[tokio::test]
        async fn $name() {
            let Some(database) = made($setup().await).await else {
                return;
            };
            let mut connection = <$connection>::connect(database.url()).await.unwrap();
            let create = "CREATE TABLE numbers (n INTEGER NOT NULL)";
            sqlx::query(create).execute(&mut connection).await.unwrap();

            // A connection that is lent belongs to no handle, and to the scope all the same.
            let scope = Scope::new();
            scope.run(use_scopes(&mut connection, 1, true)).await;
            assert_eq!(scope.count(), 4);
            let mut tx = connection.begin().await.unwrap();
            use_scopes(&mut tx, 3, true).await;
            use_scopes(&mut *tx, 5, false).await;
            tx.commit().await.unwrap();
            let mut tx = connection.begin().await.unwrap();
            use_scopes(&mut tx, 7, false).await;
            tx.rollback().await.unwrap();

            let sum = "SELECT CAST(SUM(n) AS SIGNED) FROM numbers";
            let sum = match database.url().starts_with("postgres") {
                true => "SELECT SUM(n)::bigint FROM numbers",
                false => sum,
            };
            let sum: i64 = sqlx::query_scalar(sum)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            assert_eq!(sum, 1 + 2 + 3 + 4 + 5 + 6);

            // A plan is asked for on it, too.
            let read = "SELECT n FROM numbers WHERE n > ?";
            let plan = Sql::new(&mut connection, read, args![2]).explain();
            assert_eq!(plan.await.unwrap().full_scans().count(), 1);
            let plan = Sql::new(&mut connection, read, args![2]).explain_analyze();
            assert_eq!(plan.await.unwrap().rows, Some(4));
            connection.close().await.unwrap();
        }
    };
}

lent!(
    a_postgresql_connection_comes_back_as_it_went,
    setup::postgres,
    sqlx::PgConnection
);
lent!(
    a_mysql_connection_comes_back_as_it_went,
    setup::mysql,
    sqlx::MySqlConnection
);
