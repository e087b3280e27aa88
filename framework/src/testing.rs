//! Assertions about the statements that a piece of code sends. Feature `testing`.
//!
//! | macro | holds if the block sends |
//! |---|---|
//! | [`assert_queries!`](crate::assert_queries) | exactly so many statements |
//! | [`assert_max_queries!`](crate::assert_max_queries) | so many or fewer |
//! | [`assert_no_queries!`](crate::assert_no_queries) | none |
//! | [`assert_no_n_plus_one!`](crate::assert_no_n_plus_one) | no statement once for each row of another |
//! | [`assert_constant_queries!`](crate::assert_constant_queries) | as many with much data as with little |
//! | [`assert_same_queries!`](crate::assert_same_queries) | the statements of a file that is committed beside the test |
//! | [`assert_indexed!`](crate::assert_indexed) | no read of a whole table where an index would serve |
//! | [`#[query_budget(n)]`](query_budget) | so many or fewer, for a whole test function |
//!
//! Enable the feature under `[dev-dependencies]`, and give each test a database of its own: one in memory costs a
//! millisecond. On a server, begin a transaction, hand `&tx` to the code, and drop it: nothing is kept.
//!
//! ```
//! # use entourage::{Database, prelude::*, testing::assert_no_n_plus_one};
//! # #[derive(Debug, Clone, Entity)]
//! # #[entity(table = "users", has_many(posts: Post, foreign_key = author_id))]
//! # struct User { #[entity(primary_key, generated)] id: i64 }
//! # #[derive(Debug, Clone, Entity)]
//! # #[entity(table = "posts")]
//! # struct Post { #[entity(primary_key, generated)] id: i64, author_id: i64 }
//! # async fn handler(db: &Database) -> Result<usize> {
//! #     Ok(UserRepository::new(db).with(User::POSTS).all().await?.len())
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let db = Database::connect("sqlite::memory:").await?;
//! db.create_schema::<(User, Post)>().await?;
//! assert_no_n_plus_one!(db, handler(&db).await?);
//! # Ok(()) }
//! ```
//!
//! They work in any test framework, in `async` code on tokio. Counted is what the block's own task asks for, and tasks
//! that it spawns by [`observe::spawn`](crate::observe::spawn); other tests and tasks are not. BEGIN, COMMIT, SAVEPOINT
//! and schema statements are not counted. What is asserted about is the database handle given first;
//! [`Everything`](crate::observe::Everything) stands for all of them. Connections of the user's own sqlx that are lent to
//! a repository are counted always.
//!
//! An error or panic in the block comes out as it is: a `?` leaves the function, and the statements are not looked at.
//! If the block gives an `Err` and the assertion fails as well, the failure begins with the error.
mod check;
mod constant;
mod indexed;
mod macros;
mod same;

pub use check::{Check, NoError, Probe};
pub use constant::Scales;
#[doc = include_str!("docs/query_budget.md")]
pub use entourage_macros::query_budget;
pub use indexed::{Explains, Indexed};
pub use same::Snapshot;

pub use crate::{
    assert_constant_queries, assert_indexed, assert_max_queries, assert_no_n_plus_one,
    assert_no_queries, assert_queries, assert_same_queries,
};
