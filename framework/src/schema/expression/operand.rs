//! What a typed column may be compared with or set to.
use std::marker::PhantomData;

use super::{Arithmetic, Term};
use crate::schema::{column::Column, entity::Entity, value::ColumnValue};

/// Something that a column of base type `B` in entity `E` can be compared with: a value, a reference to one, `&str`
/// for text, another column of the same type, or a computed term.
#[diagnostic::on_unimplemented(
    message = "a column of type `{B}` cannot be compared with `{Self}`",
    label = "not a `{B}`",
    note = "compare with a value of the column's own type (without its `Option`), a reference to one, or a column of the same entity and type"
)]
pub trait Operand<E, B> {
    /// The untyped term.
    fn into_term(self) -> Term;
}

impl<E, B: ColumnValue> Operand<E, B> for B {
    fn into_term(self) -> Term {
        Term::Value(self.to_value())
    }
}

impl<E, B: ColumnValue> Operand<E, B> for &B {
    fn into_term(self) -> Term {
        Term::Value(self.to_value())
    }
}

impl<E> Operand<E, String> for &str {
    fn into_term(self) -> Term {
        Term::Value(self.to_owned().to_value())
    }
}

impl<E> Operand<E, Vec<u8>> for &[u8] {
    fn into_term(self) -> Term {
        Term::Value(self.to_vec().to_value())
    }
}

impl<E: Entity, T: ColumnValue> Operand<E, T::Base> for Column<E, T>
where
    T::Base: ColumnValue,
{
    fn into_term(self) -> Term {
        self.term()
    }
}

/// A term computed from columns, `User::VISITS.add(1)`.
#[derive(Debug, Clone)]
pub struct Computed<E, B> {
    term: Term,
    types: PhantomData<fn() -> (E, B)>,
}

impl<E, B: ColumnValue> Operand<E, B> for Computed<E, B> {
    fn into_term(self) -> Term {
        self.term
    }
}

/// A column set to a value or a computed term, `User::VISITS.to(0)`.
#[derive(Debug, Clone)]
pub struct Assignment<E> {
    /// The column's position.
    pub column: usize,
    /// What it is set to.
    pub term: Term,
    entity: PhantomData<fn() -> E>,
}

impl<E> Assignment<E> {
    pub(crate) fn new(column: usize, term: Term) -> Self {
        Self {
            column,
            term,
            entity: PhantomData,
        }
    }
}

#[allow(
    clippy::should_implement_trait,
    reason = "they build expressions of other types than their operands', as query builders' do"
)]
impl<E: Entity, T: ColumnValue> Column<E, T> {
    fn arithmetic(
        self,
        operator: Arithmetic,
        operand: impl Operand<E, T::Base>,
    ) -> Computed<E, T::Base> {
        let term = Term::Arithmetic(
            operator,
            Box::new(self.term()),
            Box::new(operand.into_term()),
        );
        Computed {
            term,
            types: PhantomData,
        }
    }

    /// The column plus a value or column: for comparisons and for updates in place.
    pub fn add(self, operand: impl Operand<E, T::Base>) -> Computed<E, T::Base> {
        self.arithmetic(Arithmetic::Add, operand)
    }

    /// The column less a value or column.
    pub fn sub(self, operand: impl Operand<E, T::Base>) -> Computed<E, T::Base> {
        self.arithmetic(Arithmetic::Sub, operand)
    }

    /// The column times a value or column.
    pub fn mul(self, operand: impl Operand<E, T::Base>) -> Computed<E, T::Base> {
        self.arithmetic(Arithmetic::Mul, operand)
    }

    /// Sets the column in a bulk update: to a value, another column, or [`User::VISITS.add(1)`](Column::add).
    pub fn to(self, operand: impl Operand<E, T::Base>) -> Assignment<E> {
        Assignment::new(self.position(), operand.into_term())
    }

    /// Sets the column to NULL in a bulk update.
    pub fn to_null(self) -> Assignment<E>
    where
        Option<T::Base>: Into<Option<T>>,
    {
        Assignment::new(self.position(), Term::Value(T::null()))
    }

    /// The column in lower case.
    pub fn lower(self) -> Computed<E, T::Base>
    where
        T: ColumnValue<Base = String>,
    {
        Computed {
            term: Term::Function("lower", Box::new(self.term())),
            types: PhantomData,
        }
    }
}

impl<E: Entity, B: ColumnValue> Computed<E, B> {
    fn compare(
        self,
        comparison: super::Comparison,
        operand: impl Operand<E, B>,
    ) -> super::Filter<E> {
        super::Filter::new(super::Condition::Compare(
            comparison,
            self.term,
            operand.into_term(),
        ))
    }

    /// Equal to a value or column.
    pub fn eq(self, operand: impl Operand<E, B>) -> super::Filter<E> {
        self.compare(super::Comparison::Eq, operand)
    }

    /// Greater than a value or column.
    pub fn gt(self, operand: impl Operand<E, B>) -> super::Filter<E> {
        self.compare(super::Comparison::Gt, operand)
    }

    /// Less than a value or column.
    pub fn lt(self, operand: impl Operand<E, B>) -> super::Filter<E> {
        self.compare(super::Comparison::Lt, operand)
    }
}
