//! The inspector: whom it answers, what it keeps, what it hides, and its page in a real browser. What it asks the
//! databases is in the suite.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "inspector/access.rs"]
mod access;
#[path = "inspector/page.rs"]
mod page;
#[path = "inspector/queues.rs"]
mod queues;
#[path = "inspector/recorded.rs"]
mod recorded;
#[path = "inspector/shared.rs"]
mod shared;
#[path = "inspector/sqlx.rs"]
mod sqlx_beside;

use entourage::{Database, inspector::Inspector};
use entourage_tests::inspection::Stage;
use entourage_tests::models::blog::{self, User, UserRepository};

/// A database with a few users.
async fn database() -> Database {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    blog::seed(&db).await.unwrap();
    db
}

/// An inspector that lets everybody in.
fn open(db: &Database) -> Inspector {
    Inspector::new(db).enable().authorize(|_| true)
}

/// One statement.
async fn read(db: Database) {
    UserRepository::new(&db)
        .filter(User::NAME.eq("Ada"))
        .all()
        .await
        .unwrap();
}

/// A stage on which one request was played.
async fn played(inspector: Inspector, db: &Database) -> Stage {
    let stage = Stage::new(inspector);
    stage.play("/users", read(db.clone())).await;
    stage
}
