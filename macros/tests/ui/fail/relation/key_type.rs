//! Both keys of a relation have the same type.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = author_name))]
struct User {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User, foreign_key = author_name))]
struct Post {
    #[entity(primary_key)]
    id: i64,
    author_name: String,
}

fn main() {}
