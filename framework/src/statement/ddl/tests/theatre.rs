//! A theatre's entities, which between them use everything that a schema can have.
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub(crate) enum Role {
    Actor,
    #[db_enum(rename = "it's a director")]
    Director,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[db_enum(integer)]
pub(crate) enum Rating {
    Poor = 1,
    Fine = 2,
}

#[derive(Debug, Clone, Embedded)]
pub(crate) struct Address {
    pub(crate) street: String,
    #[entity(length = 2)]
    pub(crate) country: String,
}

/// Generated key, defaults, enums, embedded columns, a reference to itself, and half of a cycle.
#[derive(Debug, Clone, Entity)]
#[entity(table = "persons")]
#[entity(unique(name, born_on))]
#[entity(index(role, name))]
#[entity(belongs_to(mentor: Person, foreign_key = mentor_id, on_delete = set_null))]
#[entity(belongs_to(home: Company, foreign_key = home_code))]
#[entity(has_many(pupils: Person, foreign_key = mentor_id))]
pub(crate) struct Person {
    #[entity(primary_key, generated)]
    pub(crate) id: i64,
    #[entity(unique)]
    pub(crate) email: String,
    #[entity(length = 80)]
    pub(crate) name: String,
    #[entity(default = "'actor'")]
    pub(crate) role: Role,
    pub(crate) rating: Option<Rating>,
    pub(crate) born_on: NaiveDate,
    pub(crate) mentor_id: Option<i64>,
    pub(crate) home_code: Option<String>,
    #[entity(embedded, prefix = "home_")]
    pub(crate) address: Option<Address>,
    #[entity(default = "'no word'")]
    pub(crate) biography: String,
    #[entity(default = "TRUE")]
    pub(crate) active: bool,
    #[entity(default = "CURRENT_TIMESTAMP")]
    pub(crate) joined_at: DateTime<Utc>,
    #[entity(version)]
    pub(crate) version: i32,
    #[entity(created_at)]
    pub(crate) created_at: DateTime<Utc>,
    #[entity(deleted_at)]
    pub(crate) deleted_at: Option<DateTime<Utc>>,
}

/// A natural key of text, and the other half of the cycle.
#[derive(Debug, Clone, Entity)]
#[entity(table = "companies")]
#[entity(belongs_to(founder: Person, foreign_key = founder_id, on_delete = restrict))]
pub(crate) struct Company {
    #[entity(primary_key, length = 12)]
    pub(crate) code: String,
    pub(crate) founder_id: i64,
    #[entity(default = "1 + 1")]
    pub(crate) stages: i16,
}

/// Every other type, and a key made by the client.
#[derive(Debug, Clone, Entity)]
#[entity(table = "plays")]
pub(crate) struct Play {
    #[entity(primary_key, generated)]
    pub(crate) id: Uuid,
    #[entity(unique)]
    pub(crate) checksum: Vec<u8>,
    pub(crate) poster: Option<Vec<u8>>,
    pub(crate) price: Decimal,
    pub(crate) weight: f32,
    pub(crate) score: Option<f64>,
    pub(crate) written: Option<NaiveDateTime>,
    pub(crate) starts: NaiveTime,
    pub(crate) notes: serde_json::Value,
}

/// Both keys of a many-to-many relation as the primary key.
#[derive(Debug, Clone, Entity)]
#[entity(table = "castings")]
#[entity(belongs_to(person: Person, foreign_key = person_id, on_delete = cascade))]
#[entity(belongs_to(play: Play, foreign_key = play_id, on_delete = cascade))]
pub(crate) struct Casting {
    #[entity(primary_key)]
    pub(crate) person_id: i64,
    #[entity(primary_key, index)]
    pub(crate) play_id: Uuid,
    pub(crate) part: String,
}

/// A composite key, pointed at.
#[derive(Debug, Clone, Entity)]
#[entity(table = "seats")]
pub(crate) struct Seat {
    #[entity(primary_key)]
    pub(crate) hall: String,
    #[entity(primary_key)]
    pub(crate) number: i32,
}

/// A composite foreign key, and a unique column that is pointed at.
#[derive(Debug, Clone, Entity)]
#[entity(table = "tickets")]
#[entity(belongs_to(seat: Seat, foreign_key = (hall, number)))]
#[entity(belongs_to(holder: Person, foreign_key = email, references = email))]
pub(crate) struct Ticket {
    #[entity(primary_key, generated)]
    pub(crate) id: i32,
    pub(crate) hall: String,
    pub(crate) number: i32,
    #[entity(index)]
    pub(crate) email: String,
}

/// All of them, those that point first.
pub(crate) type Theatre = (Casting, Ticket, Person, Company, Play, Seat);
