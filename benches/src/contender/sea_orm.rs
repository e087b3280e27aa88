//! SeaORM 2.0: dense entities, the entity loader, its own pool of one connection.

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectOptions, Database, DatabaseConnection, EntityTrait, QueryFilter,
};

use super::Contender;
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture::NewNote;

use self::entity::{comment, note, post, user};

mod entity;

/// One connection behind SeaORM's pool, which trusts it to be alive.
#[derive(Debug)]
pub struct SeaOrm(DatabaseConnection);

impl SeaOrm {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub async fn connect(url: &str) -> Result<Self> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(1)
            .min_connections(1)
            .sqlx_logging(false)
            .test_before_acquire(false);
        options.map_sqlx_sqlite_opts(|options| {
            options.synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
        });
        Ok(Self(Database::connect(options).await?))
    }
}

fn checksum(users: &[user::ModelEx]) -> Checksum {
    let mut checksum = Checksum::default();
    for user in users {
        checksum.user(user.id, &user.name, &user.email, user.age);
        for post in &user.posts {
            checksum.post(post.id, post.user_id, &post.title, post.views);
            for comment in &post.comments {
                checksum.comment(comment.id, comment.post_id, &comment.author, &comment.body);
            }
        }
    }
    checksum
}

#[async_trait]
impl Contender for SeaOrm {
    async fn comments_of(&mut self, users: i64) -> Result<Checksum> {
        let users = user::Entity::load()
            .filter(user::Column::Id.lte(users))
            .with((post::Entity, comment::Entity))
            .all(&self.0)
            .await?;
        Ok(checksum(&users))
    }

    async fn posts_of(&mut self, users: i64) -> Result<Checksum> {
        let users = user::Entity::load()
            .filter(user::Column::Id.lte(users))
            .with(post::Entity)
            .all(&self.0)
            .await?;
        Ok(checksum(&users))
    }

    async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
        let mut checksum = Checksum::default();
        for key in keys {
            let user = user::Entity::find_by_id(*key)
                .one(&self.0)
                .await?
                .ok_or("no such user")?;
            checksum.user(user.id, &user.name, &user.email, user.age);
        }
        Ok(checksum)
    }

    async fn select(&mut self) -> Result<Checksum> {
        let posts = post::Entity::find().all(&self.0).await?;
        let mut checksum = Checksum::default();
        for post in &posts {
            checksum.post(post.id, post.user_id, &post.title, post.views);
        }
        Ok(checksum)
    }

    async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum> {
        let notes = notes.iter().map(|note| note::ActiveModel {
            id: NotSet,
            author: Set(note.author.clone()),
            body: Set(note.body.clone()),
            score: Set(note.score),
        });
        Ok(Checksum::written(
            note::Entity::insert_many(notes)
                .exec_without_returning(&self.0)
                .await?,
        ))
    }
}
