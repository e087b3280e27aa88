//! A view is not written.
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

pub struct NewAuthorStats;

impl NewEntity for NewAuthorStats {
    type Entity = AuthorStats;

    fn into_values(self) -> Vec<Option<entourage::schema::Value>> {
        Vec::new()
    }
}

fn write(stats: AuthorStatsRepository<'_>, one: AuthorStats) {
    let _ = stats.update(&one);
    let _ = stats.update_many([&one]);
    let _ = stats.delete(1);
    let _ = stats.delete_many([1]);
    let _ = stats.delete_permanently(1);
    let _ = stats.query().delete();
    let _ = stats.query().set(AuthorStats::POSTS.to(1));
}

fn main() {}
