//! The one dataset: 1,000 users with 10 posts each and 10 comments to a post, as plain SQL text.
//!
//! The rows are a pure function of their number, so both databases and every contender hold the same ones. `notes` is
//! the table inserts go to; it has no index beside its key.

use std::fmt::Write as _;

/// Users in the fixture.
pub const USERS: i64 = 1_000;
/// Posts of each user.
pub const POSTS_PER_USER: i64 = 10;
/// Comments to each post.
pub const COMMENTS_PER_POST: i64 = 10;
/// Rows one insert writes.
pub const NOTES: usize = 100;
/// Keys one sample of "get by key" asks for, one statement each.
pub const KEYS: usize = 100;

/// The database a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file with a write-ahead log.
    Sqlite,
    /// A server, over TCP.
    Postgres,
}

impl Backend {
    /// The name in the table's title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite (WAL file)",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// How a key the database makes is declared.
    fn generated_key(self) -> &'static str {
        match self {
            Self::Sqlite => "INTEGER PRIMARY KEY",
            Self::Postgres => "BIGSERIAL PRIMARY KEY",
        }
    }
}

/// One row for `notes`; its key is made by the database.
#[derive(Debug, Clone)]
pub struct NewNote {
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub body: String,
    /// A number.
    pub score: i64,
}

/// The rows one insert writes.
#[must_use]
pub fn new_notes() -> Vec<NewNote> {
    (1..=NOTES as i64)
        .map(|n| NewNote {
            author: format!("author {}", n % 17),
            body: format!("note number {n} of the insert bench"),
            score: n * 3,
        })
        .collect()
}

/// The keys "get by key" asks for: spread over the table, the same in every sample.
#[must_use]
pub fn keys() -> Vec<i64> {
    (0..KEYS as i64).map(|n| 1 + (n * 7_919) % USERS).collect()
}

/// The statements that make and fill the tables, in order.
#[must_use]
pub fn statements(backend: Backend) -> Vec<String> {
    let key = backend.generated_key();
    let mut statements = vec![
        "CREATE TABLE users (id BIGINT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, age BIGINT NOT NULL)".to_owned(),
        "CREATE TABLE posts (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, title TEXT NOT NULL, views BIGINT NOT NULL)".to_owned(),
        "CREATE TABLE comments (id BIGINT PRIMARY KEY, post_id BIGINT NOT NULL, author TEXT NOT NULL, body TEXT NOT NULL)".to_owned(),
        format!("CREATE TABLE notes (id {key}, author TEXT NOT NULL, body TEXT NOT NULL, score BIGINT NOT NULL)"),
    ];
    if backend == Backend::Sqlite {
        // SQLite keeps a row under its integer key only when the type is spelled exactly so.
        for statement in &mut statements[..3] {
            *statement = statement.replace("id BIGINT PRIMARY KEY", "id INTEGER PRIMARY KEY");
        }
    }
    fill(&mut statements, "users", USERS, |id| {
        format!(
            "({id},'User number {id}','user{id}@example.org',{})",
            18 + id % 60
        )
    });
    fill(&mut statements, "posts", USERS * POSTS_PER_USER, |id| {
        format!(
            "({id},{},'Post {id} has a title of its own',{})",
            1 + (id - 1) / POSTS_PER_USER,
            id * 13 % 5_000
        )
    });
    fill(
        &mut statements,
        "comments",
        USERS * POSTS_PER_USER * COMMENTS_PER_POST,
        |id| {
            format!(
                "({id},{},'author {}','Comment number {id}, as long as they often are')",
                1 + (id - 1) / COMMENTS_PER_POST,
                id % 97
            )
        },
    );
    statements.push("CREATE INDEX posts_user_id ON posts (user_id)".to_owned());
    statements.push("CREATE INDEX comments_post_id ON comments (post_id)".to_owned());
    statements
}

fn fill(statements: &mut Vec<String>, table: &str, rows: i64, row: impl Fn(i64) -> String) {
    const ROWS_PER_STATEMENT: i64 = 1_000;
    for first in (1..=rows).step_by(ROWS_PER_STATEMENT as usize) {
        let last = rows.min(first + ROWS_PER_STATEMENT - 1);
        let mut sql = format!("INSERT INTO {table} VALUES {}", row(first));
        for id in first + 1..=last {
            write!(sql, ",{}", row(id)).expect("writing to a string cannot fail");
        }
        statements.push(sql);
    }
}
