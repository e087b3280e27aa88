//! Columns that the framework writes have their types, and one role each.
use entourage::prelude::*;

type Time = i64;

#[derive(Debug, Clone, Entity)]
struct User {
    #[entity(primary_key, version)]
    id: i64,
    #[entity(version)]
    version: String,
    #[entity(created_at)]
    created: Option<Time>,
    #[entity(updated_at, default = "now()")]
    updated: Time,
    #[entity(deleted_at)]
    deleted: Time,
    #[entity(deleted_at)]
    removed: Option<Time>,
}

fn main() {}
