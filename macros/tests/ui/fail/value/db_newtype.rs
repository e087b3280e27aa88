//! What a newtype in a column is.
use entourage::prelude::*;

#[derive(Debug, Clone, DbNewtype)]
struct Named {
    id: i64,
}

#[derive(Debug, Clone, DbNewtype)]
struct Pair(i64, i64);

#[derive(Debug, Clone, DbNewtype)]
struct Generic<T>(T);

#[derive(Debug, Clone, DbNewtype)]
struct Nullable(Option<i64>);

#[derive(Debug, Clone)]
struct NoColumn;

#[derive(Debug, Clone, DbNewtype)]
struct Around(NoColumn);

fn main() {}
