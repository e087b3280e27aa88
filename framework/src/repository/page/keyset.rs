//! Keysets: a total order of columns, by whose values a place between rows is known. What pages and streams of graphs
//! are cut by.
use crate::{
    eager::{
        IncludeList,
        engine::Load,
        plan::ordinals_of,
        stitch::permute,
        store::{Decode, Push, Store, StoreList},
    },
    error::{Error, ErrorKind, Result},
    executor::Executor,
    repository::{assemble, query::Parts},
    schema::{
        Condition, Entity, KeyPart, OrderTerm, Row, SqlType, TableDef, Value,
        expression::{Comparison, Direction, Nulls, Term},
    },
    statement::query::Level,
};

/// The order's values of one row; `None` for NULL.
pub(in crate::repository) type Place = Vec<Option<KeyPart>>;

/// A total order of columns.
#[derive(Debug)]
pub(in crate::repository) struct Keyset {
    table: &'static TableDef,
    terms: Vec<(usize, OrderTerm)>,
}

impl Keyset {
    /// `order` with the primary key at its end; columns only, because a place is known by their values. `what` is in need
    /// of it.
    pub(in crate::repository) fn new(
        table: &'static TableDef,
        order: Vec<OrderTerm>,
        what: &str,
    ) -> Result<Self> {
        let mut terms = Vec::with_capacity(order.len() + table.primary_key.len());
        for term in order {
            let Term::Column(column) = term.term else {
                return Err(Error::new(
                    ErrorKind::InvalidQuery,
                    format!("{what} needs an order over columns of the entity itself"),
                )
                .with_table(table.name)
                .with_hint(format!(
                    "keep the figure in a column, or {}",
                    otherwise(table)
                )));
            };
            let definition = &table.columns[column];
            if matches!(definition.sql_type, SqlType::Array(_) | SqlType::Json) {
                let name = definition.name;
                return Err(Error::invalid_query(format!(
                    "{what} cannot be ordered by `{name}`: a place is known by numbers, text, times, identifiers and bytes"
                ))
                .with_table(table.name)
                .with_columns(vec![name.to_owned()])
                .with_hint(format!("order by other columns, or {}", otherwise(table))));
            }
            terms.push((column, term));
        }
        // A key is unique on each shard.
        for &column in table.primary_key.iter().chain(&table.shard_key) {
            if !terms.iter().any(|(known, _)| *known == column) {
                let term = OrderTerm {
                    term: Term::Column(column),
                    direction: Direction::Asc,
                    nulls: Nulls::Smallest,
                };
                terms.push((column, term));
            }
        }
        Ok(Self { table, terms })
    }

    /// The order, or the opposite one.
    pub(in crate::repository) fn order(&self, backwards: bool) -> Vec<OrderTerm> {
        let directed = |(_, term): &(usize, OrderTerm)| directed(term, backwards);
        self.terms.iter().map(directed).collect()
    }

