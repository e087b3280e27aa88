//! What maintains a view, and what that leaves out.
use entourage::prelude::*;

#[derive(Debug, Clone, View)]
#[view(query = "SELECT 1 AS id", maintained(Bare))]
pub struct Bare {
    #[view(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, View)]
#[view(query = "SELECT 1 AS id", maintained(Bare = "SELECT 1"))]
pub struct Unled {
    #[view(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, View)]
#[view(query = "SELECT 1 AS id", maintained(Bare = id, Bare = other))]
pub struct Twice {
    #[view(primary_key)]
    pub id: i64,
}

#[derive(Debug, Clone, View)]
#[view(query = "SELECT 1 AS id", materialized, reads(Bare), maintained(Bare = id))]
pub struct Both {
    #[view(primary_key)]
    pub id: i64,
}

fn main() {}
