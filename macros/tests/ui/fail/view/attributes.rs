//! Attributes of views, and what they lack.
use entourage::prelude::*;

#[derive(Debug, Clone, View)]
pub struct Bare {
    pub id: i64,
}

#[derive(Debug, Clone, View)]
#[view(query = "SELECT 1 AS id;", reads(Bare), cache(ttl = "1s"))]
pub struct Plain {
    #[view(primary_key, generated)]
    pub id: i64,
    #[view(index)]
    pub name: String,
}

#[derive(Debug, Clone, View)]
#[view(query(sqlite = "SELECT 1 AS id", mariadb = "SELECT 1 AS id"), reads(String))]
pub struct Each {
    #[view(primary_key)]
    pub id: i64,
}

fn main() {}
