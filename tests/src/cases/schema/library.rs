//! A lending library: entities for the schema itself, with a cycle of tables, keys of every kind, checks and defaults.

use entourage::prelude::*;
use entourage::schema::value::Json;

/// A type that is both text in the table and labels in a CHECK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub(super) enum State {
    Shelved,
    #[db_enum(rename = "on loan's way")]
    OnLoan,
}

/// Half of a cycle: its head is a member, who is of a branch.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "branches")]
#[entity(belongs_to(head: Member, foreign_key = head_id, on_delete = set_null))]
pub(super) struct Branch {
    #[entity(primary_key, length = 8)]
    pub(super) code: String,
    pub(super) head_id: Option<i64>,
}

/// The other half; also a reference to itself.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "members")]
#[entity(unique(branch_code, card))]
#[entity(index(name, joined_at))]
#[entity(belongs_to(branch: Branch, foreign_key = branch_code))]
#[entity(belongs_to(guardian: Member, foreign_key = guardian_id, on_delete = set_null))]
pub(super) struct Member {
    #[entity(primary_key, generated)]
    pub(super) id: i64,
    pub(super) branch_code: String,
    pub(super) card: i32,
    #[entity(length = 60)]
    pub(super) name: String,
    pub(super) guardian_id: Option<i64>,
    #[entity(default = "'none'")]
    pub(super) remarks: String,
    #[entity(default = "TRUE")]
    pub(super) active: bool,
    #[entity(default = "CURRENT_TIMESTAMP")]
    pub(super) joined_at: chrono::DateTime<chrono::Utc>,
    #[entity(version)]
    pub(super) version: i32,
}

/// A composite key with a foreign key in it.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "volumes")]
#[entity(belongs_to(branch: Branch, foreign_key = branch_code, on_delete = cascade))]
pub(super) struct Volume {
    #[entity(primary_key)]
    pub(super) branch_code: String,
    #[entity(primary_key)]
    pub(super) number: i32,
    #[entity(unique)]
    pub(super) barcode: String,
    pub(super) title: String,
    #[entity(default = "'shelved'")]
    pub(super) state: State,
    pub(super) price: Option<rust_decimal::Decimal>,
    pub(super) weight: f64,
    pub(super) cover: Option<Vec<u8>>,
    pub(super) tags: Json<Vec<String>>,
}

/// A composite foreign key and a client-made key.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "loans")]
#[entity(index(branch_code, number))]
#[entity(belongs_to(volume: Volume, foreign_key = (branch_code, number), on_delete = cascade))]
#[entity(belongs_to(member: Member, foreign_key = member_id, on_delete = restrict))]
pub(super) struct Loan {
    #[entity(primary_key, generated)]
    pub(super) id: uuid::Uuid,
    pub(super) branch_code: String,
    pub(super) number: i32,
    #[entity(index)]
    pub(super) member_id: i64,
    pub(super) due_on: chrono::NaiveDate,
    pub(super) returned_at: Option<chrono::NaiveDateTime>,
}

/// All of it, those that point at others first.
pub(super) type Library = (Loan, Volume, Member, Branch);
