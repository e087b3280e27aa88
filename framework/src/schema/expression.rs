//! Typed expressions over columns and relations, and the untyped tree they build.
//!
//! `User::NAME.like("A%")` is a [`Filter<User>`]: a [`Condition`] tree that remembers its entity. A column in the tree
//! belongs to the table of the nearest enclosing scope; table aliases are given when the tree is rendered, so the same
//! filter works at the root, in an include and inside EXISTS over the same table.
mod aggregate;
mod filter;
mod keyed;
mod operand;
mod order;

pub use aggregate::{
    Aggregate, AggregateKind, Count, Exists, RelationFilters, RelationPath, Summable, Summary,
};
pub use filter::{Filter, escape_like};
pub use operand::{Assignment, Operand};
pub use order::{Direction, IntoOrder, Nulls, OrderBy, OrderTerm};

use super::{relation::RelationDef, table::TableDef, value::Value};

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// Arithmetic between two terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
}

/// Something that has a value for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A column (by position) of the scope's table.
    Column(usize),
    /// A bind argument.
    Value(Value),
    /// Two terms in an arithmetic operation.
    Arithmetic(Arithmetic, Box<Term>, Box<Term>),
    /// `lower(..)`, `upper(..)`, `length(..)`: a function of one term.
    Function(&'static str, Box<Term>),
    /// An aggregate over a relation of the scope's table, as a scalar subquery.
    Aggregate(Box<RelationTerm>),
    /// A term of the row at the end of a to-one relation, as a scalar subquery.
    Through(ByAddress<RelationDef>, Box<Term>),
    /// An expression of sea-query's, with columns qualified by the given table's alias.
    Raw(RawExpr),
}

/// An aggregate over the rows of a relation.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationTerm {
    /// The relation.
    pub relation: ByAddress<RelationDef>,
    /// The rows that count.
    pub filter: Option<Condition>,
    /// What is computed over them.
    pub aggregate: AggregateKind,
}

/// A predicate over the rows of the scope's table.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Two terms compared.
    Compare(Comparison, Term, Term),
    /// `IN` a list of values; the empty list is false.
    In {
        /// The term.
        term: Term,
        /// The values.
        values: Vec<Value>,
        /// Whether it is `NOT IN`.
        negated: bool,
    },
    /// A tuple of columns equal to one of these tuples.
    TupleIn {
        /// Positions of the columns.
        columns: Vec<usize>,
        /// The tuples, each as long as `columns`.
        tuples: Vec<Vec<Value>>,
    },
    /// `LIKE` with `\` as escape character.
    Like {
        /// The term.
        term: Term,
        /// The pattern.
        pattern: Value,
        /// Whether it is `NOT LIKE`.
        negated: bool,
        /// Whether case is ignored (`ILIKE`, or the lower case of both sides).
        ignore_case: bool,
    },
    /// `BETWEEN` two values, both included.
    Between(Term, Term, Term),
    /// `IS NULL`, or `IS NOT NULL` if the flag is false.
    Null(Term, bool),
    /// All of these; true if empty.
    And(Vec<Condition>),
    /// Any of these; false if empty.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A row of the relation exists for which the filter holds.
    Exists {
        /// The relation.
        relation: ByAddress<RelationDef>,
        /// The filter on its rows.
        filter: Option<Box<Condition>>,
    },
    /// A predicate of sea-query's.
    Raw(RawExpr),
}

impl Condition {
    /// The rows whose `columns` have the values of one of `keys`.
    pub fn keys(columns: &[usize], mut keys: Vec<Vec<Value>>) -> Condition {
        match (columns, keys.as_mut_slice()) {
            (columns, [key]) => {
                let equal = |(&column, value): (&usize, &mut Value)| {
                    let value = std::mem::replace(value, Value::Bool(None));
                    Condition::Compare(Comparison::Eq, Term::Column(column), Term::Value(value))
                };
                let mut all: Vec<_> = columns.iter().zip(key.iter_mut()).map(equal).collect();
                if all.len() == 1 {
                    all.remove(0)
                } else {
                    Condition::And(all)
                }
            }
            ([column], _) => {
                let values = keys.into_iter().flatten().collect();
                Condition::In {
                    term: Term::Column(*column),
                    values,
                    negated: false,
                }
            }
            (columns, _) => Condition::TupleIn {
                columns: columns.to_vec(),
                tuples: keys,
            },
        }
    }

