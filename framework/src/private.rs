//! What the derives' generated code names: re-exports, and the few functions that keep it thin.
//!
//! Nothing here is part of the public interface; it changes with the derives.
pub use std::{marker::PhantomData, sync::LazyLock};

pub use entourage_macros::within;

pub use crate::{
    eager::{
        IncludeList, LoadedIn, Selects, Shape,
        graph::{ThisQuery, Unloaded},
        shape::{columns, embedded, flatten, include, pick, plan},
    },
    error::Result,
    executor::IntoExecutor,
    repository::{NewEntity, Patch, Repository, raw::Argument},
    schema::{
        Arity, CacheCapacity, CacheDef, CacheWrite, Cardinality, Cell, Column, ColumnDef,
        ColumnDefault, ColumnValue, Embedded, EmbeddedField, Entity, Filter, IndexDef, Many, Maybe,
        OnDelete, One, Operand, Relation, RelationDef, Row, RowKeys, SqlType, TableDef, ThroughDef,
        Upkeep, Value, View, ViewDef, ViewKind, Writable,
        cached::{assert_cache_key, read_row},
        cell::Mismatch,
        column::embed,
        expression::{Condition, IntoOrder, OrderTerm, RelationFilters},
        value::assert_shard_key,
    },
};

/// The relation of an entity by the number of its name: what `Graph!` finds relations by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no relation of this name",
    label = "not the name of a relation's const, such as `POSTS` of `User::POSTS`"
)]
pub trait RelationNamed<const NAME: u64> {
    /// The relation as a type.
    type Relation: Relation;
}

/// What a key column marked `generated` gets: a number from the database, or a UUID from the client.
///
/// # Panics
/// At compile time, for every other type.
pub const fn generated<T: ColumnValue>() -> ColumnDefault {
    match T::TYPE {
        SqlType::SmallInt | SqlType::Int | SqlType::BigInt => ColumnDefault::Generated,
        SqlType::Uuid => ColumnDefault::ClientUuid,
        _ => panic!("a `generated` key is an integer or a `Uuid`"),
    }
}

/// The same for a key that the database cannot count: one of several columns, or one that says where the row goes.
///
/// # Panics
/// At compile time, for every type but a UUID.
pub const fn generated_here<T: ColumnValue>() -> ColumnDefault {
    match generated::<T>() {
        ColumnDefault::ClientUuid => ColumnDefault::ClientUuid,
        _ => panic!(
            "a `generated` key that is one of several columns, or the shard key, is a `Uuid`: the database counts no others"
        ),
    }
}

/// The answer to a column that the derive did not write; the callers' documented panic.
#[cold]
pub fn no_column(owner: &str, column: usize) -> ! {
    panic!("`{owner}` has no column at position {column}")
}

/// Whether an embedded struct has a column that must stay out of logs.
pub fn is_sensitive<S: Embedded>() -> bool {
    S::columns().iter().any(|column| column.sensitive)
}

/// The values of an embedded struct's columns.
pub fn embedded_values<S: Embedded>(embedded: &S) -> impl Iterator<Item = Value> + '_ {
    (0..S::WIDTH).map(|column| embedded.value(column))
}

/// Adds the columns of a patched embedded struct to the changes.
pub fn change_embedded<S: Embedded>(
    changes: &mut Vec<(usize, Value)>,
    offset: usize,
    value: Option<&S>,
) {
    if let Some(value) = value {
        changes.extend((offset..).zip(embedded_values(value)));
    }
}

/// A relation's own filter.
pub fn filter<E>(filter: Filter<E>) -> Option<Condition> {
    Some(filter.into_condition())
}

/// A relation's own order.
pub fn order<E>(order: impl IntoOrder<E>) -> Vec<OrderTerm> {
    order.into_order()
}

/// The label that an enum's column holds.
///
/// # Errors
/// If the cell is not text.
pub fn label<'r>(cell: &Cell<'r>) -> Result<&'r str, Mismatch> {
    match cell {
        Cell::Text(label) => Ok(label),
        _ => Err(Mismatch::expected("an enum's label")),
    }
}

/// The mismatch of a label that the enum does not have.
#[cold]
pub fn unknown_label(name: &'static str, label: &str, known: &[&str]) -> Mismatch {
    Mismatch::invalid(
        name,
        format_args!("it has no label {label:?}, only {known:?}"),
    )
}

/// The mismatch of a number that the enum does not have.
#[cold]
pub fn unknown_number(name: &'static str, number: i32, known: &[i32]) -> Mismatch {
    Mismatch::invalid(
        name,
        format_args!("it has no number {number}, only {known:?}"),
    )
}

/// Two types that a foreign key and the key it points at may have.
#[diagnostic::on_unimplemented(
    message = "a foreign key of type `{Self}` cannot point at a key of type `{K}`",
    label = "the two sides of the relation have different types",
    note = "give both columns one type (`Option` around the foreign key does not count)"
)]
pub trait PointsAt<K> {}

impl<K> PointsAt<K> for K {}

/// One column, or a tuple of columns, as one side of a relation.
pub trait KeyColumns: Copy {
    /// The types without `Option`, in the form of [`Entity::Key`].
    type Key;

    /// The columns' positions.
    fn positions(self) -> Vec<usize>;
}

impl<E, T: ColumnValue> KeyColumns for Column<E, T> {
    type Key = T::Base;

    fn positions(self) -> Vec<usize> {
        vec![self.position()]
    }
}

macro_rules! composite {
    ($(($($name:ident $index:tt),+);)*) => {
        $(impl<Owner, $($name: ColumnValue),+> KeyColumns for ($(Column<Owner, $name>,)+) {
            type Key = ($($name::Base,)+);

            fn positions(self) -> Vec<usize> {
                vec![$(self.$index.position()),+]
            }
        })*
    };
}

composite! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

/// The positions of one side of a relation.
pub fn positions(columns: impl KeyColumns) -> Vec<usize> {
    columns.positions()
}

/// The positions of the primary key of the entity at the far end of a relation.
pub fn primary_key<E: Entity>() -> Vec<usize> {
    E::table().primary_key.clone()
}

/// Compiles only if a foreign key and the columns it names have the same types. The foreign key comes last: from its
/// type the compiler would conclude the other's, and report a mismatch instead of the trait's message.
pub const fn points_at<F: KeyColumns, K: KeyColumns>(_references: K, _foreign_key: F)
where
    F::Key: PointsAt<K::Key>,
{
}

/// Compiles only if a foreign key has the types of the entity's primary key.
pub const fn points_at_key_of<E: Entity, F: KeyColumns>(_foreign_key: F)
where
    F::Key: PointsAt<E::Key>,
{
}
