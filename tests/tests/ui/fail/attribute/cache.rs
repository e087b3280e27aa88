//! The result cache is announced, and not there yet.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(cache(ttl = "60s"))]
struct User {
    #[entity(primary_key)]
    id: i64,
}

fn main() {}
