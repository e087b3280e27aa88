//! Shapes: graphs that have a name, and only the columns that it asks for. What `#[derive(Shape)]` builds on.
//!
//! A shape is an include list like any other, with two differences: of each row it reads some columns and not the
//! whole entity, and its rows and relations are put together by a function, into the user's own struct.
use std::{fmt, marker::PhantomData};

use super::{
    graph::Loaded,
    include::{DataList, Include, IncludeList},
    spec::Spec,
    stitch::Links,
    store::{Decode, Store, StoreList},
};
use crate::{
    error::Result,
    schema::{
        Arity, Column, ColumnValue, Embedded, EmbeddedField, Entity, Maybe, One, Related, Relation,
        Row,
    },
};

/// A struct that names a graph over the entity `E`: columns of it, shapes of its relations, and figures. Derived.
///
/// Every entity is a shape of itself: all of its columns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape of `{E}`",
    label = "the rows are of `{E}`",
    note = "take `{E}` itself, or a struct that derives `Shape` with `#[shape(entity = {E})]`"
)]
pub trait Shape<E>: Related + 'static {
    /// What the shape's filters and limits take from the query: `#[shape(args = CardArgs)]`, or nothing.
    type Args;

    /// What is loaded, and how the struct is made of it.
    fn plan(args: Self::Args) -> impl IncludeList<E, Output = Self>;
}

impl<E: Entity> Shape<E> for E {
    type Args = ();

    fn plan((): ()) -> impl IncludeList<E, Output = E> {}
}

/// The columns `C` and the includes `I`, made into a struct by `F`.
#[derive(Clone)]
pub struct Plan<C, I, F> {
    columns: C,
    includes: I,
    build: F,
}

impl<C: fmt::Debug, I: fmt::Debug, F> fmt::Debug for Plan<C, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("columns", &self.columns)
            .field("includes", &self.includes)
            .finish_non_exhaustive()
    }
}

/// A plan over the entity `E`. Called by generated code.
pub fn plan<E, C, I, F, S>(columns: C, includes: I, build: F) -> Plan<C, I, F>
where
    C: ColumnList<E>,
    I: DataList<E>,
    F: Fn(C::Row, I::Data) -> S,
{
    Plan {
        columns,
        includes,
        build,
    }
}

impl<E, C, I, F, S> IncludeList<E> for Plan<C, I, F>
where
    C: ColumnList<E>,
    I: DataList<E>,
    F: Fn(C::Row, I::Data) -> S + Send + Sync,
    S: Related,
{
    type Row = C::Row;
    type Stores = I::Stores;
    type Output = S;

    fn columns(&self) -> Vec<usize> {
        let mut positions = Vec::new();
        self.columns.positions(&mut positions);
        positions
    }

    fn specs(&self, specs: &mut Vec<Spec>) {
        self.includes.specs(specs);
    }

    fn stores(&self) -> Self::Stores {
        self.includes.stores()
    }

    fn assemble(
        &self,
        rows: Vec<C::Row>,
        stores: Self::Stores,
        mut links: Vec<Links>,
    ) -> Result<Vec<S>> {
        let data = self.includes.data(rows.len(), stores, &mut links)?;
        let whole = rows.into_iter().zip(data);
        Ok(whole.map(|(row, data)| (self.build)(row, data)).collect())
    }
}

/// The rows of the relation `R` as values of the shape `S`. Called by generated code; the relation comes first, so that
/// its target is known when the compiler looks at the shape.
pub fn include<R, S>(
    relation: R,
    _: PhantomData<S>,
    args: S::Args,
) -> Include<R, impl IncludeList<R::To, Output = S>>
where
    R: Relation,
    S: Shape<R::To>,
{
    related(relation, S::plan(args))
}

/// Some columns of the rows of the relation `R`. Called by generated code.
pub fn columns<R, C>(
    relation: R,
    columns: C,
) -> Include<R, impl IncludeList<R::To, Output = C::Row>>
where
    R: Relation,
    C: ColumnList<R::To>,
{
    related(
        relation,
        plan::<R::To, _, _, _, _>(columns, (), |row: C::Row, ()| row),
    )
}

fn related<R: Relation, N>(_: R, nested: N) -> Include<R, N> {
    Include::named(nested)
}

