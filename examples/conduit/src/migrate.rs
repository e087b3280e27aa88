//! The tables, by sqlx's migrations: one folder for each database, compiled into the program.
//!
//! sqlx runs them on a connection of its own before the application connects. Its table `_sqlx_migrations` and the
//! command `cargo sqlx migrate` know each other.
use entourage::{ErrorKind, dialect::Dialect, driver::ConnectOptions};
use sqlx::{
    Connection, MySqlConnection, PgConnection, SqliteConnection, migrate::Migrator,
    sqlite::SqliteConnectOptions,
};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static MYSQL: Migrator = sqlx::migrate!("migrations/mysql");

/// Brings the database of a URL up to date.
///
/// # Errors
/// The reason why it cannot be reached or changed; an SQLite database in memory, which no second connection sees.
pub async fn run(url: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let options = ConnectOptions::parse(url)?;
    match options.dialect() {
        Dialect::Sqlite => {
            let mut connection = open_sqlite(&options).await?;
            SQLITE.run(&mut connection).await?;
            connection.close().await?;
        }
        Dialect::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            POSTGRES.run(&mut connection).await?;
            connection.close().await?;
        }
        Dialect::Mysql => {
            let mut connection = MySqlConnection::connect(url).await?;
            MYSQL.run(&mut connection).await?;
            connection.close().await?;
        }
    }
    Ok(())
}

async fn open_sqlite(
    options: &ConnectOptions,
) -> Result<SqliteConnection, Box<dyn std::error::Error + Send + Sync>> {
    let file = options.database_name().ok_or_else(|| {
        entourage::Error::new(ErrorKind::Configuration, "this database is in memory")
            .with_hint("name a file: sqlite://conduit.db")
    })?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    Ok(SqliteConnection::connect_with(&options).await?)
}
