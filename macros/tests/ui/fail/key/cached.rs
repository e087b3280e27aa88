//! A type of the user's own over text: only the compiler knows that the database compares it by its rules.
use entourage::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, Hash, DbNewtype)]
pub struct Isbn(String);

#[derive(Debug, Clone, Entity)]
#[entity(cache(ttl = "60s"))]
pub struct Book {
    #[entity(primary_key)]
    pub isbn: Isbn,
    pub title: String,
}

fn main() {
    let _ = Book::table();
}
