//! Who runs on which database, in the order of the table; the first lane is the limit.
//!
//! A new contender is a module under `contender` and a line here per database.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::diesel::{PgConnection, SqliteConnection};
use ::sqlx::postgres::PgConnectOptions;
use ::sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use ::sqlx::{ConnectOptions, Postgres, Sqlite};
use tokio::process::Command;

use crate::Result;
use crate::contender::diesel::Diesel;
use crate::contender::diesel_async;
use crate::contender::entourage::Entourage;
use crate::contender::rusqlite::Rusqlite;
use crate::contender::sea_orm::SeaOrm;
use crate::contender::sqlx::Sqlx;
use crate::contender::toasty::Toasty;
use crate::contender::tokio_postgres::TokioPostgres;
use crate::contender::{Contender, Workload};
use crate::fixture::Backend;
use crate::lane::worker::Worker;
use crate::lane::{Lane, Local};

/// Names by database, for `--only`; the limit always runs.
#[must_use]
pub fn names(backend: Backend) -> &'static [&'static str] {
    match backend {
        Backend::Sqlite => &[
            "rusqlite",
            "entourage",
            "sqlx",
            "sqlx-pool",
            "diesel",
            "diesel-async",
            "sea-orm",
            "toasty",
        ],
        Backend::Postgres => &[
            "tokio-postgres",
            "entourage",
            "sqlx",
            "sqlx-pool",
            "diesel",
            "diesel-async",
            "sea-orm",
            "toasty",
        ],
    }
}

/// Connects one contender.
///
/// # Errors
///
/// When it cannot connect, or, for Toasty on SQLite, its worker not be built.
pub async fn connect(backend: Backend, name: &str, location: &str) -> Result<Box<dyn Lane>> {
    match backend {
        Backend::Sqlite => on_sqlite(name, location).await,
        Backend::Postgres => on_postgres(name, location).await,
    }
}

async fn on_sqlite(name: &str, path: &str) -> Result<Box<dyn Lane>> {
    const SETUP: &str = "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON";
    let options = SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Normal)
        .disable_statement_logging();
    match name {
        "rusqlite" => local(name, Rusqlite::connect(path)?),
        "entourage" => local(name, Entourage::connect(&format!("sqlite://{path}")).await?),
        "sqlx" => local(name, Sqlx::<Sqlite>::connection(&options).await?),
        "sqlx-pool" => local(name, Sqlx::<Sqlite>::pool(options).await?),
        "diesel" => local(
            name,
            Diesel::<SqliteConnection>::connect(path)?.with_setup(SETUP)?,
        ),
        "diesel-async" => local(
            name,
            diesel_async::Sqlite::connect(path)
                .await?
                .with_setup(SETUP)
                .await?,
        ),
        "sea-orm" => local(name, SeaOrm::connect(&format!("sqlite://{path}")).await?),
        "toasty" => toasty_on_sqlite(name, path).await,
        _ => unknown(Backend::Sqlite, name),
    }
}

async fn on_postgres(name: &str, url: &str) -> Result<Box<dyn Lane>> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    match name {
        "tokio-postgres" => local(name, TokioPostgres::connect(url).await?),
        "entourage" => local(name, Entourage::connect(url).await?),
        "sqlx" => local(name, Sqlx::<Postgres>::connection(&options).await?),
        "sqlx-pool" => local(name, Sqlx::<Postgres>::pool(options).await?),
        "diesel" => local(name, Diesel::<PgConnection>::connect(url)?),
        "diesel-async" => local(name, diesel_async::Postgres::connect(url).await?),
        "sea-orm" => local(name, SeaOrm::connect(url).await?),
        "toasty" => local(name, Toasty::connect(url).await?),
        _ => unknown(Backend::Postgres, name),
    }
}

fn local(name: &str, contender: impl Contender + 'static) -> Result<Box<dyn Lane>> {
    Ok(Box::new(Local::new(name, contender)))
}

fn unknown(backend: Backend, name: &str) -> Result<Box<dyn Lane>> {
    let known = names(backend).join(", ");
    Err(format!(
        "no contender on {} is called `{name}`; there are {known}",
        backend.title()
    )
    .into())
}

/// Builds and starts the worker that links another libsqlite3-sys than everyone here.
async fn toasty_on_sqlite(name: &str, path: &str) -> Result<Box<dyn Lane>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("toasty_sqlite/Cargo.toml");
    let target = worker_target()?;
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .await?;
    if !built.success() {
        return Err(format!("building {} failed: {built}", manifest.display()).into());
    }
    let program = target
        .join("release")
        .join("entourage-bench-toasty-sqlite")
        .with_extension(std::env::consts::EXE_EXTENSION);
    let mut worker: Box<dyn Lane> = Box::new(Worker::start(name, Command::new(program).arg(path))?);
    worker.time(Workload::Get, 1).await?;
    Ok(worker)
}

/// `target/toasty_sqlite`, beside the profile this binary was built with.
fn worker_target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program
        .parent()
        .and_then(Path::parent)
        .ok_or("this program lies in no target directory")?;
    Ok(target.join("toasty_sqlite"))
}
