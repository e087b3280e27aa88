//! A graph's type is named by the consts of its relations.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = author_id))]
struct User {
    #[entity(primary_key, generated)]
    id: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User, foreign_key = author_id))]
struct Post {
    #[entity(primary_key, generated)]
    id: i64,
    author_id: i64,
}

fn wrong(_: Graph![User: FRIENDS]) {}
fn wrong_below(_: Graph![User: POSTS[WRITER]]) {}

fn main() {}
