//! What a shard key cannot be.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(table = "orders")]
struct Order {
    #[entity(primary_key, generated, shard_key)]
    id: i64,
    #[entity(shard_key)]
    customer_id: Option<i64>,
    #[entity(version, shard_key)]
    version: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "visits", shard_key = user_id)]
struct Visit {
    #[entity(primary_key)]
    id: i64,
    user_id: i64,
}

#[derive(Debug, Clone, Embedded)]
struct Address {
    #[entity(shard_key)]
    street: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "tickets")]
struct Ticket {
    #[entity(primary_key)]
    id: i64,
    #[entity(shard_key, default = "1")]
    tenant: i64,
}

fn main() {}
