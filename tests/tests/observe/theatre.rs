//! A database with users and posts, handlers with and without an N+1, and failures caught as text.
use std::panic::AssertUnwindSafe;

use entourage::{Database, prelude::*};
use entourage_tests::models::blog::{NewPost, NewUser, Post, PostRepository, User, UserRepository};
use futures_util::FutureExt;

/// An empty database with the tables of the blog.
pub(crate) async fn database() -> Database {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    entourage_tests::models::blog::create_blog(&db).await;
    db
}

/// One more user for each of `count`, with two posts each.
pub(crate) async fn seed(db: &Database, count: usize) -> Result<()> {
    let present = UserRepository::new(db).query().count().await?;
    let new = (0..count as u64).map(|number| user(present + number));
    let users = UserRepository::new(db)
        .insert_many(new.collect::<Vec<_>>())
        .await?;
    let posts = users.iter().flat_map(|user| [post(user.id), post(user.id)]);
    PostRepository::new(db)
        .insert_many(posts.collect::<Vec<_>>())
        .await?;
    Ok(())
}

pub(crate) fn user(number: u64) -> NewUser {
    NewUser {
        email: format!("{number}@example.org"),
        name: format!("User {number}"),
        age: None,
        visits: None,
    }
}

pub(crate) fn post(author_id: i64) -> NewPost {
    NewPost {
        author_id,
        editor_id: None,
        title: "Title".into(),
        likes: 0,
        rating: None,
        published_at: None,
    }
}

/// One statement for the users and one more for each of them.
pub(crate) async fn planted(db: &Database) -> Result<usize> {
    let users = UserRepository::new(db).query().all().await?;
    let mut count = 0;
    for user in users {
        count += PostRepository::new(db)
            .filter(Post::AUTHOR_ID.eq(user.id))
            .all()
            .await?
            .len();
    }
    Ok(count)
}

/// The same without.
pub(crate) async fn sound(db: &Database) -> Result<usize> {
    let users = UserRepository::new(db)
        .query()
        .with(User::POSTS)
        .all()
        .await?;
    Ok(users.iter().map(|user| user.get(User::POSTS).len()).sum())
}

/// The text with which `future` panics.
pub(crate) async fn failure(future: impl Future) -> String {
    let panic = match AssertUnwindSafe(future).catch_unwind().await {
        Ok(_) => panic!("it does not fail"),
        Err(panic) => panic,
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast::<&str>().unwrap().to_string(),
    }
}
