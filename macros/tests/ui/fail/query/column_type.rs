//! A column is compared with values of its own type.
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

async fn named(users: UserRepository<'_>) -> Result<()> {
    users.filter(User::NAME.eq(5)).all().await?;
    users.filter(User::ID.eq("Ada")).all().await?;
    users.filter(User::NAME.eq(User::ID)).all().await?;
    Ok(())
}

fn main() {}
