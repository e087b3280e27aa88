//! What a derive is about, with every name and default resolved; the later stages read nothing else.
mod cache;
mod entity;
mod field;
mod naming;
mod relation;
mod shape;
mod types;
mod value;
mod view;

pub(crate) use self::{
    cache::{Cache, Capacity, Write},
    entity::{Embedded, Entity, embedded, entity},
    field::{Column, Content, Field, Given},
    naming::constant,
    relation::{Arity, OnDelete, Relation, Side},
    shape::{ColumnRef, Shape, ShapeField, ShapeValue, shape},
    types::{Kind, kind, last_word, option_inner},
    value::{DbEnum, DbNewtype, db_enum, db_newtype},
    view::View,
};
pub(crate) use crate::parse::{RelationKind, SourceKind};
