//! What is no column type.
use entourage::prelude::*;

#[derive(Debug, Clone)]
struct Address;

#[derive(Debug, Clone, Entity)]
struct User {
    #[entity(primary_key)]
    id: i64,
    address: Address,
}

fn main() {}
