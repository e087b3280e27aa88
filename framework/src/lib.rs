//! entourage: fetch an entity with its entourage.
pub mod database;
pub mod dialect;
pub mod driver;
pub mod eager;
pub mod error;
pub mod executor;
pub mod observe;
pub mod pool;
pub mod repository;
pub mod schema;
pub mod statement;
pub mod statement_cache;
pub mod transaction;

pub mod prelude;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use database::Database;
pub use entourage_macros::{DbEnum, DbNewtype, Embedded, Entity};
pub use error::{Error, ErrorKind, Result};
pub use transaction::Transaction;
