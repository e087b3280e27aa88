//! The limit on PostgreSQL: the driver itself, three prepared statements, keys as one array.

use std::fmt;

use async_trait::async_trait;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::Contender;
use super::rows::{self, Comment, Post, User};
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture::NewNote;

/// One connection and its prepared statements.
pub struct TokioPostgres {
    client: Client,
    users: Statement,
    posts: Statement,
    comments: Statement,
    get: Statement,
    select: Statement,
    insert: Statement,
}

impl fmt::Debug for TokioPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioPostgres").finish_non_exhaustive()
    }
}

impl TokioPostgres {
    /// Connects and prepares.
    ///
    /// # Errors
    ///
    /// When the server refuses either.
    pub async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            users: client.prepare("SELECT id, name, email, age FROM users WHERE id <= $1").await?,
            posts: client.prepare("SELECT id, user_id, title, views FROM posts WHERE user_id = ANY($1)").await?,
            comments: client.prepare("SELECT id, post_id, author, body FROM comments WHERE post_id = ANY($1)").await?,
            get: client.prepare("SELECT id, name, email, age FROM users WHERE id = $1").await?,
            select: client.prepare("SELECT id, user_id, title, views FROM posts").await?,
            insert: client
                .prepare("INSERT INTO notes (author, body, score) SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[])")
                .await?,
            client,
        })
    }

    async fn users(&self, up_to: i64) -> Result<Vec<User>> {
        Ok(self
            .client
            .query(&self.users, &[&up_to])
            .await?
            .iter()
            .map(user)
            .collect())
    }

    async fn posts(&self, users: &[User]) -> Result<Vec<Post>> {
        let keys: Vec<i64> = users.iter().map(|user| user.id).collect();
        Ok(self
            .client
            .query(&self.posts, &[&keys])
            .await?
            .iter()
            .map(post)
            .collect())
    }
}

fn user(row: &Row) -> User {
    User {
        id: row.get(0),
        name: row.get(1),
        email: row.get(2),
        age: row.get(3),
        posts: Vec::new(),
    }
}

fn post(row: &Row) -> Post {
    Post {
        id: row.get(0),
        user_id: row.get(1),
        title: row.get(2),
        views: row.get(3),
        comments: Vec::new(),
    }
}

fn comment(row: &Row) -> Comment {
    Comment {
        id: row.get(0),
        post_id: row.get(1),
        author: row.get(2),
        body: row.get(3),
    }
}

#[async_trait]
impl Contender for TokioPostgres {
    async fn comments_of(&mut self, users: i64) -> Result<Checksum> {
        let mut users = self.users(users).await?;
        let mut posts = self.posts(&users).await?;
        let keys: Vec<i64> = posts.iter().map(|post| post.id).collect();
        let comments = self.client.query(&self.comments, &[&keys]).await?;
        rows::attach_comments(&mut posts, comments.iter().map(comment));
        rows::attach_posts(&mut users, posts);
        Ok(rows::checksum(&users))
    }

    async fn posts_of(&mut self, users: i64) -> Result<Checksum> {
        let mut users = self.users(users).await?;
        let posts = self.posts(&users).await?;
        rows::attach_posts(&mut users, posts);
        Ok(rows::checksum(&users))
    }

    async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
        let mut checksum = Checksum::default();
        for key in keys {
            rows::add_user(
                &mut checksum,
                &user(&self.client.query_one(&self.get, &[key]).await?),
            );
        }
        Ok(checksum)
    }

    async fn select(&mut self) -> Result<Checksum> {
        let posts: Vec<Post> = self
            .client
            .query(&self.select, &[])
            .await?
            .iter()
            .map(post)
            .collect();
        let mut checksum = Checksum::default();
        posts
            .iter()
            .for_each(|post| rows::add_post(&mut checksum, post));
        Ok(checksum)
    }

    async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum> {
        let authors: Vec<&str> = notes.iter().map(|note| note.author.as_str()).collect();
        let bodies: Vec<&str> = notes.iter().map(|note| note.body.as_str()).collect();
        let scores: Vec<i64> = notes.iter().map(|note| note.score).collect();
        Ok(Checksum::written(
            self.client
                .execute(&self.insert, &[&authors, &bodies, &scores])
                .await?,
        ))
    }
}
