//! **entourage** — fetch an entity with its entourage. An ORM-lite on sqlx and sea-query in which an N+1 query does not
//! compile.
//!
//! A derive turns a plain struct of columns into an [`Entity`](schema::Entity) with a generated repository, typed columns and relations.
//! A query says what is loaded beside each row; the result's type remembers it, so that a relation that was not loaded
//! has no value to read. Graphs of any depth take a constant number of statements, on SQLite, PostgreSQL, MariaDB and
//! MySQL.
//!
//! ```
//! use entourage::{Database, prelude::*};
//!
//! #[derive(Debug, Clone, Entity)]
//! #[entity(table = "users", has_many(posts: Post, foreign_key = author_id))]
//! pub struct User {
//!     #[entity(primary_key, generated)]
//!     pub id: i64,
//!     pub name: String,
//! }
//!
//! #[derive(Debug, Clone, Entity)]
//! #[entity(table = "posts", belongs_to(author: User, foreign_key = author_id))]
//! pub struct Post {
//!     #[entity(primary_key, generated)]
//!     pub id: i64,
//!     #[entity(index)]
//!     pub author_id: i64,
//!     pub title: String,
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let db = Database::connect("sqlite::memory:").await?;
//! # db.execute_script(
//! #     "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
//! #      CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users, title TEXT NOT NULL)",
//! # )
//! # .await?;
//! let users = UserRepository::new(&db);
//! let ada = users.insert(NewUser { name: "Ada".into() }).await?;
//! PostRepository::new(&db).insert(NewPost { author_id: ada.id, title: "Notes".into() }).await?;
//!
//! let authors = users.filter(User::NAME.like("A%")).with(User::POSTS).all().await?;
//! assert_eq!(authors[0].name, "Ada");
//! assert_eq!(authors[0].get(User::POSTS)[0].title, "Notes");
//! # Ok(()) }
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | entities and their relations; views; subsets and graphs | the derives [`Entity`](macro@Entity), [`View`](macro@View), [`Shape`](macro@Shape) |
//! | queries and writes; raw SQL; row locks | [`repository`]; [`repository::Sql`]; [`repository::Query::for_update`] |
//! | includes and strategies; filters | [`eager`]; [`schema::expression`] |
//! | connecting: URLs and their options; pools | [`driver::url`]; [`pool`] |
//! | tables made and compared; migrations | [`database::schema`] |
//! | transactions, savepoints, retries | [`transaction`] |
//! | many rows; caches; views | [`bulk`]; [`result_cache`]; [`view`], [`refresher`] |
//! | replicas; shards | [`routing`]; [`shards`] |
//! | what happened, and N+1; plans; indexes | [`observe`]; [`explain`]; [`database::lint`] |
//! | assertions, metrics, the inspector | the modules `testing`, `metrics` and `inspector` of these features |
//!
//! # Features
//!
//! `sqlite` (default), `postgres`, `mysql`: the drivers. `tls-rustls`: TLS for the latter two, whose connections are plain
//! without it. `testing`: assertions about statements. `tower`: budgets of statements for HTTP requests. `metrics`, `inspector`:
//! figures for a collector, and a page. `write-behind`: writes acknowledged into a queue. `redis`: Redis between the caches
//! of several processes.
#[cfg(test)]
extern crate self as entourage;

pub mod bulk;
pub mod database;
pub mod dialect;
pub mod driver;
pub mod eager;
pub mod error;
pub mod executor;
#[cfg(feature = "inspector")]
pub mod inspector;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod observe;
pub mod pool;
pub mod refresher;
pub mod repository;
pub mod result_cache;
pub mod routing;
pub mod schema;
pub mod statement;
pub mod statement_cache;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transaction;
pub mod view;

pub mod prelude;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use database::{
    Database,
    shards::{self, Shards},
};
#[doc = include_str!("docs/db_enum.md")]
pub use entourage_macros::DbEnum;
#[doc = include_str!("docs/db_newtype.md")]
pub use entourage_macros::DbNewtype;
#[doc = include_str!("docs/embedded.md")]
pub use entourage_macros::Embedded;
#[doc = include_str!("docs/entity.md")]
pub use entourage_macros::Entity;
#[doc = include_str!("docs/graph.md")]
pub use entourage_macros::Graph;
#[doc = include_str!("docs/shape.md")]
pub use entourage_macros::Shape;
#[doc = include_str!("docs/view.md")]
pub use entourage_macros::View;
pub use error::{Error, ErrorKind, Result};
pub use statement::explain;
pub use transaction::Transaction;
