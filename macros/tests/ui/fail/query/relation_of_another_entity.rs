//! A query includes relations of its own entity.
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

async fn posts(users: UserRepository<'_>) -> Result<()> {
    users.with(Post::COMMENTS).all().await?;
    Ok(())
}

fn main() {}
