//! What every contender does: the same loads on the same rows, each in its own best idiom, on one connection.
//!
//! The hand-written contenders (`rusqlite`, `tokio-postgres`, `sqlx`) share `rows`; the others build their own types, and
//! pay for them, as their users would.

use async_trait::async_trait;

use crate::checksum::Checksum;
use crate::fixture::NewNote;
use crate::{Failure, Result};

#[cfg(feature = "peers")]
pub mod diesel;
#[cfg(feature = "peers")]
pub mod diesel_async;
#[cfg(feature = "entourage")]
pub mod entourage;
#[cfg(feature = "peers")]
pub mod rows;
#[cfg(feature = "peers")]
pub mod rusqlite;
#[cfg(feature = "peers")]
pub mod sea_orm;
#[cfg(feature = "peers")]
pub mod sqlx;
#[cfg(feature = "toasty")]
pub mod toasty;
#[cfg(feature = "peers")]
pub mod tokio_postgres;

/// A library under test, connected and warm.
#[async_trait]
pub trait Contender: Send {
    /// Users with a key up to `users`, their posts, and the posts' comments.
    async fn comments_of(&mut self, users: i64) -> Result<Checksum>;

    /// Users with a key up to `users`, and their posts.
    async fn posts_of(&mut self, users: i64) -> Result<Checksum>;

    /// One user per key, one statement each, in sequence.
    async fn get(&mut self, keys: &[i64]) -> Result<Checksum>;

    /// Every post.
    async fn select(&mut self) -> Result<Checksum>;

    /// Writes all the notes or none; the keys made for them are not asked for.
    async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum>;
}

/// One question a bench asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// One user, 10 posts, 10 comments each.
    EagerOne,
    /// 100 users, 10 posts each, 10 comments each.
    EagerHundred,
    /// 1,000 users, 10 posts each.
    EagerThousand,
    /// One user by primary key.
    Get,
    /// All posts.
    Select,
    /// 100 rows in one go.
    Insert,
}

impl Workload {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::EagerOne,
        Self::EagerHundred,
        Self::EagerThousand,
        Self::Get,
        Self::Select,
        Self::Insert,
    ];

    /// The name on the command line and between processes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EagerOne => "eager-1x10x10",
            Self::EagerHundred => "eager-100x10x10",
            Self::EagerThousand => "eager-1000x10",
            Self::Get => "get",
            Self::Select => "select-10000",
            Self::Insert => "insert-100",
        }
    }

    /// The head of its column.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::EagerOne => "eager 1×10×10",
            Self::EagerHundred => "eager 100×10×10",
            Self::EagerThousand => "eager 1000×10",
            Self::Get => "get by key",
            Self::Select => "select 10,000",
            Self::Insert => "insert 100",
        }
    }
}

impl std::str::FromStr for Workload {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|workload| workload.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("no workload is called `{name}`; there are {known}").into()
            })
    }
}
