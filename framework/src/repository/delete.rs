//! Rows removed, or marked as removed where the entity has a `deleted_at` column.
use std::{future::Future, panic::Location, sync::Arc};

use super::{
    Query, Repository,
    assemble::{self, Caller},
    find::key_filter,
    kept,
    scatter::{self, Keys},
    stamp,
    update::check_unlimited,
};
use crate::{
    driver::NoRows,
    error::Result,
    executor::Executor,
    schema::{Condition, Entity, Key, Value, Writable, expression::Term},
    statement::{Touched, query::Target, render},
};

/// Whether rows are removed or marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// As the entity says: marked if it has a `deleted_at` column.
    Softly,
    /// Removed for good.
    Permanently,
}

impl<'a, E: Entity> Repository<'a, E> {
    /// Deletes the row with this key; whether there was one. Marks it instead if the entity has a `deleted_at` column.
    ///
    /// # Errors
    /// A foreign key violation if other rows point at it; the database's other errors.
    #[track_caller]
    pub fn delete<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<bool>> + Send + use<'a, E, K>
    where
        E: Writable,
    {
        let deleted = self.delete_keys(vec![key.into().to_values()], How::Softly);
        async move { Ok(deleted.await? > 0) }
    }

    /// Deletes the rows with these keys, all or none; how many there were.
    ///
    /// # Errors
    /// As [`delete`](Repository::delete); nothing is deleted then.
    #[track_caller]
    pub fn delete_many<K, L>(
        &self,
        keys: L,
    ) -> impl Future<Output = Result<u64>> + Send + use<'a, E, K, L>
    where
        E: Writable,
        K: Into<E::Key>,
        L: IntoIterator<Item = K>,
    {
        let keys = keys.into_iter().map(|key| key.into().to_values()).collect();
        self.delete_keys(keys, How::Softly)
    }

    /// Removes the row with this key for good, also where the entity has a `deleted_at` column.
    ///
    /// # Errors
    /// As [`delete`](Repository::delete).
    #[track_caller]
    pub fn delete_permanently<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<bool>> + Send + use<'a, E, K>
    where
        E: Writable,
    {
        let deleted = self.delete_keys(vec![key.into().to_values()], How::Permanently);
        async move { Ok(deleted.await? > 0) }
    }

    #[track_caller]
    fn delete_keys(
        &self,
        keys: Vec<Vec<Value>>,
        how: How,
    ) -> impl Future<Output = Result<u64>> + Send + use<'a, E> {
        let executor = self.executor.clone();
        let call_site = Location::caller();
        let size = render::chunk_size(self.backend(), E::table().primary_key.len());
        async move {
            let of_keys = || Keys::of_primary_keys(E::table(), &keys);
            let executor = scatter::to_write(&*executor, E::table(), of_keys);
            let executor = executor.map_err(|error| error.at(call_site))?;
            let filter = |keys: &[Vec<Value>]| key_filter(&E::table().primary_key, keys.to_vec());
            let touched = |keys: &[Vec<Value>]| {
                let touched = kept::touches_keys::<E>(keys.iter().map(Vec::as_slice));
                kept::note_gone(touched.as_ref());
                touched
            };
            if keys.len() <= size {
                return match keys.as_slice() {
                    [] => Ok(0),
                    keys => {
                        let filter = Some(filter(keys));
                        let touched = touched(keys);
                        delete::<E>(&*executor, filter, touched, how, call_site.into()).await
                    }
                };
            }
            let scope = executor.atomic(call_site).await?;
            let caller = Caller::of_many(call_site);
            let mut deleted = 0;
            for chunk in keys.chunks(size) {
                let (filter, touched) = (Some(filter(chunk)), touched(chunk));
                deleted += delete::<E>(scope.executor(), filter, touched, how, caller).await?;
            }
            scope.commit().await?;
            Ok(deleted)
        }
    }
}

impl<'a, E: Entity, I> Query<'a, E, I> {
    /// Deletes all rows of the query; how many there were. Marks them instead if the entity has a `deleted_at` column.
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if the query has a limit or offset; a foreign key violation;
    /// the database's other errors.
    #[track_caller]
    pub fn delete(self) -> impl Future<Output = Result<u64>> + Send + use<'a, E, I>
    where
        E: Writable,
    {
        let call_site = Location::caller();
        let (executor, parts) = (self.executor, self.parts);
        async move {
            check_unlimited(&parts, "a delete").map_err(|error| error.at(call_site))?;
            let executor = parts.writing::<E>(&*executor);
            let executor = executor.map_err(|error| error.at(call_site))?;
            delete::<E>(
                &*executor,
                parts.filter,
                None,
                How::Softly,
                call_site.into(),
            )
            .await
        }
    }
}

/// Deletes the row with this key; whether there was one.
pub(super) async fn delete_row<E: Entity>(
    executor: &dyn Executor,
    key: &[Value],
    call_site: &'static Location<'static>,
) -> Result<bool> {
    let keys = || Keys::of_primary_keys(E::table(), &[key.to_vec()]);
    let executor = scatter::to_write(executor, E::table(), keys)?;
    let touched = kept::touches_key::<E>(key);
    kept::note_gone(touched.as_ref());
    let filter = Some(key_filter(&E::table().primary_key, vec![key.to_vec()]));
    let deleted = delete::<E>(&*executor, filter, touched, How::Softly, call_site.into()).await?;
    Ok(deleted > 0)
}

async fn delete<E: Entity>(
    executor: &dyn Executor,
    filter: Option<Condition>,
    touched: Option<Arc<Touched>>,
    how: How,
    caller: Caller,
) -> Result<u64> {
    let table = E::table();
    let outcome = match table.deleted_at {
        Some(column) if how == How::Softly => {
            let filter = Condition::both(filter, crate::eager::spec::alive(table));
            let mut set = vec![(
                column,
                Term::Value(stamp::now(table.columns[column].sql_type)),
            )];
            set.extend(stamp::changed_row(table));
            let target = Target { table, filter };
            assemble::write(
                executor,
                render::Query::Update(&target, &set),
                &mut NoRows,
                touched,
                caller,
            )
            .await?
        }
        _ => {
            let target = Target { table, filter };
            assemble::write(
                executor,
                render::Query::Delete(&target),
                &mut NoRows,
                touched,
                caller,
            )
            .await?
        }
    };
    Ok(outcome.affected)
}
