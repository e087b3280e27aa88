//! The shared test suite: each case is written once and runs on every database that can run it.
//!
//! - [`setup`] gives a test a database of its own, or a [`setup::Skip`] that says why there is none.
//! - [`mod@suite`] registers every case of [`cases`] for one database and runs it there.
//! - [`inspection`] puts an inspector on a stage.
//! - [`cases`] holds the cases themselves, one feature a file; [`models`] the entities they share.
//!
//! `cargo test` needs nothing but SQLite; `cargo xtask test` brings PostgreSQL and MariaDB.

// The tests of this crate itself need none of the cases, which take a minute to compile.
#[cfg(not(test))]
pub mod cases;
pub mod inspection;
#[cfg(not(test))]
pub mod models;
pub mod setup;
pub mod suite;

/// The code of the front page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;