    /// Whether it holds for every row, so that it need not be written.
    pub fn is_always(&self) -> bool {
        matches!(self, Condition::And(all) if all.is_empty())
    }

    /// Whether it holds for no row.
    pub fn is_never(&self) -> bool {
        matches!(self, Condition::Or(any) if any.is_empty())
    }

    /// `first` and `second`; `None` is no condition, and so is one that always holds.
    pub fn both(first: Option<Condition>, second: Option<Condition>) -> Option<Condition> {
        let given = |condition: &Condition| !condition.is_always();
        match (first.filter(given), second.filter(given)) {
            (Some(Condition::And(mut all)), Some(other)) => {
                all.push(other);
                Some(Condition::And(all))
            }
            (Some(first), Some(second)) => Some(Condition::And(vec![first, second])),
            (first, second) => first.or(second),
        }
    }
}

/// A reference compared and hashed by address: descriptions of tables and relations exist once per program.
#[derive(Debug)]
pub struct ByAddress<T: 'static>(pub &'static T);

impl<T> Clone for ByAddress<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ByAddress<T> {}

impl<T> PartialEq for ByAddress<T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl<T> Eq for ByAddress<T> {}

impl<T> std::ops::Deref for ByAddress<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

/// An expression written with sea-query, the way out of the typed ones. It is a function of the table's alias, so that
/// it can qualify its columns: `|table| Expr::col((table, "name")).eq("Ada")`.
#[derive(Clone)]
pub struct RawExpr(std::sync::Arc<RawFn>);

type RawFn = dyn Fn(sea_query::DynIden) -> sea_query::Expr + Send + Sync;

impl RawExpr {
    pub(crate) fn new(
        build: impl Fn(sea_query::DynIden) -> sea_query::Expr + Send + Sync + 'static,
    ) -> Self {
        Self(std::sync::Arc::new(build))
    }

    /// The expression, with columns qualified by `alias`.
    pub fn build(&self, alias: sea_query::DynIden) -> sea_query::Expr {
        (self.0)(alias)
    }
}

impl std::fmt::Debug for RawExpr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawExpr(..)")
    }
}

impl PartialEq for RawExpr {
    fn eq(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The tables that a condition reads beside its own, through relations; cached results depend on them.
pub fn tables_read(condition: &Condition, add: &mut dyn FnMut(&'static TableDef)) {
    match condition {
        Condition::Compare(_, left, right) => [left, right]
            .into_iter()
            .for_each(|term| term_tables(term, add)),
        Condition::Between(term, low, high) => [term, low, high]
            .into_iter()
            .for_each(|term| term_tables(term, add)),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::Null(term, _) => {
            term_tables(term, add)
        }
        Condition::And(all) | Condition::Or(all) => {
            all.iter().for_each(|condition| tables_read(condition, add))
        }
        Condition::Not(condition) => tables_read(condition, add),
        Condition::Exists { relation, filter } => {
            relation_tables(relation.0, add);
            if let Some(filter) = filter {
                tables_read(filter, add);
            }
        }
        Condition::TupleIn { .. } | Condition::Raw(_) => {}
    }
}

fn term_tables(term: &Term, add: &mut dyn FnMut(&'static TableDef)) {
    match term {
        Term::Arithmetic(_, left, right) => [left, right]
            .into_iter()
            .for_each(|term| term_tables(term, add)),
        Term::Function(_, term) => term_tables(term, add),
        Term::Aggregate(aggregate) => {
            relation_tables(aggregate.relation.0, add);
            if let Some(filter) = &aggregate.filter {
                tables_read(filter, add);
            }
        }
        Term::Through(relation, term) => {
            relation_tables(relation.0, add);
            term_tables(term, add);
        }
        Term::Column(_) | Term::Value(_) | Term::Raw(_) => {}
    }
}

/// The tables that following `relation` reads: its target, the table in between, and those its own filter reads.
pub fn relation_tables(relation: &'static RelationDef, add: &mut dyn FnMut(&'static TableDef)) {
    add((relation.target)());
    if let Some(through) = &relation.through {
        add((through.table)());
    }
    if let Some(filter) = &relation.filter {
        tables_read(filter, add);
    }
}
