//! What a database or client can generate as a key.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
struct ByText {
    #[entity(primary_key, generated)]
    name: String,
}

#[derive(Debug, Clone, Entity)]
struct ByParts {
    #[entity(primary_key)]
    tenant: i64,
    #[entity(primary_key, generated)]
    number: i64,
}

#[derive(Debug, Clone, Entity)]
struct BesideTheKey {
    #[entity(primary_key)]
    id: i64,
    #[entity(generated)]
    serial: i64,
}

#[derive(Debug, Clone, Entity)]
struct Twice {
    #[entity(primary_key, generated, default = "1")]
    id: i64,
}

#[derive(Debug, Clone, PartialEq, DbNewtype)]
struct Number(i64);

#[derive(Debug, Clone, Entity)]
struct ByNewtypes {
    #[entity(primary_key)]
    tenant: i64,
    #[entity(primary_key, generated)]
    number: Number,
}

fn main() {}
