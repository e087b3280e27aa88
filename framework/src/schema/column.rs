//! Typed columns: `User::NAME` is a [`Column<User, String>`], so that a filter that compares a name with a number does
//! not compile.
use std::{fmt, marker::PhantomData};

use super::{
    cell::{Cell, Row},
    entity::Entity,
    table::ColumnDef,
    value::{ColumnValue, Value},
};
use crate::error::Result;

/// A column of the entity `E` whose field has type `T`. Generated as an associated const of the entity.
pub struct Column<E, T> {
    position: usize,
    types: PhantomData<fn() -> (E, T)>,
}

impl<E, T> Column<E, T> {
    /// The column at `position` of the entity's table. Called by generated code only.
    #[doc(hidden)]
    pub const fn at(position: usize) -> Self {
        Self {
            position,
            types: PhantomData,
        }
    }

    /// The column's position in its table.
    pub const fn position(self) -> usize {
        self.position
    }
}

impl<E: Entity, T: ColumnValue> Column<E, T> {
    /// The column's description.
    pub fn def(self) -> &'static ColumnDef {
        &E::table().columns[self.position]
    }

    /// The column's name in SQL.
    pub fn name(self) -> &'static str {
        self.def().name
    }
}

impl<E, T> Clone for Column<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T> Copy for Column<E, T> {}

impl<E: Entity, T: ColumnValue> fmt::Debug for Column<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", E::table().name, self.name())
    }
}

/// A struct whose fields are columns of the entity that embeds it. Derived by `#[derive(Embedded)]`.
pub trait Embedded: Sized + Clone + fmt::Debug + Send + Sync + 'static {
    /// How many columns the struct takes.
    const WIDTH: usize;

    /// The columns, named after the struct's own fields (without the embedding field's prefix).
    fn columns() -> Vec<ColumnDef>;

    /// Reads the struct from the next cells of `row`.
    ///
    /// # Errors
    /// A decode error that names the column's position.
    fn decode(row: &mut Row<'_, '_>) -> Result<Self>;

    /// The value of the column at position `column` within the struct.
    ///
    /// # Panics
    /// If the struct has no such column.
    fn value(&self, column: usize) -> Value;

    /// NULL of the column at position `column` within the struct.
    ///
    /// # Panics
    /// If the struct has no such column.
    fn null(column: usize) -> Value;
}

/// An optional struct is `None` when all of its columns are NULL.
impl<S: Embedded> Embedded for Option<S> {
    const WIDTH: usize = S::WIDTH;

    fn columns() -> Vec<ColumnDef> {
        let mut columns = S::columns();
        for column in &mut columns {
            column.nullable = true;
        }
        columns
    }

    fn decode(row: &mut Row<'_, '_>) -> Result<Self> {
        let absent = row.rest().iter().take(S::WIDTH).all(Cell::is_null);
        if absent && row.rest().len() >= S::WIDTH {
            row.skip(S::WIDTH);
            return Ok(None);
        }
        S::decode(row).map(Some)
    }

    fn value(&self, column: usize) -> Value {
        match self {
            Some(embedded) => embedded.value(column),
            None => S::null(column),
        }
    }

    fn null(column: usize) -> Value {
        S::null(column)
    }
}

/// An embedded struct `S` in the entity `E`: `User::ADDRESS.col(Address::CITY)` is the column.
pub struct EmbeddedField<E, S> {
    offset: usize,
    types: PhantomData<fn() -> (E, S)>,
}

impl<E, S> EmbeddedField<E, S> {
    /// The struct whose first column is at `offset` of the entity's table. Called by generated code only.
    #[doc(hidden)]
    pub const fn at(offset: usize) -> Self {
        Self {
            offset,
            types: PhantomData,
        }
    }

    /// The position of the struct's first column in its table.
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// The entity's column behind a column of the embedded struct.
    pub const fn col<T>(self, column: Column<S, T>) -> Column<E, T> {
        Column::at(self.offset + column.position)
    }

    /// The struct that the embedded struct itself embeds: `User::ADDRESS.embedded(Address::GEO).col(Geo::LATITUDE)`.
    pub const fn embedded<N>(self, field: EmbeddedField<S, N>) -> EmbeddedField<E, N> {
        EmbeddedField::at(self.offset + field.offset)
    }
}

impl<E, S> Clone for EmbeddedField<E, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, S> Copy for EmbeddedField<E, S> {}

impl<E: Entity, S> fmt::Debug for EmbeddedField<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}",
            E::table().name,
            E::table().columns[self.offset].field
        )
    }
}

/// The columns of the embedded struct `S` under `prefix`, as columns of the table that embeds it. SQL names and field
/// paths live as long as the program: they are made once per entity.
#[doc(hidden)]
pub fn embed<S: Embedded>(field: &str, prefix: &str) -> Vec<ColumnDef> {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    S::columns()
        .into_iter()
        .map(|column| ColumnDef {
            name: leak(format!("{prefix}{}", column.name)),
            field: leak(format!("{field}.{}", column.field)),
            ..column
        })
        .collect()
}