    /// The table whose rows are ordered.
    pub(in crate::repository) fn table(&self) -> &'static TableDef {
        self.table
    }

    /// The columns of the order.
    pub(in crate::repository) fn columns(&self) -> impl Iterator<Item = usize> {
        self.terms.iter().map(|(column, _)| *column)
    }

    /// The types of the order's columns.
    pub(super) fn types(&self) -> impl Iterator<Item = SqlType> {
        let columns = &self.table.columns;
        self.terms
            .iter()
            .map(|(column, _)| columns[*column].sql_type)
    }

    /// The rows beyond a place: past it in the first term, or equal there and past it in the next, and so on.
    pub(super) fn beyond(&self, place: &[Option<Value>], backwards: bool) -> Condition {
        let mut any = Vec::new();
        let mut equal = Vec::new();
        for ((column, term), value) in self.terms.iter().zip(place) {
            let (column, directed) = (*column, directed(term, backwards));
            let nullable = self.table.columns[column].nullable;
            if let Some(past) = past(column, &directed, value.as_ref(), nullable) {
                let mut all = equal.clone();
                all.push(past);
                any.push(Condition::And(all));
            }
            equal.push(match value {
                None => Condition::Null(Term::Column(column), true),
                Some(value) => Condition::Compare(
                    Comparison::Eq,
                    Term::Column(column),
                    Term::Value(value.clone()),
                ),
            });
        }
        Condition::Or(any)
    }

    /// The rows beyond that row.
    pub(in crate::repository) fn after(&self, place: &Place) -> Condition {
        let value = |(part, sql_type): (&Option<KeyPart>, SqlType)| {
            part.as_ref()?.to_values(&[sql_type]).pop()
        };
        let values: Vec<_> = place.iter().zip(self.types()).map(value).collect();
        self.beyond(&values, false)
    }

    /// The graphs that `parts` ask for, each with its place in this order.
    pub(in crate::repository) async fn load<E: Entity, I: IncludeList<E>>(
        &self,
        executor: &dyn Executor,
        parts: &Parts,
        includes: &I,
        load: Load,
    ) -> Result<(Vec<I::Output>, Vec<Place>)> {
        let mut columns = includes.columns();
        let read = columns.len();
        let order: Vec<usize> = self.columns().collect();
        let ordinals = ordinals_of(&mut columns, &order);
        if parts.distinct && columns.len() > read {
            return Err(Error::invalid_query(
                "rows that come once each have no place in an order over columns that they do not have",
            )
            .with_table(self.table.name)
            .with_hint("leave `.distinct()` out, or add the order's columns and the primary key to the shape"));
        }
        let level = Level {
            lock: parts.row_lock(executor)?,
            columns,
            ..parts.level::<E>()
        };
        let mut store = PlacedRows {
            rows: Placed {
                rows: Vec::new(),
                places: Vec::new(),
                cells: ordinals.into_iter().zip(self.types()).collect(),
            },
            children: includes.stores(),
        };
        let (order, links) = assemble::fill(executor, level, includes, &mut store, load).await?;
        let PlacedRows { rows, children } = store;
        let places = permute(rows.places, order.as_deref());
        let rows = permute(rows.rows, order.as_deref());
        Ok((includes.assemble(rows, children, links)?, places))
    }
}

/// Reads rows, and their places out of the cells.
struct Placed<D> {
    rows: Vec<D>,
    places: Vec<Place>,
    /// Where the order's values are, and of which types.
    cells: Vec<(usize, SqlType)>,
}

impl<D: Decode> Push for Placed<D> {
    fn push(&mut self, row: &mut Row<'_, '_>) -> Result<()> {
        let part = |&(ordinal, sql_type): &(usize, SqlType)| {
            KeyPart::from_cell(row.peek_at(ordinal)?, sql_type)
        };
        self.places.push(self.cells.iter().map(part).collect());
        self.rows.push(D::decode(row)?);
        Ok(())
    }
}

struct PlacedRows<D, C> {
    rows: Placed<D>,
    children: C,
}

impl<D: Decode, C: StoreList> Store for PlacedRows<D, C> {
    fn split(&mut self) -> (&mut dyn Push, Vec<&mut dyn Store>) {
        let mut stores = Vec::new();
        self.children.collect(&mut stores);
        (&mut self.rows, stores)
    }
}

/// What can be done without a keyset: of rows on several shards, nothing.
fn otherwise(table: &TableDef) -> &'static str {
    match table.shard_key {
        None => "use `.limit(..)` and `.offset(..)`",
        Some(_) => "use `.limit(..)` and `.offset(..)` together with a filter by the shard key",
    }
}

fn directed(term: &OrderTerm, backwards: bool) -> OrderTerm {
    if backwards {
        reversed(term)
    } else {
        term.clone()
    }
}

fn reversed(term: &OrderTerm) -> OrderTerm {
    let nulls = match term.nulls {
        Nulls::Smallest => Nulls::Smallest,
        Nulls::First => Nulls::Last,
        Nulls::Last => Nulls::First,
    };
    OrderTerm {
        term: term.term.clone(),
        direction: term.direction.reversed(),
        nulls,
    }
}

/// The rows past `value` in one term; `None` if there can be none.
fn past(
    column: usize,
    order: &OrderTerm,
    value: Option<&Value>,
    nullable: bool,
) -> Option<Condition> {
    let nulls_first = match (order.nulls, order.direction) {
        (Nulls::First, _) | (Nulls::Smallest, Direction::Asc) => true,
        (Nulls::Last, _) | (Nulls::Smallest, Direction::Desc) => false,
    };
    let is_null = |null| Condition::Null(Term::Column(column), null);
    match value {
        None => nulls_first.then(|| is_null(false)),
        Some(value) => {
            let comparison = match order.direction {
                Direction::Asc => Comparison::Gt,
                Direction::Desc => Comparison::Lt,
            };
            let past =
                Condition::Compare(comparison, Term::Column(column), Term::Value(value.clone()));
            Some(if nullable && !nulls_first {
                Condition::Or(vec![past, is_null(true)])
            } else {
                past
            })
        }
    }
}
