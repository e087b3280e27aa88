//! Inserts that change the row that is there already.
use std::{future::Future, panic::Location};

use super::{
    ColumnSet, NewEntity, Repository,
    assemble::Caller,
    insert::{NewRows, insert_returning, statements},
    scatter::{self, Keys},
    stamp,
};
use crate::{
    error::{Error, Result},
    executor::Executor,
    schema::{Entity, Writable},
    statement::query::Conflict,
};

impl<'a, E: Entity> Repository<'a, E> {
    /// Inserts a row, or changes the row that has the same values in `target`, a unique column or set of columns.
    /// Returns the row as it is then.
    ///
    /// Of an existing row all columns given are overwritten, apart from its key, `target` and the time of its
    /// creation; its version is counted up. MySQL and MariaDB cannot name the target: there a clash in any other
    /// unique index changes that row instead.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if `target` is not unique; a constraint violation elsewhere;
    /// the database's other errors.
    #[track_caller]
    pub fn upsert<N, C>(
        &self,
        new: N,
        target: C,
    ) -> impl Future<Output = Result<E>> + Send + use<'a, E, N, C>
    where
        E: Writable,
        N: NewEntity<Entity = E>,
        C: ColumnSet<E>,
    {
        let rows = self.upsert_many([new], target);
        let call_site = Location::caller();
        async move {
            rows.await?.pop().ok_or_else(|| {
                Error::decode("an upsert returned no row")
                    .with_table(E::table().name)
                    .at(call_site)
            })
        }
    }

    /// As [`upsert`](Repository::upsert), for many rows, all or none, in the order given.
    ///
    /// # Errors
    /// As [`upsert`](Repository::upsert). Two rows with the same target in one call are an error on PostgreSQL.
    #[track_caller]
    pub fn upsert_many<N, L, C>(
        &self,
        new: L,
        target: C,
    ) -> impl Future<Output = Result<Vec<E>>> + Send + use<'a, E, N, L, C>
    where
        E: Writable,
        N: NewEntity<Entity = E>,
        L: IntoIterator<Item = N>,
        C: ColumnSet<E>,
    {
        let rows: NewRows = new.into_iter().map(NewEntity::into_values).collect();
        let target = target.positions();
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            upsert_rows::<E>(&*executor, rows, target, call_site)
                .await
                .map_err(|error| error.at(call_site))
        }
    }
}

async fn upsert_rows<E: Entity>(
    executor: &dyn Executor,
    mut rows: NewRows,
    target: Vec<usize>,
    call_site: &'static Location<'static>,
) -> Result<Vec<E>> {
    let table = E::table();
    check_target::<E>(&target)?;
    scatter::check_target(executor, table, &target)?;
    // The columns to overwrite are those given by the user, before the framework adds its own.
    let given: Vec<usize> = (0..table.columns.len())
        .filter(|&column| rows.iter().any(|row| row[column].is_some()))
        .filter(|column| !target.contains(column) && !table.primary_key.contains(column))
        .filter(|&column| table.created_at != Some(column))
        .collect();
    rows.iter_mut().for_each(|row| stamp::new_row(table, row));
    let executor = scatter::to_write(executor, table, || Keys::of_new(table, &rows))?;
    let executor = &*executor;
    let mut set = stamp::changed_row(table);
    // A time of change that was given is kept, a version is counted up all the same.
    set.retain(|(stamped, _)| table.updated_at != Some(*stamped) || !given.contains(stamped));
    let update = given
        .into_iter()
        .filter(|column| !set.iter().any(|(stamped, _)| stamped == column))
        .collect();
    let inserts = statements::<E>(
        executor,
        rows,
        Some(Conflict {
            target,
            update,
            set,
        }),
    );
    let mut inserts = inserts.into_iter().map(|(places, mut insert)| {
        // A column that this statement does not give cannot be overwritten with the new row's value.
        if let Some(conflict) = &mut insert.conflict {
            conflict
                .update
                .retain(|column| insert.columns.contains(column));
        }
        (places, insert)
    });
    if inserts.len() < 2 && executor.capabilities().returning {
        return match inserts.next() {
            Some((_, insert)) => insert_returning(executor, &insert, call_site.into()).await,
            None => Ok(Vec::new()),
        };
    }
    let caller = Caller::of_many(call_site);
    let scope = executor.atomic(call_site).await?;
    let mut placed: Vec<(usize, E)> = Vec::new();
    for (places, insert) in inserts {
        let rows = insert_returning(scope.executor(), &insert, caller).await?;
        placed.extend(places.into_iter().zip(rows));
    }
    scope.commit().await?;
    placed.sort_by_key(|(place, _)| *place);
    Ok(placed.into_iter().map(|(_, row)| row).collect())
}

/// The database would refuse a target without a unique index, each in its own words.
pub(super) fn check_target<E: Entity>(target: &[usize]) -> Result<()> {
    let table = E::table();
    let same = |columns: &[usize]| {
        columns.len() == target.len() && columns.iter().all(|column| target.contains(column))
    };
    if same(&table.primary_key)
        || table
            .indexes
            .iter()
            .any(|index| index.unique && same(&index.columns))
    {
        return Ok(());
    }
    let names: Vec<_> = target
        .iter()
        .map(|&column| table.columns[column].field)
        .collect();
    Err(Error::invalid_query(format!(
        "an upsert on `{}` cannot meet on ({}): no key or unique index has just these columns",
        table.name,
        names.join(", ")
    ))
    .with_hint("mark the column `#[entity(unique)]`, or the entity `#[entity(unique(a, b))]`"))
}
