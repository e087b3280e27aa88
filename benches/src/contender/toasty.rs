//! Toasty 0.11: models and `include`, one connection. It knows its database from the URL, so the same code runs here
//! (PostgreSQL) and in `benches/toasty_sqlite` (SQLite).

use std::fmt;

use async_trait::async_trait;
use toasty::{Connection, Db};

use super::Contender;
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture::NewNote;

use self::model::{Note, Post, User};

mod model;

/// One connection; the pool it came from is kept for it.
pub struct Toasty {
    connection: Connection,
    _pool: Db,
}

impl fmt::Debug for Toasty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Toasty").finish_non_exhaustive()
    }
}

impl Toasty {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub async fn connect(url: &str) -> Result<Self> {
        let pool = Db::builder()
            .models(toasty::models!(User, Post, model::Comment, Note))
            .max_pool_size(1)
            .connect(url)
            .await?;
        let mut connection = pool.connection().await?;
        if url.starts_with("sqlite") {
            toasty::sql::statement("PRAGMA synchronous = NORMAL")
                .exec(&mut connection)
                .await?;
        }
        Ok(Self {
            connection,
            _pool: pool,
        })
    }
}

#[async_trait]
impl Contender for Toasty {
    async fn comments_of(&mut self, users: i64) -> Result<Checksum> {
        let users = User::filter(User::fields().id().le(users))
            .include(User::fields().posts().comments())
            .exec(&mut self.connection)
            .await?;
        let mut checksum = Checksum::default();
        for user in &users {
            checksum.user(user.id, &user.name, &user.email, user.age);
            for post in user.posts.get() {
                checksum.post(post.id, post.user_id, &post.title, post.views);
                for comment in post.comments.get() {
                    checksum.comment(comment.id, comment.post_id, &comment.author, &comment.body);
                }
            }
        }
        Ok(checksum)
    }

    async fn posts_of(&mut self, users: i64) -> Result<Checksum> {
        let users = User::filter(User::fields().id().le(users))
            .include(User::fields().posts())
            .exec(&mut self.connection)
            .await?;
        let mut checksum = Checksum::default();
        for user in &users {
            checksum.user(user.id, &user.name, &user.email, user.age);
            for post in user.posts.get() {
                checksum.post(post.id, post.user_id, &post.title, post.views);
            }
        }
        Ok(checksum)
    }

    async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
        let mut checksum = Checksum::default();
        for key in keys {
            let user = User::get_by_id(&mut self.connection, key).await?;
            checksum.user(user.id, &user.name, &user.email, user.age);
        }
        Ok(checksum)
    }

    async fn select(&mut self) -> Result<Checksum> {
        let posts = Post::all().exec(&mut self.connection).await?;
        let mut checksum = Checksum::default();
        for post in &posts {
            checksum.post(post.id, post.user_id, &post.title, post.views);
        }
        Ok(checksum)
    }

    async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum> {
        let mut create = Note::create_many();
        for note in notes {
            create = create.item(
                Note::create()
                    .author(&note.author)
                    .body(&note.body)
                    .score(note.score),
            );
        }
        Ok(Checksum::written(
            create.exec(&mut self.connection).await?.len() as u64,
        ))
    }
}
