//! A relation that the query did not load has no value to read.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = author_id))]
#[entity(has_many(drafts: Post, foreign_key = author_id))]
pub struct User {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User))]
#[entity(has_many(comments: Comment))]
pub struct Post {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub author_id: i64,
    pub title: String,
}

#[derive(Debug, Clone, Entity)]
pub struct Comment {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub post_id: i64,
}

async fn titles(users: UserRepository<'_>) -> Result<()> {
    for user in users.with(User::POSTS).all().await? {
        println!("{}", user.get(User::POSTS).len());
        println!("{}", user.get(User::DRAFTS).len());
    }
    Ok(())
}

fn main() {}
