//! Filters of one entity, and the column operators that make them.
use std::{fmt, marker::PhantomData, ops};

use super::{Comparison, Condition, Operand, RawExpr, Term};
use crate::schema::{
    column::Column,
    entity::Entity,
    value::{ColumnValue, Value},
};

/// A predicate over rows of the entity `E`. Combine with [`and`](Filter::and), [`or`](Filter::or) and `!`.
#[must_use = "a filter does nothing until a query uses it"]
pub struct Filter<E> {
    condition: Condition,
    entity: PhantomData<fn() -> E>,
}

impl<E> Filter<E> {
    pub(crate) fn new(condition: Condition) -> Self {
        Self {
            condition,
            entity: PhantomData,
        }
    }

    /// The untyped tree.
    pub fn into_condition(self) -> Condition {
        self.condition
    }

    /// Both must hold.
    pub fn and(self, other: Filter<E>) -> Self {
        let both = Condition::both(Some(self.condition), Some(other.condition));
        Self::new(both.unwrap_or(Condition::And(Vec::new())))
    }

    /// One of them must hold.
    pub fn or(self, other: Filter<E>) -> Self {
        match (self.condition, other.condition) {
            (first, second) if second.is_never() => Self::new(first),
            (Condition::Or(mut any), second) => {
                any.push(second);
                Self::new(Condition::Or(any))
            }
            (first, second) => Self::new(Condition::Or(vec![first, second])),
        }
    }

    /// All of `filters` must hold; true if there are none, and then nothing of it is in the statement. So a filter that
    /// is there or not is `Filter::all(name.map(|name| User::NAME.eq(name)))`.
    pub fn all(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        let conditions = filters.into_iter().map(Filter::into_condition);
        Self::new(Condition::And(
            conditions
                .filter(|condition| !condition.is_always())
                .collect(),
        ))
    }

    /// One of `filters` must hold; false if there are none.
    pub fn any(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        let conditions = filters.into_iter().map(Filter::into_condition);
        Self::new(Condition::Or(
            conditions
                .filter(|condition| !condition.is_never())
                .collect(),
        ))
    }

    /// A predicate written with sea-query, given the alias of the entity's table: the way out of the typed ones.
    ///
    /// Such a filter is rendered anew for every statement (its shape cannot be seen), and the tables it reads beside
    /// the entity's own are not known to caches.
    pub fn raw(
        build: impl Fn(sea_query::DynIden) -> sea_query::Expr + Send + Sync + 'static,
    ) -> Self {
        Self::new(Condition::Raw(RawExpr::new(build)))
    }
}

impl<E> Clone for Filter<E> {
    fn clone(&self) -> Self {
        Self::new(self.condition.clone())
    }
}

impl<E> fmt::Debug for Filter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl<E> ops::Not for Filter<E> {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(Condition::Not(Box::new(self.condition)))
    }
}

impl<E: Entity, T: ColumnValue> Column<E, T> {
    pub(crate) fn term(self) -> Term {
        Term::Column(self.position())
    }

    fn compare(self, comparison: Comparison, operand: impl Operand<E, T::Base>) -> Filter<E> {
        Filter::new(Condition::Compare(
            comparison,
            self.term(),
            operand.into_term(),
        ))
    }

