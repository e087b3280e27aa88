//! From syntax to attributes: what was written, with spans, and no meaning yet.
mod entity;
mod field;
mod grammar;
mod items;
mod relation;
mod value;

pub(crate) use self::{
    entity::{Embedded, Entity, embedded, entity},
    field::Field,
    relation::{Relation, RelationKind},
    value::{DbEnum, DbNewtype, Variant, db_enum, db_newtype},
};
