//! A database for one run: made, filled with the fixture by plain SQL, dropped at the end.

use std::path::PathBuf;

use async_trait::async_trait;
use tokio_postgres::NoTls;

use crate::Result;
use crate::fixture::{self, Backend};
use crate::rounds::Reset;

/// What the contenders connect to.
#[async_trait]
pub trait Server: Reset {
    /// Where it is: a path on SQLite, a URL on PostgreSQL.
    fn location(&self) -> &str;

    /// Removes it. The contenders' connections may still be open.
    async fn remove(self: Box<Self>) -> Result<()>;
}

/// Makes and fills a database.
///
/// # Errors
///
/// When the file cannot be written, or the server not reached.
pub async fn start(backend: Backend, postgres_url: &str) -> Result<Box<dyn Server>> {
    Ok(match backend {
        Backend::Sqlite => Box::new(SqliteFile::create()?),
        Backend::Postgres => Box::new(PostgresDatabase::create(postgres_url).await?),
    })
}

#[derive(Debug)]
struct SqliteFile {
    directory: PathBuf,
    location: String,
    connection: rusqlite::Connection,
}

impl SqliteFile {
    fn create() -> Result<Self> {
        let directory =
            std::env::temp_dir().join(format!("entourage-bench-{}", std::process::id()));
        std::fs::create_dir(&directory)?;
        let location = directory
            .join("bench.db")
            .to_str()
            .ok_or("the temporary directory's name is not UTF-8")?
            .to_owned();
        let connection = rusqlite::Connection::open(&location)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; BEGIN")?;
        for statement in fixture::statements(Backend::Sqlite) {
            connection.execute_batch(&statement)?;
        }
        connection.execute_batch("COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(Self {
            directory,
            location,
            connection,
        })
    }
}

#[async_trait]
impl Reset for SqliteFile {
    async fn reset(&mut self) -> Result<()> {
        Ok(self
            .connection
            .execute_batch("DELETE FROM notes; PRAGMA wal_checkpoint(TRUNCATE)")?)
    }
}

#[async_trait]
impl Server for SqliteFile {
    fn location(&self) -> &str {
        &self.location
    }

    async fn remove(self: Box<Self>) -> Result<()> {
        drop(self.connection);
        Ok(std::fs::remove_dir_all(self.directory)?)
    }
}

struct PostgresDatabase {
    server_url: String,
    name: String,
    location: String,
    client: tokio_postgres::Client,
}

impl PostgresDatabase {
    async fn create(server_url: &str) -> Result<Self> {
        let name = format!("entourage_bench_{}", std::process::id());
        let (server, location) = server_url
            .rsplit_once('/')
            .filter(|(host, _)| !host.ends_with('/'))
            .unwrap_or((server_url, ""));
        if !location.is_empty() {
            return Err(format!("`{server_url}` names the database `{location}`; name the server only, the bench makes its own").into());
        }
        let location = format!("{server}/{name}");
        let admin = connect(&format!("{server}/postgres")).await?;
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        // Inserts are to measure the client, not the disk; the same for every contender.
        admin
            .batch_execute(&format!(
                "ALTER DATABASE {name} SET synchronous_commit = off"
            ))
            .await?;
        let client = connect(&location).await?;
        for statement in fixture::statements(Backend::Postgres) {
            client.batch_execute(&statement).await?;
        }
        client.batch_execute("VACUUM ANALYZE").await?;
        Ok(Self {
            server_url: server.to_owned(),
            name,
            location,
            client,
        })
    }
}

async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[async_trait]
impl Reset for PostgresDatabase {
    async fn reset(&mut self) -> Result<()> {
        Ok(self.client.batch_execute("TRUNCATE notes").await?)
    }
}

#[async_trait]
impl Server for PostgresDatabase {
    fn location(&self) -> &str {
        &self.location
    }

    async fn remove(self: Box<Self>) -> Result<()> {
        drop(self.client);
        let admin = connect(&format!("{}/postgres", self.server_url)).await?;
        Ok(admin
            .batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
            .await?)
    }
}
