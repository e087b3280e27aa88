//! Relations between entities, in types (what a loaded relation is) and in data (which columns meet).
use std::fmt::Debug;

use super::{
    entity::Entity,
    expression::{Condition, OrderTerm},
    table::TableDef,
};
use crate::error::{Error, ErrorKind, Result};

/// How many rows a relation leads to, and which side holds the foreign key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// This entity holds the foreign key.
    BelongsTo,
    /// The other entity holds the foreign key; at most one row.
    HasOne,
    /// The other entity holds the foreign key.
    HasMany,
    /// A third entity holds both foreign keys.
    ManyToMany,
}

impl Cardinality {
    /// Whether the relation leads to one row at most.
    pub fn is_to_one(self) -> bool {
        matches!(self, Cardinality::BelongsTo | Cardinality::HasOne)
    }
}

/// The entity between the two sides of a many-to-many relation.
#[derive(Debug)]
pub struct ThroughDef {
    /// The table in between.
    pub table: fn() -> &'static TableDef,
    /// Its columns that point at the entity the relation starts from, in the order of [`RelationDef::from`].
    pub from: Vec<usize>,
    /// Its columns that point at the entity the relation leads to, in the order of [`RelationDef::to`].
    pub to: Vec<usize>,
}

/// What the database does with the rows that hold a foreign key when the row it points at is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnDelete {
    /// The database's default: the delete fails.
    #[default]
    NoAction,
    /// The delete fails at once, deferred constraints or not.
    Restrict,
    /// The rows are deleted too.
    Cascade,
    /// The foreign key becomes NULL.
    SetNull,
}

impl OnDelete {
    /// The action in SQL's words.
    pub fn sql(self) -> &'static str {
        match self {
            OnDelete::NoAction => "NO ACTION",
            OnDelete::Restrict => "RESTRICT",
            OnDelete::Cascade => "CASCADE",
            OnDelete::SetNull => "SET NULL",
        }
    }
}

/// One relation as data: `from` columns of one table meet `to` columns of the other.
#[derive(Debug)]
pub struct RelationDef {
    /// The relation's name in Rust, `posts`.
    pub name: &'static str,
    /// The const that selects it, `User::POSTS`; for messages.
    pub path: &'static str,
    /// Which side holds the key, and how many rows there may be.
    pub cardinality: Cardinality,
    /// The table it starts from.
    pub source: fn() -> &'static TableDef,
    /// The table it leads to.
    pub target: fn() -> &'static TableDef,
    /// Positions of the columns in the source.
    pub from: Vec<usize>,
    /// Positions of the columns in the target, in the same order.
    pub to: Vec<usize>,
    /// The entity in between, for many-to-many.
    pub through: Option<ThroughDef>,
    /// What a delete of the row pointed at does, where this entity holds the foreign key.
    pub on_delete: OnDelete,
    /// A filter that is part of the relation.
    pub filter: Option<Condition>,
    /// An order that is part of the relation.
    pub order: Vec<OrderTerm>,
}

impl RelationDef {
    /// Whether at most one row of the target can match: its columns are its primary key or a unique index.
    pub fn leads_to_unique_row(&self) -> bool {
        self.through.is_none() && (self.target)().is_unique(&self.to)
    }

    /// Whether no two rows of the source can share the columns that the relation starts from.
    pub fn starts_from_unique_row(&self) -> bool {
        (self.source)().is_unique(&self.from)
    }
}

/// A relation as a type: a unit struct in the entity's module (`user::Posts`), with the const `User::POSTS` as its
/// value. Derived.
pub trait Relation: Copy + Debug + Send + Sync + 'static {
    /// The entity it starts from.
    type From: Entity;
    /// The entity it leads to.
    type To: Entity;
    /// What a loaded relation is: [`Many`], [`Maybe`] or [`One`].
    type Arity: Arity;

    /// The relation as data.
    fn def() -> &'static RelationDef;
}

/// A value that can be loaded beside a parent: parents that share it get copies.
pub trait Related: Clone + Send {}

impl<T: Clone + Send> Related for T {}

/// What a loaded relation holds for one parent.
pub trait Arity: Debug + Send + Sync + 'static {
    /// The container of the related values.
    type Of<T: Related>: Related;

    /// Puts the `children` of one parent into the container.
    ///
    /// # Errors
    /// [`DanglingKey`](ErrorKind::DanglingKey) where there must be a row and is none.
    fn collect<T: Related>(relation: &'static RelationDef, children: Vec<T>)
    -> Result<Self::Of<T>>;

    /// The values in the container, in order.
    fn iter<T: Related>(of: &Self::Of<T>) -> std::slice::Iter<'_, T>;
}

/// Any number of rows: `Vec<T>`.
#[derive(Debug, Clone, Copy)]
pub enum Many {}

/// One row or none: `Option<T>`.
#[derive(Debug, Clone, Copy)]
pub enum Maybe {}

/// Exactly one row: `T`.
#[derive(Debug, Clone, Copy)]
pub enum One {}

impl Arity for Many {
    type Of<T: Related> = Vec<T>;

    fn collect<T: Related>(_: &'static RelationDef, children: Vec<T>) -> Result<Vec<T>> {
        Ok(children)
    }

    fn iter<T: Related>(of: &Vec<T>) -> std::slice::Iter<'_, T> {
        of.iter()
    }
}

impl Arity for Maybe {
    type Of<T: Related> = Option<T>;

    fn collect<T: Related>(_: &'static RelationDef, children: Vec<T>) -> Result<Option<T>> {
        Ok(children.into_iter().next())
    }

    fn iter<T: Related>(of: &Option<T>) -> std::slice::Iter<'_, T> {
        of.as_slice().iter()
    }
}

impl Arity for One {
    type Of<T: Related> = T;

    fn collect<T: Related>(relation: &'static RelationDef, children: Vec<T>) -> Result<T> {
        children
            .into_iter()
            .next()
            .ok_or_else(|| dangling(relation))
    }

    fn iter<T: Related>(of: &T) -> std::slice::Iter<'_, T> {
        std::slice::from_ref(of).iter()
    }
}

#[cold]
fn dangling(relation: &'static RelationDef) -> Error {
    let source = (relation.source)();
    let target = (relation.target)();
    let columns: Vec<_> = relation
        .from
        .iter()
        .map(|&column| source.columns[column].name)
        .collect();
    Error::new(
        ErrorKind::DanglingKey,
        format!(
            "`{}` of a row in `{}` points at no row in `{}` (relation `{}`)",
            columns.join(", "),
            source.name,
            target.name,
            relation.path
        ),
    )
    .with_hint("mend the data, or declare the relation `optional` to read such a row as `None`")
}
