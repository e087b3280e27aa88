//! Pairs of a many-to-many relation, made and removed by keys.
use std::{future::Future, panic::Location};

use super::{
    Repository,
    assemble::{self, Caller},
    find::key_filter,
    insert::NewRows,
    scatter::{self, Keys, Writing},
    stamp,
};
use crate::{
    bulk::rows_per_statement,
    driver::NoRows,
    error::{Error, Result},
    executor::Executor,
    schema::{Entity, Key, Relation, RelationDef, TableDef, ThroughDef, Value, expression::Term},
    statement::{
        query::{Assignments, Conflict, Insert, Target},
        render::{self, Query},
    },
};

impl<'a, E: Entity> Repository<'a, E> {
    /// Links the row with `key` to the rows with `others` over a many-to-many relation. Pairs that are linked already
    /// stay as they are; one that was marked as deleted is there again. Columns of the entity in between that have no default must be given by inserting that entity.
    /// More pairs than one statement takes are several statements in one transaction.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a relation that is not many-to-many; a foreign key or other
    /// constraint violation.
    #[track_caller]
    pub fn link<R, K, O, L>(
        &self,
        _relation: R,
        key: K,
        others: L,
    ) -> impl Future<Output = Result<()>> + Send + use<'a, E, R, K, O, L>
    where
        R: Relation<From = E>,
        K: Into<E::Key>,
        O: Into<<R::To as Entity>::Key>,
        L: IntoIterator<Item = O>,
    {
        let call_site = Location::caller();
        let executor = self.executor.clone();
        let key = key.into().to_values();
        let pairs = pairs::<R>(&key, others);
        async move {
            let linked = async {
                let executor = writing::<R>(&*executor, &key, &pairs)?;
                link(&*executor, R::def(), pairs, call_site).await
            };
            linked.await.map_err(|error| error.at(call_site))
        }
    }

    /// Removes the links of the row with `key` to the rows with `others`; how many there were.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a relation that is not many-to-many; the database's.
    #[track_caller]
    pub fn unlink<R, K, O, L>(
        &self,
        _relation: R,
        key: K,
        others: L,
    ) -> impl Future<Output = Result<u64>> + Send + use<'a, E, R, K, O, L>
    where
        R: Relation<From = E>,
        K: Into<E::Key>,
        O: Into<<R::To as Entity>::Key>,
        L: IntoIterator<Item = O>,
    {
        let call_site = Location::caller();
        let executor = self.executor.clone();
        let key = key.into().to_values();
        let pairs = pairs::<R>(&key, others);
        async move {
            let unlinked = async {
                let executor = writing::<R>(&*executor, &key, &pairs)?;
                unlink(&*executor, R::def(), pairs, call_site).await
            };
            unlinked.await.map_err(|error| error.at(call_site))
        }
    }
}

/// Where links of the row with `key` are: with that row, or by the shard key of the table in between.
fn writing<'e, R: Relation>(
    executor: &'e dyn Executor,
    key: &[Value],
    pairs: &[Vec<Value>],
) -> Result<Writing<'e>> {
    if executor.sharding().is_none() {
        return Ok(Writing::Here(executor));
    }
    scatter::check_relation(R::def())?;
    let (_, between, columns) = between(R::def())?;
    let Some(shard_key) = between.shard_key else {
        let table = R::From::table();
        let keys = || Keys::of_primary_keys(table, &[key.to_vec()]);
        return scatter::to_write(executor, table, keys);
    };
    let at = columns.iter().position(|&column| column == shard_key);
    let keys = || match at {
        Some(at) => Keys::Known(pairs.iter().map(|pair| pair[at].clone()).collect()),
        None => Keys::Missing,
    };
    scatter::to_write(executor, between, keys)
}

