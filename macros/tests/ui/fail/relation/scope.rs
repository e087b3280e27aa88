//! A relation's own filter and order are over the entity it leads to.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, filter = User::NAME.eq("Ada"), order_by = User::NAME.asc()))]
struct User {
    #[entity(primary_key)]
    id: i64,
    name: String,
}

#[derive(Debug, Clone, Entity)]
struct Post {
    #[entity(primary_key)]
    id: i64,
    user_id: i64,
}

fn main() {}
