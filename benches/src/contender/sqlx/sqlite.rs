//! sqlx on SQLite: keys as a list of placeholders.

use ::sqlx::sqlite::{SqliteConnection, SqliteRow};
use ::sqlx::{AssertSqlSafe, Row, Sqlite, query};
use async_trait::async_trait;

use super::Sqlx;
use crate::Result;
use crate::checksum::Checksum;
use crate::contender::Contender;
use crate::contender::rows::{self, Comment, Post, User};
use crate::contender::rusqlite::placeholders;
use crate::fixture::NewNote;

async fn users(connection: &mut SqliteConnection, up_to: i64) -> Result<Vec<User>> {
    let rows = query("SELECT id, name, email, age FROM users WHERE id <= ?")
        .bind(up_to)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(user).collect())
}

async fn posts(connection: &mut SqliteConnection, users: &[User]) -> Result<Vec<Post>> {
    let sql = format!(
        "SELECT id, user_id, title, views FROM posts WHERE user_id IN ({})",
        placeholders(users.len())
    );
    let mut query = query(AssertSqlSafe(sql));
    for user in users {
        query = query.bind(user.id);
    }
    Ok(query
        .fetch_all(connection)
        .await?
        .iter()
        .map(post)
        .collect())
}

async fn comments(connection: &mut SqliteConnection, posts: &[Post]) -> Result<Vec<SqliteRow>> {
    let sql = format!(
        "SELECT id, post_id, author, body FROM comments WHERE post_id IN ({})",
        placeholders(posts.len())
    );
    let mut query = query(AssertSqlSafe(sql));
    for post in posts {
        query = query.bind(post.id);
    }
    Ok(query.fetch_all(connection).await?)
}

fn user(row: &SqliteRow) -> User {
    User {
        id: row.get_unchecked(0),
        name: row.get_unchecked(1),
        email: row.get_unchecked(2),
        age: row.get_unchecked(3),
        posts: Vec::new(),
    }
}

fn post(row: &SqliteRow) -> Post {
    Post {
        id: row.get_unchecked(0),
        user_id: row.get_unchecked(1),
        title: row.get_unchecked(2),
        views: row.get_unchecked(3),
        comments: Vec::new(),
    }
}

fn comment(row: &SqliteRow) -> Comment {
    Comment {
        id: row.get_unchecked(0),
        post_id: row.get_unchecked(1),
        author: row.get_unchecked(2),
        body: row.get_unchecked(3),
    }
}

#[async_trait]
impl Contender for Sqlx<Sqlite> {
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
            let sql = "SELECT id, name, email, age FROM users WHERE id = ?";
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
        let values = vec!["(?,?,?)"; notes.len()].join(",");
        let mut query = query(AssertSqlSafe(format!(
            "INSERT INTO notes (author, body, score) VALUES {values}"
        )));
        for note in notes {
            query = query
                .bind(note.author.as_str())
                .bind(note.body.as_str())
                .bind(note.score);
        }
        Ok(Checksum::written(
            query.execute(&mut *connection).await?.rows_affected(),
        ))
    }
}
