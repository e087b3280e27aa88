//! An attribute in the wrong place, or by another library's name, is sent where it belongs.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(primary_key, table_name = "users")]
struct User {
    #[entity(primary_key, auto_increment)]
    id: i64,
    #[entity(foreign_key = team_id, nullable)]
    team_id: Option<i64>,
    #[entity(skip)]
    cached: String,
}

fn main() {}
