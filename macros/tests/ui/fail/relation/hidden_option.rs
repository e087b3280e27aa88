//! A foreign key that may be NULL looks like it.
use entourage::prelude::*;

type Parent = Option<i64>;

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(parent: Self))]
struct Node {
    #[entity(primary_key)]
    id: i64,
    parent_id: Parent,
}

fn main() {}
