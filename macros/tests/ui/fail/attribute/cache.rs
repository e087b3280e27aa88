//! How long, and what a write does, are said in known words.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(cache(ttl = "60", write = "around"))]
pub struct Book {
    #[entity(primary_key)]
    pub id: i64,
    pub title: String,
}

fn main() {}
