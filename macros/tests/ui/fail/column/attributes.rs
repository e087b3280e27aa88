//! Attributes that do not go with a field's type.
use entourage::prelude::*;

#[derive(Debug, Clone, Embedded)]
struct Address {
    #[entity(primary_key)]
    street: String,
    #[entity(unique)]
    city: String,
}

#[derive(Debug, Clone, Entity)]
struct User {
    #[entity(primary_key)]
    id: i64,
    #[entity(embedded, unique, column = "address")]
    address: Address,
    #[entity(prefix = "x_")]
    name: String,
    #[entity(length = 5)]
    age: i32,
}

fn main() {}
