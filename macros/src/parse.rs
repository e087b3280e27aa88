//! From syntax to attributes: what was written, with spans, and no meaning yet.
mod cache;
mod entity;
mod field;
mod grammar;
mod items;
mod relation;
mod shape;
mod value;
mod view;

pub(crate) use self::{
    cache::Cache,
    entity::{Embedded, Entity, embedded, entity, view},
    field::Field,
    relation::{Relation, RelationKind},
    shape::{Shape, ShapeField, SourceKind, shape},
    value::{DbEnum, DbNewtype, Variant, db_enum, db_newtype},
    view::{Keys, Maintained, MaintainedBy, Query, View},
};
