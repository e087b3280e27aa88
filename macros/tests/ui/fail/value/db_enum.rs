//! What an enum in a column is.
use entourage::prelude::*;

#[derive(Debug, Clone, DbEnum)]
struct NotAnEnum {
    a: i64,
}

#[derive(Debug, Clone, DbEnum)]
enum Generic<T> {
    A(T),
}

#[derive(Debug, Clone, DbEnum)]
enum WithData {
    Draft(i64),
}

#[derive(Debug, Clone, DbEnum)]
enum Empty {}

#[derive(Debug, Clone, DbEnum)]
enum Labels {
    Draft,
    #[db_enum(rename = "draft")]
    Other,
    #[db_enum(renam = "x")]
    Third,
}

#[derive(Debug, Clone, DbEnum)]
#[db_enum(integer)]
enum Numbers {
    Low,
    #[db_enum(rename = "x")]
    High = 2,
    Huge = 4294967296,
}

fn main() {}
