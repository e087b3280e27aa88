//! An entity is a plain struct with named fields.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
enum Status {
    Draft,
}

#[derive(Debug, Clone, Entity)]
struct UserId(i64);

#[derive(Debug, Clone, Entity)]
struct Nothing;

#[derive(Debug, Clone, Entity)]
struct Row<T> {
    id: T,
}

fn main() {}
