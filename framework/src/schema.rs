//! What the derives describe: tables, columns, keys, relations, and the typed expressions over them.
//!
//! Nothing here talks to a database or renders SQL. Everything is plain data that generated code fills in and the
//! layers above read.
pub mod cached;
pub mod cell;
pub mod column;
pub mod entity;
pub mod entity_set;
pub mod expression;
pub mod key;
pub mod relation;
pub mod table;
pub mod value;
pub mod view;

pub use cached::{CacheCapacity, CacheDef, CacheWrite, CachedRow};
pub use cell::{Cell, Row};
pub use column::{Column, Embedded, EmbeddedField};
pub use entity::{Entity, Writable};
pub use entity_set::EntitySet;
pub use expression::{Condition, Filter, Operand, OrderBy, OrderTerm};
pub use key::{Key, KeyPart};
pub use relation::{
    Arity, Cardinality, Many, Maybe, OnDelete, One, Related, Relation, RelationDef, ThroughDef,
};
pub use table::{ColumnDef, Default as ColumnDefault, IndexDef, TableDef};
pub use value::{ArrayType, ColumnValue, SqlType, Value};
pub use view::{RowKeys, Upkeep, View, ViewDef, ViewKind};
