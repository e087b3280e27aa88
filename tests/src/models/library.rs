//! Books of authors whose rows are cached.

use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*};
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "authors", cache(ttl = "1h"))]
#[entity(has_many(books: Book, foreign_key = author_id))]
pub struct Author {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(unique, length = 50)]
    pub name: String,
    #[entity(version)]
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "books", cache(ttl = "1h", capacity = 1000))]
#[entity(belongs_to(author: Author, on_delete = cascade))]
#[entity(has_many(reviews: Review, foreign_key = book_id))]
#[entity(many_to_many(shelves: Shelf, through = Placement))]
pub struct Book {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub author_id: i64,
    pub title: String,
    #[entity(deleted_at)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Of no cache of its own.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "reviews")]
#[entity(belongs_to(book: Book))]
pub struct Review {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub book_id: i64,
    pub stars: i32,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "shelves")]
pub struct Shelf {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(length = 20)]
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "placements", unique(book_id, shelf_id))]
#[entity(belongs_to(book: Book))]
#[entity(belongs_to(shelf: Shelf))]
pub struct Placement {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub book_id: i64,
    pub shelf_id: i64,
}

/// Types that a database gives back in another form than they were given.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "editions", cache(ttl = "1h", max_bytes = 1_000_000))]
pub struct Edition {
    #[entity(primary_key)]
    pub country: i32,
    #[entity(primary_key)]
    pub key: Uuid,
    pub price: Decimal,
    pub printed_at: DateTime<Utc>,
    pub notes: Option<String>,
    #[entity(updated_at)]
    pub updated_at: DateTime<Utc>,
}

/// The tables, without rows.
pub async fn create_library(db: &Database) {
    db.create_schema::<(Author, Book, Review, Shelf, Placement, Edition)>()
        .await
        .expect("the database is empty");
}

pub fn author(name: &str) -> NewAuthor {
    NewAuthor { name: name.into() }
}

pub fn book(author_id: i64, title: &str) -> NewBook {
    NewBook::new(author_id, title.into())
}

pub fn edition(country: i32) -> NewEdition {
    let printed_at = DateTime::from_timestamp(1_700_000_000, 123_456_789).expect("it is in range");
    NewEdition {
        notes: Some("first".into()),
        ..NewEdition::new(
            country,
            Uuid::from_u128(7),
            Decimal::new(1990, 2),
            printed_at,
        )
    }
}
