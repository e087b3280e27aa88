//! Diesel 2.3: `belonging_to` and `grouped_by`, on its own synchronous connections.

use std::fmt;

use ::diesel::prelude::*;
use async_trait::async_trait;

use super::Contender;
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture::NewNote;

use self::model::{Comment, Post, User, insertable};
use self::schema::{notes, posts, users};

pub(super) mod model;
pub(super) mod schema;

/// One connection; a call blocks its thread, as Diesel's calls do.
pub struct Diesel<C>(C);

impl<C> fmt::Debug for Diesel<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Diesel")
    }
}

impl<C: Connection> Diesel<C> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub fn connect(url: &str) -> Result<Self> {
        Ok(Self(C::establish(url)?))
    }

    /// Runs a statement that sets the connection up.
    ///
    /// # Errors
    ///
    /// When the database refuses it.
    pub fn with_setup(mut self, sql: &str) -> Result<Self> {
        self.0.batch_execute(sql)?;
        Ok(self)
    }
}

/// The same queries on both connections: writing the bounds of a generic one would be longer than the table.
macro_rules! contender {
    ($connection:ty) => {
        #[async_trait]
        impl Contender for Diesel<$connection> {
            async fn comments_of(&mut self, up_to: i64) -> Result<Checksum> {
                let users = users::table
                    .filter(users::id.le(up_to))
                    .select(User::as_select())
                    .load(&mut self.0)?;
                let posts = Post::belonging_to(&users)
                    .select(Post::as_select())
                    .load(&mut self.0)?;
                let comments = Comment::belonging_to(&posts)
                    .select(Comment::as_select())
                    .load(&mut self.0)?;
                Ok(model::nest_comments(users, posts, comments))
            }

            async fn posts_of(&mut self, up_to: i64) -> Result<Checksum> {
                let users = users::table
                    .filter(users::id.le(up_to))
                    .select(User::as_select())
                    .load(&mut self.0)?;
                let posts = Post::belonging_to(&users)
                    .select(Post::as_select())
                    .load(&mut self.0)?;
                Ok(model::nest_posts(users, posts))
            }

            async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
                let mut checksum = Checksum::default();
                for key in keys {
                    let user: User = users::table
                        .find(key)
                        .select(User::as_select())
                        .get_result(&mut self.0)?;
                    user.add_to(&mut checksum);
                }
                Ok(checksum)
            }

            async fn select(&mut self) -> Result<Checksum> {
                let posts: Vec<Post> = posts::table.select(Post::as_select()).load(&mut self.0)?;
                let mut checksum = Checksum::default();
                posts.iter().for_each(|post| post.add_to(&mut checksum));
                Ok(checksum)
            }

            async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum> {
                let rows = ::diesel::insert_into(notes::table)
                    .values(insertable(notes))
                    .execute(&mut self.0)?;
                Ok(Checksum::written(rows as u64))
            }
        }
    };
}

contender!(SqliteConnection);
contender!(PgConnection);
