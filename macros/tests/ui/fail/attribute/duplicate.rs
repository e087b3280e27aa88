//! Each attribute is given once.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(table = "users")]
#[entity(table = "people")]
struct User {
    #[entity(primary_key, generated, primary_key)]
    id: i64,
}

fn main() {}
