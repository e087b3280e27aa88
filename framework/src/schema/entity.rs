//! The trait behind `#[derive(Entity)]`.
use std::fmt::Debug;

use super::{cell::Row, key::Key, relation::RelationDef, table::TableDef, value::Value};
use crate::error::{Error, Result};

/// A struct that is one row of a table. Derived; see the derive's reference for the attributes.
///
/// The struct holds columns only. Related rows come as types of their own, so that reading a relation that was not
/// loaded does not compile.
pub trait Entity: Sized + Clone + Debug + Send + Sync + 'static {
    /// The primary key: the field's type, or a tuple of them.
    type Key: Key;

    /// The table behind the entity.
    fn table() -> &'static TableDef;

    /// Reads the entity from the next cells of `row`, in the order of the table's columns.
    ///
    /// # Errors
    /// A decode error that names the column's position.
    fn decode(row: &mut Row<'_, '_>) -> Result<Self>;

    /// The primary key of this row.
    fn key(&self) -> Self::Key;

    /// The value of the column at position `column` of the table.
    ///
    /// # Panics
    /// If the table has no such column.
    fn value(&self, column: usize) -> Value;

    /// The relations of the entity.
    fn relations() -> Vec<&'static RelationDef> {
        (Self::table().relations)()
    }
}

/// An entity whose rows can be written. Derived with [`Entity`]; a [`View`](super::View) is read only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a view and cannot be written",
    label = "only read: its rows are what its query gives",
    note = "write the entities that the view reads; a materialized view is brought up to date by `db.refresh::<{Self}>()`",
    note = "code about any entity asks for `E: Writable` where it writes"
)]
pub trait Writable: Entity {}

/// Reads an entity. An error names its table and the column.
///
/// # Errors
/// As [`Entity::decode`].
#[inline]
pub(crate) fn read<E: Entity>(row: &mut Row<'_, '_>) -> Result<E> {
    let first = row.position();
    E::decode(row).map_err(|error| in_table(error, E::table(), row.position() - first))
}

#[cold]
fn in_table(error: Error, table: &TableDef, at: usize) -> Error {
    let error = error.with_table(table.name);
    match table.columns.get(at) {
        Some(column) => error.with_columns(vec![column.name.to_owned()]),
        None => error,
    }
}
