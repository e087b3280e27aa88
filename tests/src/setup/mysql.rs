//! MySQL and MariaDB databases on the server that [`MYSQL_URL`] offers.

use std::sync::Once;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::database::{finish_blocking, is_stale, unique_database_name, url_of};
use super::{MYSQL_URL, Product, Skip, TestDatabase};

/// An empty database, in utf8mb4 with the server's own collation: the one users meet.
///
/// # Panics
///
/// When the server that the environment offers does not answer or refuses.
pub async fn mysql() -> Result<TestDatabase, Skip> {
    static SWEEP: Once = Once::new();
    let Ok(server) = std::env::var(MYSQL_URL) else {
        return Err(Skip::new(format!(
            "no MariaDB or MySQL: run `cargo xtask test`, or set {MYSQL_URL}"
        )));
    };
    if !SWEEP.is_completed() {
        sweep(&server).await;
        SWEEP.call_once(|| ());
    }
    let name = unique_database_name();
    let product = create(&server, &name)
        .await
        .unwrap_or_else(|error| panic!("{MYSQL_URL} does not serve: {error}"));
    let url = url_of(&server, &name, MYSQL_URL);
    Ok(TestDatabase::new(url, product, move || {
        finish_blocking(move || remove(server, name))
    }))
}

async fn create(server: &str, database: &str) -> sqlx::Result<Product> {
    execute(
        server,
        format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"),
    )
    .await?;
    let mut connection = MySqlConnection::connect(server).await?;
    let version: String = sqlx::query_scalar("SELECT VERSION()")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(if version.contains("MariaDB") {
        Product::Mariadb
    } else {
        Product::Mysql
    })
}

async fn execute(server: &str, sql: String) -> sqlx::Result<()> {
    let mut connection = MySqlConnection::connect(server).await?;
    // A transaction somebody left open holds the tables' metadata: do not wait a day for it.
    sqlx::raw_sql("SET lock_wait_timeout = 5")
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

async fn remove(server: String, database: String) {
    // What cannot be dropped now is stale for a later process.
    _ = execute(&server, format!("DROP DATABASE IF EXISTS {database}")).await;
}

async fn sweep(server: &str) {
    for database in databases(server).await.unwrap_or_default() {
        if is_stale(&database) {
            remove(server.to_owned(), database).await;
        }
    }
}

async fn databases(server: &str) -> sqlx::Result<Vec<String>> {
    let mut connection = MySqlConnection::connect(server).await?;
    let sql = "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata";
    let names = sqlx::query_scalar(sql).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::require;

    #[tokio::test]
    async fn each_test_has_a_database_of_its_own_which_goes_with_its_guard() {
        let (one, two) = (require!(mysql().await), require!(mysql().await));
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
        let _connection = MySqlConnection::connect(&url).await.unwrap();
        drop(one);
        assert!(execute(&url, "SELECT 1".to_owned()).await.is_err());
        execute(two.url(), "SELECT id FROM t".to_owned())
            .await
            .unwrap();
    }
}
