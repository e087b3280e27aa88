//! entourage: derived entities, `with`, the strategies it chooses itself; its own pool of one connection, as a program
//! would hold it.

use async_trait::async_trait;
use entourage::Database;
use entourage::eager::RelationQuery as _;
use entourage::pool::PoolOptions;

use super::Contender;
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture;

use self::entity::{NewNote, NoteRepository, Post, PostRepository, User, UserRepository};

mod entity;

/// A database with a pool of one.
#[derive(Debug)]
pub struct Entourage(Database);

impl Entourage {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub async fn connect(url: &str) -> Result<Self> {
        let pool = PoolOptions::new().max_connections(1);
        Ok(Self(
            Database::builder().url(url).pool(pool).connect().await?,
        ))
    }
}

fn add_user(checksum: &mut Checksum, user: &User) {
    checksum.user(user.id, &user.name, &user.email, user.age);
}

fn add_post(checksum: &mut Checksum, post: &Post) {
    checksum.post(post.id, post.user_id, &post.title, post.views);
}

#[async_trait]
impl Contender for Entourage {
    async fn comments_of(&mut self, users: i64) -> Result<Checksum> {
        let users = UserRepository::new(&self.0)
            .filter(User::ID.le(users))
            .with(User::POSTS.with(Post::COMMENTS))
            .all()
            .await?;
        let mut checksum = Checksum::default();
        for user in &users {
            add_user(&mut checksum, user);
            for post in user.get(User::POSTS) {
                add_post(&mut checksum, post);
                for comment in post.get(Post::COMMENTS) {
                    checksum.comment(comment.id, comment.post_id, &comment.author, &comment.body);
                }
            }
        }
        Ok(checksum)
    }

    async fn posts_of(&mut self, users: i64) -> Result<Checksum> {
        let users = UserRepository::new(&self.0)
            .filter(User::ID.le(users))
            .with(User::POSTS)
            .all()
            .await?;
        let mut checksum = Checksum::default();
        for user in &users {
            add_user(&mut checksum, user);
            for post in user.get(User::POSTS) {
                add_post(&mut checksum, post);
            }
        }
        Ok(checksum)
    }

    async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
        let users = UserRepository::new(&self.0);
        let mut checksum = Checksum::default();
        for key in keys {
            add_user(&mut checksum, &users.get(*key).await?);
        }
        Ok(checksum)
    }

    async fn select(&mut self) -> Result<Checksum> {
        let posts = PostRepository::new(&self.0).query().all().await?;
        let mut checksum = Checksum::default();
        for post in &posts {
            add_post(&mut checksum, post);
        }
        Ok(checksum)
    }

    async fn insert(&mut self, notes: &[fixture::NewNote]) -> Result<Checksum> {
        let notes = notes.iter().map(|note| NewNote {
            author: note.author.clone(),
            body: note.body.clone(),
            score: note.score,
        });
        let insert = NoteRepository::new(&self.0).insert_many(notes);
        Ok(Checksum::written(insert.without_rows().await?))
    }
}
