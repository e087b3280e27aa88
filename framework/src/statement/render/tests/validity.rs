//! Real databases take the texts: each query is run on empty tables.
//!
//! PostgreSQL and MySQL or MariaDB are those of the drivers' tests, see [`Scene`].
use std::{ops::ControlFlow, panic::Location};

use proptest::{
    collection::vec,
    prelude::any,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    arbitrary::{Owned, Tape},
    models::{Country, Models, User, user},
    queries::groups,
};
use crate::{
    dialect::Dialect,
    driver::{Connection, NoRows, tests::Scene},
    error::{Error, ErrorKind},
    schema::{Cell, Entity, EntitySet, Relation, Value, expression::ByAddress},
    statement::{
        Statement, ddl,
        query::{Keys, Level, Link, Part},
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
    let args = query.arguments(args);
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

/// The text was valid, the rows were not. 21000: an upsert of PostgreSQL's was given the same key twice.
fn is_refused_data(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
    ) || error.code() == Some("21000")
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

/// Users who share a country, in words that a collation may take for equal.
async fn fill(connection: &mut dyn Connection) {
    let users = [("ada", "de"), ("bob", "de"), ("cyd", "fr"), ("dan", "DE")];
    let countries = match connection.dialect() {
        Dialect::Mysql => "('de', 'Germany'), ('fr', 'France')",
        _ => "('de', 'Germany'), ('fr', 'France'), ('DE', 'GERMANY')",
    };
    let mut script = format!("INSERT INTO countries (code, name) VALUES {countries};");
    for (id, (name, country)) in (1..).zip(users) {
        script += &format!(
            "INSERT INTO users (id, email, name, country_code, version)
             VALUES ({id}, '{name}@x.org', '{name}', '{country}', 0);"
        );
    }
    connection.batch(&script).await.unwrap();
}

/// The key that each row of `query` is linked by, and the rest of the row.
async fn linked(connection: &mut dyn Connection, query: &Owned) -> Vec<String> {
    let backend = Backend {
        dialect: connection.dialect(),
        capabilities: connection.capabilities(),
    };
    let (plan, args) = render(query.query(), backend).unwrap();
    let statement = Statement::new(plan.into(), args, Location::caller());
    let mut rows = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        rows.push(format!("{cells:?}"));
        Ok(ControlFlow::Continue(()))
    };
    connection.run(&statement, &mut sink).await.unwrap();
    rows.sort();
    rows
}

/// However many parents share a text key, the row it leads to comes once for each way the key is written.
async fn a_shared_text_key_returns_its_row_once(dialect: Dialect) {
    let Some(mut scene) = Scene::new(dialect).await else {
        return;
    };
    let connection = &mut *scene.connection;
    create(connection).await;
    fill(connection).await;
    let by_values = |codes: &[&str]| {
        let keys = codes
            .iter()
            .map(|&code| vec![Value::String(Some(code.to_owned()))])
            .collect();
        Owned::Level(Level {
            columns: vec![1],
            link: Some(Link {
                relation: ByAddress(user::Country::def()),
                keys: Keys::Values(keys),
            }),
            ..Level::all(Country::table())
        })
    };
    let german = match dialect {
        Dialect::Mysql => "Germany",
        _ => "GERMANY",
    };
    let expected = [
        format!("[Text(\"DE\"), Text({german:?})]"),
        "[Text(\"de\"), Text(\"Germany\")]".to_owned(),
        "[Text(\"fr\"), Text(\"France\")]".to_owned(),
    ];
    assert_eq!(
        linked(connection, &by_values(&["de", "fr", "DE"])).await,
        expected
    );
    let unified = Owned::Unified(vec![
        Part::Rows(Level {
            columns: vec![User::COUNTRY_CODE.position()],
            ..Level::all(User::table())
        }),
        Part::Rows(Level {
            columns: vec![1],
            link: Some(Link {
                relation: ByAddress(user::Country::def()),
                keys: Keys::Level {
                    level: 0,
                    ordinals: vec![0],
                },
            }),
            ..Level::all(Country::table())
        }),
    ]);
    let rows = linked(connection, &unified).await;
    assert_eq!(
        rows.iter().filter(|row| row.starts_with("[Int(1)")).count(),
        3,
        "{rows:#?}"
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_returns_the_row_of_a_shared_text_key_once() {
    a_shared_text_key_returns_its_row_once(Dialect::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_returns_the_row_of_a_shared_text_key_once() {
    a_shared_text_key_returns_its_row_once(Dialect::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_or_mariadb_returns_the_row_of_a_shared_text_key_once() {
    a_shared_text_key_returns_its_row_once(Dialect::Mysql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_takes_every_text() {
    check(Dialect::Sqlite, 1_500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_takes_every_text() {
    check(Dialect::Postgres, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_or_mariadb_takes_every_text() {
    check(Dialect::Mysql, 300).await;
}
