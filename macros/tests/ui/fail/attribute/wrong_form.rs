//! An attribute in the wrong form is shown in the right one.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity]
#[entity(table = users, module = "a b", unique, index(1))]
struct User {
    #[entity(primary_key = true)]
    id: i64,
    #[entity(length = "5", default = now, "name")]
    name: String,
}

fn main() {}
