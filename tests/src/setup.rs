//! Databases for tests: each call makes an empty one that nobody else sees, and drops it with its guard.
//!
//! SQLite is always there. PostgreSQL and MySQL are used where [`POSTGRES_URL`] and [`MYSQL_URL`] say they are;
//! `cargo xtask test` sets both, from servers it finds or starts. Without them the answer is a [`Skip`], never a
//! database somebody did not offer. Tests that crash or reconfigure a server start their own in [`server`].
//!
//! Everything here goes through plain sqlx or the file system, so that it works while the framework does not.

pub mod browser;
pub mod certificates;
mod database;
pub mod forwarder;
mod mysql;
mod postgres;
mod product;
mod redis;
pub mod replication;
mod scratch;
pub mod server;
mod skip;
mod sqlite;

pub use database::TestDatabase;
pub use mysql::mysql;
pub use postgres::postgres;
pub use product::Product;
pub use redis::redis;
pub use scratch::Scratch;
pub use skip::{Record, Skip, databases_are_required, record_inapplicable};
pub use sqlite::{sqlite, sqlite_memory};

/// The environment variable that offers a PostgreSQL server: `postgres://user@host:port/`.
pub const POSTGRES_URL: &str = "ENTOURAGE_TEST_POSTGRES_URL";
/// The environment variable that offers a MySQL or MariaDB server: `mysql://user@host:port/`.
pub const MYSQL_URL: &str = "ENTOURAGE_TEST_MYSQL_URL";
/// The environment variable that offers a Redis server: `redis://host:port/`.
pub const REDIS_URL: &str = "ENTOURAGE_TEST_REDIS_URL";
/// Set to `1`, it turns every [`Skip`] into a failure.
pub const REQUIRE_DATABASES: &str = "REQUIRE_DATABASES";
/// The file into which each skip is written as one line, for the closing lines of `cargo xtask test`.
pub const SKIP_LOG: &str = "ENTOURAGE_TEST_SKIP_LOG";