/// The keys of both sides, one row a pair.
fn pairs<R: Relation>(
    key: &[Value],
    others: impl IntoIterator<Item = impl Into<<R::To as Entity>::Key>>,
) -> Vec<Vec<Value>> {
    let pair =
        |other: <R::To as Entity>::Key| key.iter().cloned().chain(other.to_values()).collect();
    others.into_iter().map(|other| pair(other.into())).collect()
}

fn between(
    relation: &'static RelationDef,
) -> Result<(&'static ThroughDef, &'static TableDef, Vec<usize>)> {
    let through = relation.through.as_ref().ok_or_else(|| {
        Error::invalid_query(format!(
            "`{}` is not a many-to-many relation",
            relation.path
        ))
        .with_hint("set the foreign key of the other row instead")
    })?;
    let columns = through.from.iter().chain(&through.to).copied().collect();
    Ok((through, (through.table)(), columns))
}

async fn link(
    executor: &dyn Executor,
    relation: &'static RelationDef,
    pairs: Vec<Vec<Value>>,
    call_site: &'static Location<'static>,
) -> Result<()> {
    let (_, table, pair_columns) = between(relation)?;
    let mut columns = Vec::new();
    let mut rows = NewRows::new();
    for pair in pairs {
        let mut row: Vec<Option<Value>> = vec![None; table.columns.len()];
        for (&column, value) in pair_columns.iter().zip(pair) {
            row[column] = Some(value);
        }
        stamp::new_row(table, &mut row);
        columns = (0..row.len())
            .filter(|&column| row[column].is_some())
            .collect();
        rows.push(row.into_iter().filter(Option::is_some).collect());
    }
    let size = rows_per_statement(executor.dialect(), columns.len());
    let insert = |rows: &[Vec<Option<Value>>]| Insert {
        table,
        columns: columns.clone(),
        rows: rows.to_vec(),
        conflict: Some(Conflict {
            target: pair_columns.clone(),
            update: Vec::new(),
            // A pair that was marked as deleted is there again.
            set: revived(table),
        }),
        returning: Vec::new(),
    };
    let inserts: Vec<_> = rows.chunks(size).map(insert).collect();
    together(
        executor,
        &inserts,
        |insert| Query::Insert(insert),
        call_site,
    )
    .await
    .map(drop)
}

fn revived(table: &TableDef) -> Assignments {
    let deleted_at = table.deleted_at.into_iter();
    let never = |column: usize| Term::Value(stamp::never(table.columns[column].sql_type));
    deleted_at.map(|column| (column, never(column))).collect()
}

async fn unlink(
    executor: &dyn Executor,
    relation: &'static RelationDef,
    pairs: Vec<Vec<Value>>,
    call_site: &'static Location<'static>,
) -> Result<u64> {
    let (_, table, columns) = between(relation)?;
    let backend = assemble::backend(executor);
    let target = |pairs: &[Vec<Value>]| Target {
        table,
        filter: Some(key_filter(&columns, pairs.to_vec())),
    };
    let size = render::chunk_size(backend, columns.len());
    let targets: Vec<_> = pairs.chunks(size).map(target).collect();
    together(
        executor,
        &targets,
        |target| Query::Delete(target),
        call_site,
    )
    .await
}

/// Runs one write, or several all or none; how many rows they touched.
async fn together<W>(
    executor: &dyn Executor,
    writes: &[W],
    query: impl Fn(&W) -> Query<'_>,
    call_site: &'static Location<'static>,
) -> Result<u64> {
    match writes {
        [] => Ok(0),
        [write] => {
            let query = query(write);
            let outcome = assemble::run(executor, query, &mut NoRows, call_site).await?;
            Ok(outcome.affected)
        }
        several => {
            let scope = executor.atomic(call_site).await?;
            let caller = Caller::of_many(call_site);
            let mut affected = 0;
            for write in several {
                let query = query(write);
                let outcome = assemble::run(scope.executor(), query, &mut NoRows, caller).await?;
                affected += outcome.affected;
            }
            scope.commit().await?;
            Ok(affected)
        }
    }
}
