//! A lending library: entities for the schema itself, with a cycle of tables, keys of every kind, checks and defaults.

use entourage::prelude::*;
use entourage::schema::value::Json;

/// A type that is both text in the table and labels in a CHECK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum State {
    Shelved,
    #[db_enum(rename = "on loan's way")]
    OnLoan,
}

/// Half of a cycle: its head is a member, who is of a branch.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "branches")]
#[entity(belongs_to(head: Member, foreign_key = head_id, on_delete = set_null))]
pub struct Branch {
    #[entity(primary_key, length = 8)]
    pub code: String,
    pub head_id: Option<i64>,
}

/// The other half; also a reference to itself.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "members")]
#[entity(unique(branch_code, card))]
#[entity(index(name, joined_at))]
#[entity(belongs_to(branch: Branch, foreign_key = branch_code))]
#[entity(belongs_to(guardian: Member, foreign_key = guardian_id, on_delete = set_null))]
pub struct Member {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub branch_code: String,
    pub card: i32,
    #[entity(length = 60)]
    pub name: String,
    pub guardian_id: Option<i64>,
    #[entity(default = "'none'")]
    pub remarks: String,
    #[entity(default = "TRUE")]
    pub active: bool,
    #[entity(default = "CURRENT_TIMESTAMP")]
    pub joined_at: chrono::DateTime<chrono::Utc>,
    #[entity(version)]
    pub version: i32,
}

/// A composite key with a foreign key in it.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "volumes")]
#[entity(belongs_to(branch: Branch, foreign_key = branch_code, on_delete = cascade))]
pub struct Volume {
    #[entity(primary_key)]
    pub branch_code: String,
    #[entity(primary_key)]
    pub number: i32,
    #[entity(unique)]
    pub barcode: String,
    pub title: String,
    #[entity(default = "'shelved'")]
    pub state: State,
    pub price: Option<rust_decimal::Decimal>,
    pub weight: f64,
    pub cover: Option<Vec<u8>>,
    pub tags: Json<Vec<String>>,
}

/// A composite foreign key and a client-made key.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "loans")]
#[entity(index(branch_code, number))]
#[entity(belongs_to(volume: Volume, foreign_key = (branch_code, number), on_delete = cascade))]
#[entity(belongs_to(member: Member, foreign_key = member_id, on_delete = restrict))]
pub struct Loan {
    #[entity(primary_key, generated)]
    pub id: uuid::Uuid,
    pub branch_code: String,
    pub number: i32,
    #[entity(index)]
    pub member_id: i64,
    pub due_on: chrono::NaiveDate,
    pub returned_at: Option<chrono::NaiveDateTime>,
}

/// All of it, those that point at others first.
pub type Library = (Loan, Volume, Member, Branch);
