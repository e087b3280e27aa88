//! PostgreSQL databases on the server that [`POSTGRES_URL`] offers.

use std::sync::Once;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::database::{finish_blocking, is_stale, unique_database_name, url_of};
use super::{POSTGRES_URL, Product, Skip, TestDatabase};

/// An empty database, in UTF-8 and ordered by bytes whatever the server's locale.
///
/// # Panics
///
/// When the server that the environment offers does not answer or refuses.
pub async fn postgres() -> Result<TestDatabase, Skip> {
    static SWEEP: Once = Once::new();
    let Ok(server) = std::env::var(POSTGRES_URL) else {
        return Err(Skip::new(format!(
            "no PostgreSQL: run `cargo xtask test`, or set {POSTGRES_URL}"
        )));
    };
    if !SWEEP.is_completed() {
        sweep(&server).await;
        SWEEP.call_once(|| ());
    }
    let name = unique_database_name();
    // template0 has no sessions, so that many tests may copy it at once.
    let create = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    execute(&server, create)
        .await
        .unwrap_or_else(|error| panic!("{POSTGRES_URL} does not serve: {error}"));
    let url = url_of(&server, &name, POSTGRES_URL);
    Ok(TestDatabase::new(url, Product::Postgres, move || {
        finish_blocking(move || remove(server, name))
    }))
}

async fn execute(server: &str, sql: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

async fn remove(server: String, database: String) {
    // What cannot be dropped now is stale for a later process.
    _ = execute(
        &server,
        format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
    )
    .await;
}

async fn sweep(server: &str) {
    for database in databases(server).await.unwrap_or_default() {
        if is_stale(&database) {
            remove(server.to_owned(), database).await;
        }
    }
}

async fn databases(server: &str) -> sqlx::Result<Vec<String>> {
    let mut connection = PgConnection::connect(server).await?;
    let names = sqlx::query_scalar("SELECT datname::text FROM pg_database")
        .fetch_all(&mut connection)
        .await?;
    connection.close().await?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::require;

    #[tokio::test]
    async fn each_test_has_a_database_of_its_own_which_goes_with_its_guard() {
        let (one, two) = (require!(postgres().await), require!(postgres().await));
        assert_ne!(one.url(), two.url());
        for database in [&one, &two] {
            execute(
                database.url(),
                "CREATE TABLE t (id INT PRIMARY KEY)".to_owned(),
            )
            .await
            .unwrap();
        }
        let url = one.url().to_owned();
        // Whoever is still connected does not keep it alive.
        let _connection = PgConnection::connect(&url).await.unwrap();
        drop(one);
        assert!(execute(&url, "SELECT 1".to_owned()).await.is_err());
        execute(two.url(), "SELECT id FROM t".to_owned())
            .await
            .unwrap();
    }
}