    /// Equal to a value or another column. Never true for NULL; see [`is_null`](Column::is_null).
    pub fn eq(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Eq, operand)
    }

    /// Not equal. Never true for NULL.
    pub fn ne(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Ne, operand)
    }

    /// Less than.
    pub fn lt(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Lt, operand)
    }

    /// Less than or equal.
    pub fn le(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Le, operand)
    }

    /// Greater than.
    pub fn gt(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Gt, operand)
    }

    /// Greater than or equal.
    pub fn ge(self, operand: impl Operand<E, T::Base>) -> Filter<E> {
        self.compare(Comparison::Ge, operand)
    }

    /// Between two values, both included.
    pub fn between(
        self,
        low: impl Operand<E, T::Base>,
        high: impl Operand<E, T::Base>,
    ) -> Filter<E> {
        Filter::new(Condition::Between(
            self.term(),
            low.into_term(),
            high.into_term(),
        ))
    }

    /// One of `values`; never true if there are none. Lists of any length are safe.
    pub fn in_list<V: Operand<E, T::Base>>(self, values: impl IntoIterator<Item = V>) -> Filter<E> {
        Filter::new(in_list(self.term(), values, false))
    }

    /// None of `values`.
    pub fn not_in_list<V: Operand<E, T::Base>>(
        self,
        values: impl IntoIterator<Item = V>,
    ) -> Filter<E> {
        Filter::new(in_list(self.term(), values, true))
    }

    /// The column is NULL.
    pub fn is_null(self) -> Filter<E> {
        Filter::new(Condition::Null(self.term(), true))
    }

    /// The column is not NULL.
    pub fn is_not_null(self) -> Filter<E> {
        Filter::new(Condition::Null(self.term(), false))
    }
}

/// Values make an `IN` list; if a column is among them the comparison is spelled out.
fn in_list<E, B, V: Operand<E, B>>(
    term: Term,
    operands: impl IntoIterator<Item = V>,
    negated: bool,
) -> Condition {
    let mut values = Vec::new();
    let mut terms = Vec::new();
    for operand in operands {
        match operand.into_term() {
            Term::Value(value) => values.push(value),
            other => terms.push(other),
        }
    }
    if terms.is_empty() {
        return Condition::In {
            term,
            values,
            negated,
        };
    }
    let mut any: Vec<_> = terms
        .into_iter()
        .map(|other| Condition::Compare(Comparison::Eq, term.clone(), other))
        .collect();
    any.push(Condition::In {
        term,
        values,
        negated: false,
    });
    let any = Condition::Or(any);
    if negated {
        Condition::Not(Box::new(any))
    } else {
        any
    }
}

/// Operators of text columns.
impl<E: Entity, T: ColumnValue<Base = String>> Column<E, T> {
    /// Matches a pattern with `%` and `_`; `\` escapes them. Case matters as the database's collation says (SQLite:
    /// not for ASCII letters).
    pub fn like(self, pattern: impl Into<String>) -> Filter<E> {
        self.matches(pattern.into(), false, false)
    }

    /// Does not match the pattern.
    pub fn not_like(self, pattern: impl Into<String>) -> Filter<E> {
        self.matches(pattern.into(), true, false)
    }

    /// Matches the pattern whatever the case.
    pub fn ilike(self, pattern: impl Into<String>) -> Filter<E> {
        self.matches(pattern.into(), false, true)
    }

    /// Begins with `text`, taken literally.
    pub fn starts_with(self, text: &str) -> Filter<E> {
        self.matches(format!("{}%", escape_like(text)), false, false)
    }

    /// Ends with `text`, taken literally.
    pub fn ends_with(self, text: &str) -> Filter<E> {
        self.matches(format!("%{}", escape_like(text)), false, false)
    }

    /// Contains `text`, taken literally.
    pub fn contains(self, text: &str) -> Filter<E> {
        self.matches(format!("%{}%", escape_like(text)), false, false)
    }

    fn matches(self, pattern: String, negated: bool, ignore_case: bool) -> Filter<E> {
        let pattern = Value::String(Some(pattern));
        Filter::new(Condition::Like {
            term: self.term(),
            pattern,
            negated,
            ignore_case,
        })
    }
}

/// Operators of boolean columns.
impl<E: Entity> Column<E, bool> {
    /// The column is true.
    pub fn is_true(self) -> Filter<E> {
        self.eq(true)
    }

    /// The column is false.
    pub fn is_false(self) -> Filter<E> {
        self.eq(false)
    }
}

/// `text` with the wildcards of LIKE escaped, so that it is matched as it is.
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
