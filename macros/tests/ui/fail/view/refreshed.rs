//! What is no view is not refreshed.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(table = "posts", belongs_to(stats: AuthorStats, foreign_key = author_id))]
#[entity(has_many(likes: Post, foreign_key = author_id))]
pub struct Post {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub author_id: i64,
}

#[derive(Debug, Clone, View)]
#[view(name = "author_stats", materialized, reads(Post))]
#[view(query = "SELECT author_id, COUNT(*) AS posts FROM posts GROUP BY author_id")]
pub struct AuthorStats {
    #[view(primary_key)]
    pub author_id: i64,
    pub posts: i64,
}

async fn refresh(db: entourage::Database) -> Result<()> {
    db.refresh::<Post>().await?;
    let _ = db.create_view::<Post>();
    Ok(())
}

fn main() {}
