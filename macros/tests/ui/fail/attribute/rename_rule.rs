//! A rule for names is one of the known ones.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(rename_all = "camelcase")]
struct User {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, DbEnum)]
#[db_enum(rename_all = "TitleCase")]
enum Status {
    Draft,
}

fn main() {
    let _ = Status::Draft;
}
