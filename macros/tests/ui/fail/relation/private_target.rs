//! A public entity's relations lead to public entities.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post))]
pub struct User {
    #[entity(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, Entity)]
struct Post {
    #[entity(primary_key)]
    id: i64,
    user_id: i64,
}

fn main() {}
