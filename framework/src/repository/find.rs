//! Rows by key and by unique column.
use std::{future::Future, ops::ControlFlow, panic::Location};

use super::{Repository, assemble};
use crate::{
    eager::spec::alive,
    error::{Error, Result},
    schema::{
        Cell, Condition, Entity, Filter, Key, KeyPart, Row, Value,
        expression::{Comparison, Term},
        table::key_of,
    },
    statement::{query::Level, render::Query},
};

impl<'a, E: Entity> Repository<'a, E> {
    /// The row with this primary key, or `None`. Soft-deleted rows are not found.
    ///
    /// # Errors
    /// The database's, or a decode error.
    ///
    /// # Cancellation
    /// Safe: a read that is dropped has no effect; its connection is not lent again.
    #[track_caller]
    pub fn find<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E, K> {
        let values = key.into().to_values();
        self.first_matching(key_filter(E::table().primary_key.as_slice(), vec![values]))
    }

    /// The row with this primary key.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) naming table and key, the database's, or a decode error.
    #[track_caller]
    pub fn get<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<E>> + Send + use<'a, E, K> {
        let key = key.into();
        let call_site = Location::caller();
        let values = key.to_values();
        let found =
            self.first_matching(key_filter(E::table().primary_key.as_slice(), vec![values]));
        async move {
            found.await?.ok_or_else(|| {
                let key = KeyPart::from_values(key.to_values())
                    .map_or_else(String::new, |key| key.to_string());
                Error::not_found(E::table().name, format_args!("key {key}")).at(call_site)
            })
        }
    }

    /// The one row for which `filter` holds, by columns that are unique; what `find_by_email` calls.
    ///
    /// # Errors
    /// The database's, or a decode error.
    #[track_caller]
    pub fn find_by(
        &self,
        filter: Filter<E>,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E> {
        self.first_matching(filter.into_condition())
    }

    /// The rows with these primary keys, in the order of the keys; `None` where there is no row. Lists of any length
    /// are safe: they are cut to what the database takes.
    ///
    /// # Errors
    /// The database's, or a decode error.
    #[track_caller]
    pub fn find_many<K, L>(
        &self,
        keys: L,
    ) -> impl Future<Output = Result<Vec<Option<E>>>> + Send + use<'a, E, K, L>
    where
        K: Into<E::Key>,
        L: IntoIterator<Item = K>,
    {
        let keys: Vec<Vec<Value>> = keys.into_iter().map(|key| key.into().to_values()).collect();
        let executor = self.executor.clone();
        let backend = self.backend();
        let call_site = Location::caller();
        async move {
            let table = E::table();
            let mut found = std::collections::HashMap::new();
            let mut distinct = std::collections::HashSet::new();
            let wanted: Vec<_> = keys
                .iter()
                .map(|key| KeyPart::from_values(key.iter().cloned()))
                .collect();
            let unique: Vec<_> = keys
                .iter()
                .zip(&wanted)
                .filter(|(_, part)| {
                    part.as_ref()
                        .is_some_and(|part| distinct.insert(part.clone()))
                })
                .map(|(key, _)| key.clone())
                .collect();
            for chunk in unique.chunks(crate::statement::render::chunk_size(
                backend,
                table.primary_key.len(),
            )) {
                let level = Level {
                    filter: Condition::both(
                        Some(key_filter(&table.primary_key, chunk.to_vec())),
                        alive(table),
                    ),
                    ..Level::all(table)
                };
                let (rows, _) =
                    assemble::entities::<E>(&*executor, Query::Level(&level), call_site).await?;
                found.extend(
                    rows.into_iter()
                        .filter_map(|row| Some((key_of(&row, &table.primary_key)?, row))),
                );
            }
            Ok(wanted
                .into_iter()
                .map(|key| found.get(&key?).cloned())
                .collect())
        }
    }

    #[track_caller]
    fn first_matching(
        &self,
        condition: Condition,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<'a, E> {
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            let table = E::table();
            let level = Level {
                filter: Condition::both(Some(condition), alive(table)),
                ..Level::all(table)
            };
            let mut found = None;
            let mut sink = |cells: &[Cell<'_>]| {
                let row = E::decode(&mut Row::new(cells));
                found = Some(row.map_err(|error| error.with_table(table.name).at(call_site))?);
                Ok(ControlFlow::Break(()))
            };
            assemble::run(&*executor, Query::Level(&level), &mut sink, call_site).await?;
            Ok(found)
        }
    }
}

/// The rows whose `columns` have one of these values.
pub(super) fn key_filter(columns: &[usize], mut keys: Vec<Vec<Value>>) -> Condition {
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
