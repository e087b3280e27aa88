//! An entity has a primary key; without one, its other names still exist.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = author_id))]
struct User {
    id: i64,
    name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User))]
struct Post {
    #[entity(primary_key)]
    id: i64,
    author_id: i64,
}

fn main() {
    let _ = (User::POSTS, User::NAME.eq("Ada"), NewUser::new(1, String::new()));
}
