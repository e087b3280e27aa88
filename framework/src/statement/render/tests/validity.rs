//! Real databases take the texts: each query is run on empty tables.
//!
//! PostgreSQL and MySQL or MariaDB are those of the drivers' tests, see [`Scene`].
use std::panic::Location;

use proptest::{
    collection::vec,
    prelude::any,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    arbitrary::{Owned, Tape},
    models::Models,
    queries::groups,
};
use crate::{
    dialect::Dialect,
    driver::{Connection, NoRows, tests::Scene},
    error::{Error, ErrorKind},
    schema::EntitySet,
    statement::{
        Statement, ddl,
        render::{Backend, render},
    },
};

/// Runs `query` and takes it back.
async fn run(connection: &mut dyn Connection, query: &Owned) -> Result<(), (String, Error)> {
    let backend = Backend {
        dialect: connection.dialect(),
        capabilities: connection.capabilities(),
    };
    let Ok((plan, args)) = render(query.query(), backend) else {
        return Ok(());
    };
    let plan = std::sync::Arc::new(plan.one_off());
    let sql = plan.sql.to_string();
    let statement = Statement::new(plan, args, Location::caller());
    connection.batch("BEGIN").await.unwrap();
    let result = connection.run(&statement, &mut NoRows).await;
    connection.batch("ROLLBACK").await.unwrap();
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_refused_data(&error) => Ok(()),
        Err(error) => Err((sql, error)),
    }
}

/// The text was valid, the rows were not.
fn is_refused_data(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
    )
}

async fn create(connection: &mut dyn Connection) {
    let dialect = connection.dialect();
    let creation = ddl::create(&Models::tables(), dialect).unwrap();
    for plan in creation.plans {
        connection.batch(&plan.sql).await.unwrap();
    }
    for deferred in creation.deferred {
        connection
            .batch(&deferred.add(dialect).unwrap().sql)
            .await
            .unwrap();
    }
}

async fn check(dialect: Dialect, random: usize) {
    let Some(mut scene) = Scene::new(dialect).await else {
        return;
    };
    let connection = &mut *scene.connection;
    create(connection).await;
    let mut failures = Vec::new();
    for (_, queries) in groups() {
        for (title, query) in queries {
            if let Err((sql, error)) = run(connection, &query).await {
                failures.push(format!("{title}: {error:?}\n  {sql}"));
            }
        }
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tapes = vec(any::<u16>(), 0..90);
    for _ in 0..random {
        let tape = tapes.new_tree(&mut runner).unwrap().current();
        let query = Tape::new(&tape, dialect).query();
        if let Err((sql, error)) = run(connection, &query).await {
            failures.push(format!("a random query: {error:?}\n  {sql}"));
        }
    }
    scene.end().await;
    assert!(
        failures.is_empty(),
        "{} texts were refused\n\n{}",
        failures.len(),
        failures[..failures.len().min(12)].join("\n\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_takes_every_text() {
    check(Dialect::Sqlite, 1_500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_takes_every_text() {
    check(Dialect::Postgres, 1_500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_or_mariadb_takes_every_text() {
    check(Dialect::Mysql, 1_500).await;
}
