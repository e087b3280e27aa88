//! The foreign key of `has_many` is a field of the other entity.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = autor_id))]
#[entity(has_one(profile: Post))]
struct User {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, Entity)]
struct Post {
    #[entity(primary_key)]
    id: i64,
    author_id: i64,
}

fn main() {}
