//! What holds for every driver, on each database at hand.
//!
//! SQLite is always there. PostgreSQL and MySQL or MariaDB are where `ENTOURAGE_TEST_POSTGRES_URL` and
//! `ENTOURAGE_TEST_MYSQL_URL` say; without them a test says SKIPPED, and fails if `REQUIRE_DATABASES=1`.
mod cases;
mod statements;
mod values;

use std::{io::Write as _, ops::ControlFlow, panic::Location, sync::Arc};

use super::{ConnectOptions, Connection, Outcome, connect, options::product};
use crate::{
    dialect::Dialect,
    error::Result,
    schema::{Cell, Value},
    statement::{Plan, Statement, StatementKind},
};

/// One database to test, made for the test and dropped after it.
pub(crate) struct Scene {
    pub(crate) options: ConnectOptions,
    pub(crate) connection: Box<dyn Connection>,
    admin: Option<(Box<dyn Connection>, String)>,
}

impl Scene {
    /// A fresh database of `dialect`; none if there is no server to make it on.
    pub(crate) async fn new(dialect: Dialect) -> Option<Self> {
        let variable = match dialect {
            Dialect::Sqlite => {
                let options = ConnectOptions::sqlite_in_memory();
                return match connect(&options).await {
                    Ok(connection) => Some(Self {
                        options,
                        connection,
                        admin: None,
                    }),
                    Err(error) => skip(dialect, &error.to_string()),
                };
            }
            Dialect::Postgres => "ENTOURAGE_TEST_POSTGRES_URL",
            Dialect::Mysql => "ENTOURAGE_TEST_MYSQL_URL",
        };
        let Ok(url) = std::env::var(variable) else {
            return skip(dialect, &format!("{variable} is not set"));
        };
        let options = match ConnectOptions::parse(&url) {
            Ok(options) => options,
            Err(error) => return skip(dialect, &error.to_string()),
        };
        let name = format!("entourage_driver_{}", uuid::Uuid::new_v4().simple());
        let mut admin = connect(&options).await.expect("the test server answers");
        let encoding = match dialect {
            Dialect::Mysql => " CHARACTER SET utf8mb4",
            _ => "",
        };
        admin
            .batch(&format!("CREATE DATABASE {name}{encoding}"))
            .await
            .expect("a database can be made");
        let options = options.database(&name);
        let connection = connect(&options).await.expect("the new database answers");
        Some(Self {
            options,
            connection,
            admin: Some((admin, name)),
        })
    }

    pub(crate) async fn end(self) {
        self.connection.close().await;
        if let Some((mut admin, name)) = self.admin {
            let force = match admin.dialect() {
                Dialect::Postgres => " WITH (FORCE)",
                _ => "",
            };
            admin
                .batch(&format!("DROP DATABASE {name}{force}"))
                .await
                .expect("the database can be dropped");
            admin.close().await;
        }
    }
}

fn skip(dialect: Dialect, why: &str) -> Option<Scene> {
    let name = product(dialect);
    assert!(
        std::env::var("REQUIRE_DATABASES").as_deref() != Ok("1"),
        "{name} is required: {why}"
    );
    // Past the capture of the test harness.
    let _ = writeln!(std::io::stderr(), "SKIPPED on {name}: {why}");
    None
}

/// Runs a case on every database at hand.
macro_rules! on_each_database {
    ($($case:ident)*) => {
        mod sqlite { crate::driver::tests::on_each_database!(@ Sqlite $($case)*); }
        mod postgres { crate::driver::tests::on_each_database!(@ Postgres $($case)*); }
        mod mysql { crate::driver::tests::on_each_database!(@ Mysql $($case)*); }
    };
    (@ $dialect:ident $($case:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            let dialect = crate::dialect::Dialect::$dialect;
            if let Some(mut scene) = crate::driver::tests::Scene::new(dialect).await {
                super::$case(&mut scene).await;
                scene.end().await;
            }
        })*
    };
}
pub(super) use on_each_database;

#[track_caller]
pub(super) fn statement(sql: &str, kind: StatementKind, args: Vec<Value>) -> Statement {
    Statement::new(
        Arc::new(Plan::new(sql, kind, Vec::new())),
        args,
        Location::caller(),
    )
}

/// `?` as the dialect writes it.
pub(super) fn placeholders(dialect: Dialect, sql: &str) -> String {
    if dialect != Dialect::Postgres {
        return sql.to_owned();
    }
    let mut out = String::new();
    for (index, part) in sql.split('?').enumerate() {
        if index > 0 {
            out.push_str(&format!("${index}"));
        }
        out.push_str(part);
    }
    out
}

/// Runs a statement and keeps its rows as owned text, for comparison.
pub(super) async fn rows(
    connection: &mut dyn Connection,
    sql: &str,
    args: Vec<Value>,
) -> Result<(Vec<Vec<String>>, Outcome)> {
    let sql = placeholders(connection.dialect(), sql);
    let mut rows = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        rows.push(cells.iter().map(|cell| format!("{cell:?}")).collect());
        Ok(ControlFlow::Continue(()))
    };
    let statement = statement(&sql, StatementKind::Other, args);
    let outcome = connection.run(&statement, &mut sink).await?;
    Ok((rows, outcome))
}
