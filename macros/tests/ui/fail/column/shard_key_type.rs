//! A shard key that does not come back as it was written, and one that the database would make.
use chrono::{DateTime, Utc};
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(table = "readings")]
struct Reading {
    #[entity(primary_key)]
    id: i64,
    #[entity(shard_key)]
    at: DateTime<Utc>,
}

fn main() {}
