//! No column of all three databases holds a `u64`.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
struct Counter {
    #[entity(primary_key)]
    id: i64,
    hits: u64,
    size: Option<usize>,
}

#[derive(Debug, Clone, DbNewtype)]
struct Hits(u64);

fn main() {}
