//! A primary key is never NULL and has four columns at most.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
struct Nullable {
    #[entity(primary_key)]
    id: Option<i64>,
}

#[derive(Debug, Clone, Entity)]
struct Wide {
    #[entity(primary_key)]
    a: i64,
    #[entity(primary_key)]
    b: i64,
    #[entity(primary_key)]
    c: i64,
    #[entity(primary_key)]
    d: i64,
    #[entity(primary_key)]
    e: i64,
}

fn main() {}