/// Two lists over the same rows, put together by `F`: a shape and one that is a part of it.
#[derive(Clone)]
pub struct Flattened<A, B, F> {
    own: A,
    part: B,
    build: F,
}

impl<A: fmt::Debug, B: fmt::Debug, F> fmt::Debug for Flattened<A, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flattened")
            .field("own", &self.own)
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

/// The shape of a field with the columns, relations and figures of the struct that it is a field of. Called by generated
/// code.
pub fn flatten<E, A, P, F, S>(
    own: A,
    _: PhantomData<P>,
    args: P::Args,
    build: F,
) -> Flattened<A, impl IncludeList<E, Output = P>, F>
where
    A: IncludeList<E>,
    P: Shape<E>,
    F: Fn(A::Output, P) -> S,
{
    Flattened {
        own,
        part: P::plan(args),
        build,
    }
}

impl<E, A, B, F, S> IncludeList<E> for Flattened<A, B, F>
where
    A: IncludeList<E>,
    B: IncludeList<E>,
    F: Fn(A::Output, B::Output) -> S + Send + Sync,
    S: Related,
{
    type Row = Both<A::Row, B::Row>;
    type Stores = Both<A::Stores, B::Stores>;
    type Output = S;

    fn columns(&self) -> Vec<usize> {
        [self.own.columns(), self.part.columns()].concat()
    }

    fn specs(&self, specs: &mut Vec<Spec>) {
        self.own.specs(specs);
        self.part.specs(specs);
    }

    fn stores(&self) -> Self::Stores {
        Both(self.own.stores(), self.part.stores())
    }

    fn assemble(
        &self,
        rows: Vec<Self::Row>,
        stores: Self::Stores,
        mut links: Vec<Links>,
    ) -> Result<Vec<S>> {
        let mut own = Vec::new();
        self.own.specs(&mut own);
        let of_part = links.split_off(own.len());
        let (own, part): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.0, row.1)).unzip();
        let own = self.own.assemble(own, stores.0, links)?;
        let part = self.part.assemble(part, stores.1, of_part)?;
        let whole = own.into_iter().zip(part);
        Ok(whole.map(|(own, part)| (self.build)(own, part)).collect())
    }
}

/// What two lists read or hold, one after the other.
#[derive(Debug, Clone)]
pub struct Both<A, B>(A, B);

impl<A: Decode, B: Decode> Decode for Both<A, B> {
    fn decode(row: &mut Row<'_, '_>) -> Result<Self> {
        let first = A::decode(row)?;
        Ok(Self(first, B::decode(row)?))
    }
}

impl<A: StoreList, B: StoreList> StoreList for Both<A, B> {
    fn collect<'a>(&'a mut self, stores: &mut Vec<&'a mut dyn Store>) {
        self.0.collect(stores);
        self.1.collect(stores);
    }
}

/// Typed columns: `()`, or a column or an embedded struct and the list of those after it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of columns of `{E}`",
    label = "a column of another entity",
    note = "take a column const of `{E}`, such as `{E}::ID`"
)]
pub trait ColumnList<E>: Send + Sync {
    /// The values of the columns.
    type Row: Decode + Related;

    /// Adds the columns' positions.
    fn positions(&self, positions: &mut Vec<usize>);
}

impl<E> ColumnList<E> for () {
    type Row = ();

    fn positions(&self, _: &mut Vec<usize>) {}
}

impl<E, T: ColumnValue, Rest: ColumnList<E>> ColumnList<E> for (Column<E, T>, Rest) {
    type Row = (T, Rest::Row);

    fn positions(&self, positions: &mut Vec<usize>) {
        positions.push(self.0.position());
        self.1.positions(positions);
    }
}

impl<E, S, T, Rest> ColumnList<E> for (EmbeddedColumns<E, S, T>, Rest)
where
    E: Entity,
    S: Embedded,
    T: EmbeddedAs<S>,
    Rest: ColumnList<E>,
{
    type Row = (EmbeddedValue<T>, Rest::Row);

    fn positions(&self, positions: &mut Vec<usize>) {
        let offset = self.0.field.offset();
        positions.extend(offset..offset + T::WIDTH);
        self.1.positions(positions);
    }
}

