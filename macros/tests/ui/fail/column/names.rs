//! Names that meet, and names of nothing.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: User, foreign_key = id))]
#[entity(unique(emial), index(email, email))]
struct User {
    #[entity(primary_key)]
    id: i64,
    email: String,
    #[entity(column = "email")]
    mail: String,
    posts: i64,
}

fn main() {}
