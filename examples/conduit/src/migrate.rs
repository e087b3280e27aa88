//! The tables, by sqlx's migrations: one folder for each database, compiled into the program.
//!
//! sqlx runs them on a connection of its own before the application connects. Its table `_sqlx_migrations` and the
//! command `cargo sqlx migrate` know each other. The files are listed by hand: `sqlx::migrate!` would find them, but for
//! a macro the compiler builds every driver a second time.
use entourage::{ErrorKind, dialect::Dialect, driver::ConnectOptions};
use sqlx::{
    Connection, MySqlConnection, PgConnection, SqlStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::SqliteConnectOptions,
};

/// The migrations in one database's folder, by version.
macro_rules! migrations {
    ($folder:literal) => {
        [
            (
                1,
                "tables",
                include_str!(concat!("../migrations/", $folder, "/0001_tables.sql")),
            ),
            (
                2,
                "views",
                include_str!(concat!("../migrations/", $folder, "/0002_views.sql")),
            ),
        ]
    };
}

fn migrator<const N: usize>(migrations: [(i64, &'static str, &'static str); N]) -> Migrator {
    let migration = |(version, description, sql): (_, &'static str, _)| {
        let sql = SqlStr::from_static(sql);
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            sql,
            false,
        )
    };
    Migrator::with_migrations(migrations.map(migration).into())
}

/// Brings the database of a URL up to date.
///
/// # Errors
/// The reason why it cannot be reached or changed; an SQLite database in memory, which no second connection sees.
pub async fn run(url: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let options = ConnectOptions::parse(url)?;
    match options.dialect() {
        Dialect::Sqlite => {
            let mut connection = open_sqlite(&options).await?;
            migrator(migrations!("sqlite")).run(&mut connection).await?;
            connection.close().await?;
        }
        Dialect::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            migrator(migrations!("postgres"))
                .run(&mut connection)
                .await?;
            connection.close().await?;
        }
        Dialect::Mysql => {
            let mut connection = MySqlConnection::connect(url).await?;
            migrator(migrations!("mysql")).run(&mut connection).await?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn every_file_is_listed() {
        for (folder, listed) in [
            ("sqlite", migrator(migrations!("sqlite"))),
            ("postgres", migrator(migrations!("postgres"))),
            ("mysql", migrator(migrations!("mysql"))),
        ] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(folder);
            let found = Migrator::new(folder).await.unwrap();
            let known = |migrator: &Migrator| -> Vec<_> {
                let told = migrator.iter();
                told.map(|one| (one.version, one.description.clone(), one.checksum.clone()))
                    .collect()
            };
            assert_eq!(known(&listed), known(&found));
        }
    }
}
