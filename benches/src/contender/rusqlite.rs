//! The limit on SQLite: the library itself, three cached statements, keys as a list of placeholders.

use async_trait::async_trait;
use rusqlite::{Connection, Row, Statement, params_from_iter};

use super::Contender;
use super::rows::{self, Comment, Post, User};
use crate::Result;
use crate::checksum::Checksum;
use crate::fixture::NewNote;

/// One connection.
#[derive(Debug)]
pub struct Rusqlite(Connection);

impl Rusqlite {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn connect(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")?;
        connection.set_prepared_statement_cache_capacity(100);
        Ok(Self(connection))
    }

    fn users(&self, up_to: i64) -> Result<Vec<User>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT id, name, email, age FROM users WHERE id <= ?1")?;
        collect(&mut statement, [up_to], user)
    }

    fn posts(&self, users: &[User]) -> Result<Vec<Post>> {
        let sql = format!(
            "SELECT id, user_id, title, views FROM posts WHERE user_id IN ({})",
            placeholders(users.len())
        );
        collect(
            &mut *self.0.prepare_cached(&sql)?,
            params_from_iter(users.iter().map(|user| user.id)),
            post,
        )
    }

    fn comments(&self, posts: &[Post]) -> Result<Vec<Comment>> {
        let sql = format!(
            "SELECT id, post_id, author, body FROM comments WHERE post_id IN ({})",
            placeholders(posts.len())
        );
        collect(
            &mut *self.0.prepare_cached(&sql)?,
            params_from_iter(posts.iter().map(|post| post.id)),
            comment,
        )
    }
}

fn collect<T>(
    statement: &mut Statement<'_>,
    keys: impl rusqlite::Params,
    decode: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut rows = statement.query(keys)?;
    let mut decoded = Vec::new();
    while let Some(row) = rows.next()? {
        decoded.push(decode(row)?);
    }
    Ok(decoded)
}

/// `?,?,?`
pub(super) fn placeholders(count: usize) -> String {
    let mut list = "?,".repeat(count);
    list.pop();
    list
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        age: row.get(3)?,
        posts: Vec::new(),
    })
}

fn post(row: &Row<'_>) -> rusqlite::Result<Post> {
    Ok(Post {
        id: row.get(0)?,
        user_id: row.get(1)?,
        title: row.get(2)?,
        views: row.get(3)?,
        comments: Vec::new(),
    })
}

fn comment(row: &Row<'_>) -> rusqlite::Result<Comment> {
    Ok(Comment {
        id: row.get(0)?,
        post_id: row.get(1)?,
        author: row.get(2)?,
        body: row.get(3)?,
    })
}

#[async_trait]
impl Contender for Rusqlite {
    async fn comments_of(&mut self, users: i64) -> Result<Checksum> {
        let mut users = self.users(users)?;
        let mut posts = self.posts(&users)?;
        let comments = self.comments(&posts)?;
        rows::attach_comments(&mut posts, comments);
        rows::attach_posts(&mut users, posts);
        Ok(rows::checksum(&users))
    }

    async fn posts_of(&mut self, users: i64) -> Result<Checksum> {
        let mut users = self.users(users)?;
        let posts = self.posts(&users)?;
        rows::attach_posts(&mut users, posts);
        Ok(rows::checksum(&users))
    }

    async fn get(&mut self, keys: &[i64]) -> Result<Checksum> {
        let mut checksum = Checksum::default();
        for key in keys {
            let mut statement = self
                .0
                .prepare_cached("SELECT id, name, email, age FROM users WHERE id = ?1")?;
            rows::add_user(&mut checksum, &statement.query_row([key], user)?);
        }
        Ok(checksum)
    }

    async fn select(&mut self) -> Result<Checksum> {
        let mut statement = self
            .0
            .prepare_cached("SELECT id, user_id, title, views FROM posts")?;
        let posts = collect(&mut statement, [], post)?;
        let mut checksum = Checksum::default();
        posts
            .iter()
            .for_each(|post| rows::add_post(&mut checksum, post));
        Ok(checksum)
    }

    async fn insert(&mut self, notes: &[NewNote]) -> Result<Checksum> {
        let values = vec!["(?,?,?)"; notes.len()].join(",");
        let mut statement = self.0.prepare_cached(&format!(
            "INSERT INTO notes (author, body, score) VALUES {values}"
        ))?;
        for (note, first) in notes.iter().zip((1..).step_by(3)) {
            statement.raw_bind_parameter(first, &note.author)?;
            statement.raw_bind_parameter(first + 1, &note.body)?;
            statement.raw_bind_parameter(first + 2, note.score)?;
        }
        Ok(Checksum::written(statement.raw_execute()? as u64))
    }
}
