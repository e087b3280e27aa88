//! diesel-async 0.9: Diesel's queries over tokio-postgres, and over a blocking thread for SQLite.

use std::fmt;

use ::diesel::prelude::{
    BelongingToDsl, ExpressionMethods, QueryDsl, SelectableHelper, SqliteConnection,
};
use ::diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use ::diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use async_trait::async_trait;

use super::Contender;
use super::diesel::model::{self, Comment, Post, User, insertable};
use super::diesel::schema::{notes, posts, users};
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture::NewNote;

/// SQLite by diesel-async.
pub type Sqlite = DieselAsync<SyncConnectionWrapper<SqliteConnection>>;

/// PostgreSQL by diesel-async.
pub type Postgres = DieselAsync<AsyncPgConnection>;

/// One connection.
pub struct DieselAsync<C>(C);

impl<C> fmt::Debug for DieselAsync<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DieselAsync")
    }
}

impl<C: AsyncConnection> DieselAsync<C> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self(C::establish(url).await?))
    }

    /// Runs a statement that sets the connection up.
    ///
    /// # Errors
    ///
    /// When the database refuses it.
    pub async fn with_setup(mut self, sql: &str) -> Result<Self> {
        self.0.batch_execute(sql).await?;
        Ok(self)
    }
}

/// The same queries on both connections: writing the bounds of a generic one would be longer than the table.
macro_rules! contender {
    ($connection:ty, $insert:path) => {
        #[async_trait]
        impl Contender for DieselAsync<$connection> {
            async fn comments_of(&mut self, up_to: i64) -> Result<Checksum> {
                let users = users::table
                    .filter(users::id.le(up_to))
                    .select(User::as_select())
                    .load(&mut self.0)
                    .await?;
                let posts = Post::belonging_to(&users)
                    .select(Post::as_select())
                    .load(&mut self.0)
                    .await?;
                let comments = Comment::belonging_to(&posts)
                    .select(Comment::as_select())
                    .load(&mut self.0)
                    .await?;
                Ok(model::nest_comments(users, posts, comments))
            }

            async fn posts_of(&mut self, up_to: i64) -> Result<Checksum> {
                let users = users::table
                    .filter(users::id.le(up_to))
                    .select(User::as_select())
                    .load(&mut self.0)
                    .await?;
                let posts = Post::belonging_to(&users)
                    .select(Post::as_select())
                    .load(&mut self.0)
                    .await?;
                Ok(model::nest_posts(users, posts))
            }

            async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
                let mut checksum = Checksum::default();
                for key in keys {
                    let user: User = users::table
                        .find(*key)
                        .select(User::as_select())
                        .get_result(&mut self.0)
                        .await?;
                    user.add_to(&mut checksum);
                }
                Ok(checksum)
            }

            async fn select(&mut self) -> Result<Checksum> {
                let posts: Vec<Post> = posts::table
                    .select(Post::as_select())
                    .load(&mut self.0)
                    .await?;
                let mut checksum = Checksum::default();
                posts.iter().for_each(|post| post.add_to(&mut checksum));
                Ok(checksum)
            }

            async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum> {
                Ok(Checksum::written($insert(&mut self.0, notes).await? as u64))
            }
        }
    };
}

contender!(SyncConnectionWrapper<SqliteConnection>, insert_on_sqlite);
contender!(AsyncPgConnection, insert_on_postgres);

/// There is no many-row insert in diesel-async for SQLite; its way out is Diesel's own on the blocking thread.
async fn insert_on_sqlite(
    connection: &mut SyncConnectionWrapper<SqliteConnection>,
    notes: &[NewNote],
) -> Result<usize> {
    let notes = notes.to_vec();
    let insert = move |connection: &mut SqliteConnection| {
        ::diesel::RunQueryDsl::execute(
            ::diesel::insert_into(notes::table).values(insertable(&notes)),
            connection,
        )
    };
    Ok(connection.spawn_blocking(insert).await?)
}

async fn insert_on_postgres(
    connection: &mut AsyncPgConnection,
    notes: &[NewNote],
) -> Result<usize> {
    Ok(::diesel::insert_into(notes::table)
        .values(insertable(notes))
        .execute(connection)
        .await?)
}
