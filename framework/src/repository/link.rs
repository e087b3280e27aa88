//! Pairs of a many-to-many relation, made and removed by keys.
use std::{future::Future, panic::Location};

use super::{Repository, assemble, find::key_filter, stamp};
use crate::{
    driver::NoRows,
    error::{Error, Result},
    executor::ExecutorHandle,
    schema::{Condition, Entity, Key, Relation, TableDef, ThroughDef, Value},
    statement::{
        query::{Conflict, Insert, Target},
        render::Query,
    },
};

impl<'a, E: Entity> Repository<'a, E> {
    /// Links the row with `key` to the rows with `others` over a many-to-many relation. Pairs that are linked already
    /// stay as they are. Columns of the entity in between that have no default must be given by inserting that entity.
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
        let pairs = pairs::<R>(&key.into().to_values(), others);
        async move {
            link(&executor, R::def(), pairs, call_site)
                .await
                .map_err(|error| error.at(call_site))
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
        let pairs = pairs::<R>(&key.into().to_values(), others);
        async move {
            unlink(&executor, R::def(), pairs, call_site)
                .await
                .map_err(|error| error.at(call_site))
        }
    }
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
    relation: &'static crate::schema::RelationDef,
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
    executor: &ExecutorHandle<'_>,
    relation: &'static crate::schema::RelationDef,
    pairs: Vec<Vec<Value>>,
    call_site: &'static Location<'static>,
) -> Result<()> {
    let (_, table, pair_columns) = between(relation)?;
    if pairs.is_empty() {
        return Ok(());
    }
    let mut columns = Vec::new();
    let mut rows = Vec::new();
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
    let conflict = Some(Conflict {
        target: pair_columns,
        update: Vec::new(),
        set: Vec::new(),
    });
    let insert = Insert {
        table,
        columns,
        rows,
        conflict,
        returning: Vec::new(),
    };
    assemble::run(&**executor, Query::Insert(&insert), &mut NoRows, call_site)
        .await
        .map(drop)
}

async fn unlink(
    executor: &ExecutorHandle<'_>,
    relation: &'static crate::schema::RelationDef,
    pairs: Vec<Vec<Value>>,
    call_site: &'static Location<'static>,
) -> Result<u64> {
    let (_, table, columns) = between(relation)?;
    if pairs.is_empty() {
        return Ok(0);
    }
    let filter: Condition = key_filter(&columns, pairs);
    let target = Target {
        table,
        filter: Some(filter),
    };
    Ok(
        assemble::run(&**executor, Query::Delete(&target), &mut NoRows, call_site)
            .await?
            .affected,
    )
}
