//! Typed stores for the rows of a graph while it is loaded.
use crate::{
    error::Result,
    schema::{Entity, Row, entity},
};

/// Takes the rows of one level.
///
/// The engine does not know types: it tells a level to read one row, and remembers itself which parent the row belongs
/// to.
pub trait Push: Send {
    /// Reads the next columns of `row` as one more row of this level.
    ///
    /// # Errors
    /// A decode error that names the column.
    fn push(&mut self, row: &mut Row<'_, '_>) -> Result<()>;
}

/// The typed store of one level and of those below it.
pub trait Store: Send {
    /// Where this level's rows go, and the stores of the levels below in the order of the specs.
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>);
}

impl<D: Decode> Push for Vec<D> {
    fn push(&mut self, row: &mut Row<'_, '_>) -> Result<()> {
        self.push(D::decode(row)?);
        Ok(())
    }
}

/// The stores of the children of one level: a list like the includes it comes from.
pub trait StoreList: Send {
    /// Adds the stores in the order of the specs.
    fn collect<'a>(&'a mut self, stores: &mut Vec<&'a mut dyn Store>);
}

impl StoreList for () {
    fn collect<'a>(&'a mut self, _: &mut Vec<&'a mut dyn Store>) {}
}

impl<Head: Store, Tail: StoreList> StoreList for (Head, Tail) {
    fn collect<'a>(&'a mut self, stores: &mut Vec<&'a mut dyn Store>) {
        self.1.collect(stores);
        stores.push(&mut self.0);
    }
}

/// Something that can be read from a row: an entity, or the columns of a shape.
pub trait Decode: Sized + Send {
    /// Reads the next columns of `row`.
    ///
    /// # Errors
    /// A decode error that names the column.
    fn decode(row: &mut Row<'_, '_>) -> Result<Self>;
}

impl<E: Entity> Decode for E {
    fn decode(row: &mut Row<'_, '_>) -> Result<Self> {
        entity::read(row)
    }
}

/// The rows of one level, and the stores below.
#[derive(Debug)]
pub struct Rows<D, C> {
    /// The rows, in the order in which they came.
    pub rows: Vec<D>,
    /// The stores of the levels below.
    pub children: C,
}

impl<D, C> Rows<D, C> {
    /// An empty store.
    pub fn new(children: C) -> Self {
        Self {
            rows: Vec::new(),
            children,
        }
    }
}

impl<D: Decode, C: StoreList> Store for Rows<D, C> {
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>) {
        let mut stores = Vec::new();
        self.children.collect(&mut stores);
        (&mut self.rows, stores)
    }
}

/// Figures, one per group of related rows.
#[derive(Debug)]
pub struct Figures<T> {
    /// The figures, in the order in which they came.
    pub values: Vec<T>,
}

impl<T: crate::schema::ColumnValue> Push for Figures<T> {
    fn push(&mut self, row: &mut Row<'_, '_>) -> Result<()> {
        self.values.push(row.read()?);
        Ok(())
    }
}

impl<T: crate::schema::ColumnValue> Store for Figures<T> {
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>) {
        (self, Vec::new())
    }
}

/// A store for nothing: a relation that a condition left out, or rows that are in hand already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Push for Nothing {
    fn push(&mut self, _: &mut Row<'_, '_>) -> Result<()> {
        Ok(())
    }
}

impl Store for Nothing {
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>) {
        (self, Vec::new())
    }
}
