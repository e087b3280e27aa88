//! Opening a database file.
use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{errors, session};
use crate::{
    driver::options::{ConnectOptions, OpenMode},
    error::{Error, ErrorKind, Result},
};

/// For every database: foreign keys hold, sorts spill into memory.
const ALWAYS: &str = "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

/// How long a statement waits for locks.
pub(super) fn busy_timeout(options: &ConnectOptions) -> Duration {
    options
        .busy_timeout
        .or(options.session.lock_timeout)
        .unwrap_or(Duration::from_secs(5))
}

/// Opens the database on a blocking thread: a file system may be slow, and another process may hold a lock.
pub(super) async fn open(options: &ConnectOptions) -> Result<Connection> {
    let opening = {
        let options = options.clone();
        tokio::task::spawn_blocking(move || open_blocking(&options))
    };
    match tokio::time::timeout(options.get_connect_timeout(), opening).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(join)) => Err(Error::new(
            ErrorKind::Connection,
            "opening the sqlite database was cut off",
        )
        .with_source(join)),
        Err(_) => Err(Error::new(
            ErrorKind::Connection,
            format!(
                "opening {options} took longer than {:?}",
                options.get_connect_timeout()
            ),
        )),
    }
}

fn open_blocking(options: &ConnectOptions) -> Result<Connection> {
    let connection = match &options.path {
        None => {
            let connection = Connection::open_in_memory().map_err(errors::database)?;
            connection.execute_batch(ALWAYS).map_err(errors::database)?;
            let settings = session::pragmas(&options.session, None);
            connection
                .execute_batch(&settings)
                .map_err(errors::database)?;
            connection
        }
        Some(path) => file(path, options)?,
    };
    // Without it a column in double quotes that does not exist is a text, and the query quietly means something else.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)
        .map_err(errors::database)?;
    connection.set_prepared_statement_cache_capacity(options.get_statement_cache_capacity());
    // From here on locks are waited for by `busy`.
    connection
        .busy_timeout(Duration::ZERO)
        .map_err(errors::database)?;
    Ok(connection)
}

fn file(path: &Path, options: &ConnectOptions) -> Result<Connection> {
    let mode = options.mode.unwrap_or(OpenMode::Create);
    let flags = match mode {
        OpenMode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        OpenMode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
        OpenMode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let refused = |error: rusqlite::Error| refused(path, mode, error);
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(refused)?;
    connection
        .busy_timeout(busy_timeout(options))
        .map_err(refused)?;
    connection.execute_batch(ALWAYS).map_err(refused)?;
    let settings = session::pragmas(&options.session, Some(mode));
    connection.execute_batch(&settings).map_err(refused)?;
    if mode == OpenMode::ReadOnly {
        // Reads the first page: a file that is no database is refused here and not at the first statement.
        let read = connection.execute_batch("PRAGMA schema_version");
        read.map_err(refused)?;
    }
    Ok(connection)
}

fn refused(path: &Path, mode: OpenMode, error: rusqlite::Error) -> Error {
    let name = path.display();
    let kind = errors::database(error);
    let message = format!("sqlite database `{name}`: {kind}");
    let refused = Error::new(kind.kind(), message).with_source(kind);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.exists() => {
            refused.with_hint(format!("the folder `{}` does not exist", folder.display()))
        }
        _ if mode != OpenMode::Create && !path.exists() => {
            refused.with_hint("the file does not exist; `mode=rwc` makes it")
        }
        _ => refused,
    }
}
