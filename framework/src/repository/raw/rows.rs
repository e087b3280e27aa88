//! Rows of raw SQL.
use std::ops::ControlFlow;

use crate::{
    driver::RowSink,
    error::{Error, Result},
    schema::{Cell, ColumnValue, Entity, Row, TableDef, entity},
};

/// What a row of raw SQL can be read as: an entity, or a tuple of up to twelve column values.
#[diagnostic::on_unimplemented(
    message = "a row cannot be read as `{Self}`",
    label = "expected an entity or a tuple of column values",
    note = "one column alone is a tuple too: `fetch::<(i64,)>()`"
)]
pub trait FromRow: Sized + Send {
    /// The columns it takes.
    fn wanted() -> Wanted;

    /// Reads the columns wanted.
    ///
    /// # Errors
    /// A decode error that names the column's position.
    fn from_row(row: &mut Row<'_, '_>) -> Result<Self>;
}

/// The columns that a row is read from.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// Those of this table, by name.
    Named(&'static TableDef),
    /// All, and so many, in order.
    All(usize),
}

impl<E: Entity> FromRow for E {
    fn wanted() -> Wanted {
        Wanted::Named(E::table())
    }

    fn from_row(row: &mut Row<'_, '_>) -> Result<Self> {
        entity::read(row)
    }
}

macro_rules! tuples {
    ($(($count:literal $($name:ident)+))*) => {
        $(impl<$($name: ColumnValue),+> FromRow for ($($name,)+) {
            fn wanted() -> Wanted {
                Wanted::All($count)
            }

            fn from_row(row: &mut Row<'_, '_>) -> Result<Self> {
                Ok(($(row.read::<$name>()?,)+))
            }
        })*
    };
}

tuples! {
    (1 A)
    (2 A B)
    (3 A B C)
    (4 A B C D)
    (5 A B C D E)
    (6 A B C D E F)
    (7 A B C D E F G)
    (8 A B C D E F G H)
    (9 A B C D E F G H I)
    (10 A B C D E F G H I J)
    (11 A B C D E F G H I J K)
    (12 A B C D E F G H I J K L)
}

/// Takes up to `limit` rows.
pub(super) struct Collect<T> {
    pub(super) rows: Vec<T>,
    limit: usize,
    /// Where the wanted columns are, if not in order from the first on.
    places: Option<Vec<usize>>,
}

impl<T> Collect<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            rows: Vec::new(),
            limit,
            places: None,
        }
    }
}

impl<T: FromRow> RowSink for Collect<T> {
    fn columns(&mut self, names: &mut dyn Iterator<Item = &str>) -> Result<()> {
        let names: Vec<_> = names.collect();
        self.places = places(T::wanted(), &names)?;
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        let row = match &self.places {
            None => T::from_row(&mut Row::new(cells))?,
            Some(places) => {
                let cells: Vec<_> = places.iter().map(|&at| cells[at].clone()).collect();
                T::from_row(&mut Row::new(&cells))?
            }
        };
        self.rows.push(row);
        Ok(if self.rows.len() < self.limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    }
}

/// Where the wanted columns are among those returned; `None` if in order from the first on.
fn places(wanted: Wanted, names: &[&str]) -> Result<Option<Vec<usize>>> {
    let table = match wanted {
        Wanted::All(count) if count == names.len() => return Ok(None),
        Wanted::All(count) => {
            return Err(Error::decode(format!(
                "the SQL returns {} ({}), and a tuple of {count} is read",
                columns(names.len()),
                names.join(", ")
            )));
        }
        Wanted::Named(table) => table,
    };
    let mut places = Vec::with_capacity(table.columns.len());
    let mut missing = Vec::new();
    for column in &table.columns {
        let mut found = (0..names.len()).filter(|&at| names[at].eq_ignore_ascii_case(column.name));
        match (found.next(), found.next()) {
            (None, _) => missing.push(column.name),
            (Some(at), None) => places.push(at),
            (Some(_), Some(_)) => {
                return Err(Error::decode(format!(
                    "the SQL returns several columns `{}`, and `{}` reads one",
                    column.name, table.entity
                ))
                .with_hint(format!(
                    "select the entity's alone, `{}.*`, or give the others names by AS",
                    table.name
                )));
            }
        }
    }
    if !missing.is_empty() {
        return Err(Error::decode(format!(
            "the SQL returns {} ({}) without `{}`, which `{}` reads",
            columns(names.len()),
            names.join(", "),
            missing.join("`, `"),
            table.entity
        ))
        .with_hint("select all columns of the entity, or read a tuple"));
    }
    let in_order = places.iter().copied().eq(0..places.len());
    Ok((!in_order).then_some(places))
}

fn columns(count: usize) -> String {
    match count {
        1 => "1 column".to_owned(),
        _ => format!("{count} columns"),
    }
}
