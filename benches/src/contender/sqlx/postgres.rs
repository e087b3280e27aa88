//! sqlx on PostgreSQL: keys as one array.

use ::sqlx::postgres::{PgConnection, PgRow};
use ::sqlx::{Postgres, Row, query};
use async_trait::async_trait;

use super::Sqlx;
use crate::Result;
use crate::checksum::Checksum;
use crate::contender::Contender;
use crate::contender::rows::{self, Comment, Post, User};
use crate::fixture::NewNote;

async fn users(connection: &mut PgConnection, up_to: i64) -> Result<Vec<User>> {
    let rows = query("SELECT id, name, email, age FROM users WHERE id <= $1")
        .bind(up_to)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(user).collect())
}

async fn posts(connection: &mut PgConnection, users: &[User]) -> Result<Vec<Post>> {
    let keys: Vec<i64> = users.iter().map(|user| user.id).collect();
    let sql = "SELECT id, user_id, title, views FROM posts WHERE user_id = ANY($1)";
    Ok(query(sql)
        .bind(keys)
        .fetch_all(connection)
        .await?
        .iter()
        .map(post)
        .collect())
}

async fn comments(connection: &mut PgConnection, posts: &[Post]) -> Result<Vec<PgRow>> {
    let keys: Vec<i64> = posts.iter().map(|post| post.id).collect();
    let sql = "SELECT id, post_id, author, body FROM comments WHERE post_id = ANY($1)";
    Ok(query(sql).bind(keys).fetch_all(connection).await?)
}

fn user(row: &PgRow) -> User {
    User {
        id: row.get_unchecked(0),
        name: row.get_unchecked(1),
        email: row.get_unchecked(2),
        age: row.get_unchecked(3),
        posts: Vec::new(),
    }
}

fn post(row: &PgRow) -> Post {
    Post {
        id: row.get_unchecked(0),
        user_id: row.get_unchecked(1),
        title: row.get_unchecked(2),
        views: row.get_unchecked(3),
        comments: Vec::new(),
    }
}

fn comment(row: &PgRow) -> Comment {
    Comment {
        id: row.get_unchecked(0),
        post_id: row.get_unchecked(1),
        author: row.get_unchecked(2),
        body: row.get_unchecked(3),
    }
}

#[async_trait]
impl Contender for Sqlx<Postgres> {
    async fn comments_of(&mut self, up_to: i64) -> Result<Checksum> {
        let mut connection = self.lease().await?;
        let mut users = users(&mut connection, up_to).await?;
        let mut posts = posts(&mut connection, &users).await?;
        let comments = comments(&mut connection, &posts).await?;
        rows::attach_comments(&mut posts, comments.iter().map(comment));
        rows::attach_posts(&mut users, posts);
        Ok(rows::checksum(&users))
    }

    async fn posts_of(&mut self, up_to: i64) -> Result<Checksum> {
        let mut connection = self.lease().await?;
        let mut users = users(&mut connection, up_to).await?;
        let posts = posts(&mut connection, &users).await?;
        rows::attach_posts(&mut users, posts);
        Ok(rows::checksum(&users))
    }

    async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
        let mut checksum = Checksum::default();
        for key in keys {
            let mut connection = self.lease().await?;
            let sql = "SELECT id, name, email, age FROM users WHERE id = $1";
            rows::add_user(
                &mut checksum,
                &user(&query(sql).bind(key).fetch_one(&mut *connection).await?),
            );
        }
        Ok(checksum)
    }

    async fn select(&mut self) -> Result<Checksum> {
        let mut connection = self.lease().await?;
        let sql = "SELECT id, user_id, title, views FROM posts";
        let posts: Vec<Post> = query(sql)
            .fetch_all(&mut *connection)
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
        let mut connection = self.lease().await?;
        let authors: Vec<&str> = notes.iter().map(|note| note.author.as_str()).collect();
        let bodies: Vec<&str> = notes.iter().map(|note| note.body.as_str()).collect();
        let scores: Vec<i64> = notes.iter().map(|note| note.score).collect();
        let sql = "INSERT INTO notes (author, body, score) SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[])";
        let done = query(sql)
            .bind(authors)
            .bind(bodies)
            .bind(scores)
            .execute(&mut *connection)
            .await?;
        Ok(Checksum::written(done.rows_affected()))
    }
}
