//! What inserts and patches take, and sets of columns.
use crate::schema::{Column, ColumnValue, Entity, Value};

/// A row to be inserted; the derived `NewUser`.
pub trait NewEntity: Send {
    /// The entity it becomes.
    type Entity: Entity;

    /// One entry for each column of the table; `None` leaves the column to its default.
    fn into_values(self) -> Vec<Option<Value>>;
}

/// Changes to a row; the derived `UserPatch`.
pub trait Patch: Send {
    /// The entity it changes.
    type Entity: Entity;

    /// The columns to change, by position, with their new values.
    fn into_changes(self) -> Vec<(usize, Value)>;
}

/// One column of `E`, or a tuple of them: `User::EMAIL`, `(Seat::ROW, Seat::NUMBER)`.
pub trait ColumnSet<E>: Send {
    /// The columns' positions.
    fn positions(self) -> Vec<usize>;
}

impl<E: Entity, T: ColumnValue> ColumnSet<E> for Column<E, T> {
    fn positions(self) -> Vec<usize> {
        vec![self.position()]
    }
}

macro_rules! column_sets {
    ($(($($name:ident $index:tt),+);)*) => {
        $(impl<Owner: Entity, $($name: ColumnValue),+> ColumnSet<Owner> for ($(Column<Owner, $name>,)+) {
            fn positions(self) -> Vec<usize> {
                vec![$(self.$index.position()),+]
            }
        })*
    };
}

column_sets! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}