/// The columns of the embedded struct `S`, to be read as a `T`.
#[derive(Debug)]
pub struct EmbeddedColumns<E: Entity, S, T> {
    field: EmbeddedField<E, S>,
    value: PhantomData<fn() -> T>,
}

impl<E: Entity, S, T> Clone for EmbeddedColumns<E, S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Entity, S, T> Copy for EmbeddedColumns<E, S, T> {}

/// The columns of an embedded struct, as a field of type `T`. Called by generated code.
pub fn embedded<E: Entity, S: Embedded, T: EmbeddedAs<S>>(
    field: EmbeddedField<E, S>,
    value: PhantomData<fn() -> T>,
) -> EmbeddedColumns<E, S, T> {
    EmbeddedColumns { field, value }
}

/// The struct `S` or an `Option` of it.
#[diagnostic::on_unimplemented(
    message = "the embedded struct is a `{S}`, and the field a `{Self}`",
    label = "the field has another type",
    note = "the field is the struct that the entity embeds, in an `Option` if it is one there"
)]
pub trait EmbeddedAs<S>: Embedded {}

impl<S: Embedded> EmbeddedAs<S> for S {}

impl<S: Embedded> EmbeddedAs<S> for Option<S> {}

/// An embedded struct that was read.
#[derive(Debug, Clone)]
pub struct EmbeddedValue<T>(T);

impl<T> EmbeddedValue<T> {
    /// The struct.
    pub fn into_value(self) -> T {
        self.0
    }
}

impl<T: Embedded, Rest: Decode> Decode for (EmbeddedValue<T>, Rest) {
    fn decode(row: &mut Row<'_, '_>) -> Result<Self> {
        let value = EmbeddedValue(T::decode(row)?);
        Ok((value, Rest::decode(row)?))
    }
}

impl Decode for () {
    fn decode(_: &mut Row<'_, '_>) -> Result<Self> {
        Ok(())
    }
}

impl<T: ColumnValue, Rest: Decode> Decode for (T, Rest) {
    fn decode(row: &mut Row<'_, '_>) -> Result<Self> {
        let value = row.read()?;
        Ok((value, Rest::decode(row)?))
    }
}

/// What leads to one row at most, so that a column of that row can be a field of a shape.
#[diagnostic::on_unimplemented(
    message = "`through` needs a relation that leads to one row",
    label = "this relation leads to many",
    note = "load the rows by a shape of their own: `#[shape(relation)] posts: Vec<PostCard>`"
)]
pub trait ToOne: Arity {
    /// Takes one value out of the row.
    fn pick<T: Related, U: Related>(of: &Self::Of<T>, pick: impl FnOnce(&T) -> U) -> Self::Of<U>;
}

impl ToOne for One {
    fn pick<T: Related, U: Related>(of: &T, pick: impl FnOnce(&T) -> U) -> U {
        pick(of)
    }
}

impl ToOne for Maybe {
    fn pick<T: Related, U: Related>(of: &Option<T>, pick: impl FnOnce(&T) -> U) -> Option<U> {
        of.as_ref().map(pick)
    }
}

/// One column of the related row, as a field of type `F`. Called by generated code.
pub fn pick<R, T, U, F>(
    loaded: &Loaded<R, <R::Arity as Arity>::Of<T>>,
    column: impl FnOnce(&T) -> U,
) -> F
where
    R: Relation,
    R::Arity: ToOne,
    T: Related,
    U: Related,
    <R::Arity as Arity>::Of<U>: IntoField<F>,
{
    R::Arity::pick(loaded.value(), column).into_field()
}

/// A related column's value that fits a field of type `F`: the same type, or an `Option` of an `Option` as one.
#[diagnostic::on_unimplemented(
    message = "the related column is a `{Self}`, and the field a `{F}`",
    label = "the field has another type",
    note = "a column of a relation that may lead to no row is an `Option`"
)]
pub trait IntoField<F> {
    /// The field.
    fn into_field(self) -> F;
}

impl<F> IntoField<F> for F {
    fn into_field(self) -> F {
        self
    }
}

impl<T> IntoField<Option<T>> for Option<Option<T>> {
    fn into_field(self) -> Option<T> {
        self.flatten()
    }
}
