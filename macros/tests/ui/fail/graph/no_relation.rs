//! A graph is an entity with something beside it.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
struct User {
    #[entity(primary_key, generated)]
    id: i64,
}

type Nothing = Graph![User];

fn main() {}
