//! Changes of rows.
use std::{future::Future, marker::PhantomData, ops::ControlFlow, panic::Location};

use super::{
    Patch, Repository, assemble,
    find::key_filter,
    kept,
    query::Parts,
    scatter::{self, Keys},
    stamp,
};
use crate::{
    driver::NoRows,
    error::{Error, ErrorKind, Result},
    executor::{Executor, ExecutorHandle},
    schema::{
        Cell, Condition, Entity, Key, KeyPart, Row, Value, Writable,
        expression::{Assignment, Comparison, Term},
        table::values_of,
    },
    statement::{
        query::{Assignments, Level, Target},
        render::Query,
    },
};

impl<'a, E: Entity> Repository<'a, E> {
    /// Writes all columns of `entity` to its row, apart from its key and the time of its creation, and returns it with
    /// its new version and time of change.
    ///
    /// With a `version` column the row is written only if it still has the entity's version. A graph can be passed as
    /// it is (`&graph` dereferences to the entity); its relations are not saved.
    ///
    /// A soft-deleted row counts as there. Without a `version`, an entity that was read before the deletion writes its
    /// `deleted_at` back with the rest, and so restores the row; with one it is [`Stale`](ErrorKind::Stale).
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if the row has another version or is gone; [`NotFound`](ErrorKind::NotFound) if it
    /// is gone and there is no version; a constraint violation; the database's other errors.
    ///
    /// # Cancellation
    /// A future dropped midway may or may not have written the row.
    #[track_caller]
    pub fn update(&self, entity: &E) -> impl Future<Output = Result<E>> + Send + use<'a, E>
    where
        E: Writable,
    {
        let entity = entity.clone();
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            let keys = || Keys::of_entities([&entity]);
            let executor = scatter::to_write(&*executor, E::table(), keys);
            let executor = executor.map_err(|error| error.at(call_site))?;
            update(&*executor, entity, call_site).await
        }
    }

    /// Changes the given columns of the row with this key, and returns the row as it is then.
    ///
    /// An empty patch changes nothing, not even the version. The version is counted up, and not compared: a patch says
    /// what it changes, so nothing else can be overwritten.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such row; a constraint violation; the database's other errors.
    #[track_caller]
    pub fn patch<K, P>(
        &self,
        key: K,
        patch: P,
    ) -> impl Future<Output = Result<E>> + Send + use<'a, E, K, P>
    where
        E: Writable,
        K: Into<E::Key>,
        P: Patch<Entity = E>,
    {
        let key = key.into();
        let changes = patch.into_changes();
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            let keys = || Keys::of_primary_keys(E::table(), &[key.to_values()]);
            let executor = scatter::to_write(&*executor, E::table(), keys);
            let executor = executor.map_err(|error| error.at(call_site))?;
            self::patch::<E>(&*executor, key, changes, call_site).await
        }
    }
}

async fn update<E: Entity>(
    executor: &dyn Executor,
    entity: E,
    call_site: &'static Location<'static>,
) -> Result<E> {
    let table = E::table();
    let mut set: Assignments = Vec::new();
    let mut values: Vec<Value> = (0..table.columns.len())
        .map(|column| entity.value(column))
        .collect();
    for (column, value) in values.iter().enumerate() {
        let own = [table.version, table.created_at, table.updated_at];
        let kept = table.primary_key.contains(&column)
            || own.contains(&Some(column))
            || table.shard_key == Some(column);
        if !kept {
            set.push((column, Term::Value(value.clone())));
        }
    }
    for (column, term) in stamp::changed_row(table) {
        if let Term::Value(value) = &term {
            values[column] = value.clone();
        }
        set.push((column, term));
    }
    // A row of another shard key is another row.
    let mut by = table.primary_key.clone();
    by.extend(table.shard_key.filter(|column| !by.contains(column)));
    let mut filter = key_filter(&by, vec![values_of(&entity, &by)]);
    if let Some(column) = table.version {
        let version = Condition::Compare(
            Comparison::Eq,
            Term::Column(column),
            Term::Value(values[column].clone()),
        );
        filter = Condition::And(vec![filter, version]);
        values[column] = next_version(&values[column]);
    }
    if set.is_empty() {
        return Ok(entity);
    }
    let target = Target {
        table,
        filter: Some(filter),
    };
    let touched = kept::touches_key::<E>(&values_of(&entity, &table.primary_key));
    if touched.is_some()
        && let Ok(written) = refreshed::<E>(&values)
    {
        kept::note_written(touched.as_ref(), &written);
    }
    let query = Query::Update(&target, &set);
    let outcome = assemble::write(executor, query, &mut NoRows, touched, call_site).await?;
    if outcome.affected == 0 {
        return Err(missed(&entity, call_site));
    }
    refreshed(&values).map_err(|error: Error| error.with_table(table.name).at(call_site))
}

/// The entity with these values: what a read would return now, without reading.
pub(super) fn refreshed<E: Entity>(values: &[Value]) -> Result<E> {
    let json = |value: &Value| match value {
        Value::Json(Some(value)) => value.to_string(),
        _ => String::new(),
    };
    let texts: Vec<String> = match values.iter().any(|value| matches!(value, Value::Json(_))) {
        true => values.iter().map(json).collect(),
        false => Vec::new(),
    };
    let text = |at: usize| texts.get(at).map_or("", String::as_str);
    let cells: Vec<Cell<'_>> = values
        .iter()
        .enumerate()
        .map(|(at, value)| Cell::from_value(value, text(at)))
        .collect();
    E::decode(&mut Row::new(&cells))
}

pub(super) fn next_version(version: &Value) -> Value {
    match version {
        Value::SmallInt(Some(version)) => Value::SmallInt(version.checked_add(1)),
        Value::Int(Some(version)) => Value::Int(version.checked_add(1)),
        Value::BigInt(Some(version)) => Value::BigInt(version.checked_add(1)),
        other => other.clone(),
    }
}

/// Why an update met no row.
#[cold]
fn missed<E: Entity>(entity: &E, call_site: &'static Location<'static>) -> Error {
    let table = E::table();
    let key = KeyPart::from_values(entity.key().to_values())
        .map_or_else(String::new, |key| key.to_string());
    if table.version.is_none() {
        return Error::not_found(table.name, format_args!("key {key}")).at(call_site);
    }
    Error::new(
        ErrorKind::Stale,
        format!(
            "the row of `{}` with key {key} was changed or deleted since it was read",
            table.name
        ),
    )
    .with_table(table.name)
    .with_hint("read it again, apply the change to the new row and update that")
    .at(call_site)
}

async fn patch<E: Entity>(
    executor: &dyn Executor,
    key: E::Key,
    changes: Vec<(usize, Value)>,
    call_site: &'static Location<'static>,
) -> Result<E> {
    let table = E::table();
    let filter = key_filter(&table.primary_key, vec![key.to_values()]);
    let not_found = || {
        let key =
            KeyPart::from_values(key.to_values()).map_or_else(String::new, |key| key.to_string());
        Error::not_found(table.name, format_args!("key {key}")).at(call_site)
    };
    let target = Target {
        table,
        filter: Condition::both(Some(filter), crate::eager::spec::alive(table)),
    };
    let level = Level {
        filter: target.filter.clone(),
        ..Level::all(table)
    };
    if changes.is_empty() {
        let (rows, _) = assemble::entities::<E>(executor, Query::Level(&level), call_site).await?;
        return rows.into_iter().next().ok_or_else(not_found);
    }
    let mut set: Assignments = changes
        .into_iter()
        .map(|(column, value)| (column, Term::Value(value)))
        .collect();
    set.extend(stamp::changed_row(table));
    // The row is read back in the same unit, so that nobody's later change is taken for ours.
    let scope = executor.atomic(call_site).await?;
    let touched = kept::touches_key::<E>(&key.to_values());
    let (within, query) = (scope.executor(), Query::Update(&target, &set));
    let outcome = assemble::write(within, query, &mut NoRows, touched.clone(), call_site).await?;
    if outcome.affected == 0 {
        scope.rollback().await?;
        return Err(not_found());
    }
    let (rows, _) =
        assemble::entities::<E>(scope.executor(), Query::Level(&level), call_site).await?;
    rows.iter()
        .for_each(|row| kept::note(touched.as_ref(), row));
    scope.commit().await?;
    rows.into_iter().next().ok_or_else(not_found)
}

/// The same change to all rows of a query. Made by [`Query::set`](super::Query::set).
#[must_use = "an update does nothing until `.update()` is awaited"]
#[derive(Debug)]
pub struct BulkUpdate<'a, E> {
    executor: ExecutorHandle<'a>,
    parts: Parts,
    set: Assignments,
    entity: PhantomData<fn() -> E>,
}

impl<'a, E: Entity> BulkUpdate<'a, E> {
    pub(super) fn new(
        executor: ExecutorHandle<'a>,
        parts: Parts,
        assignment: Assignment<E>,
    ) -> Self {
        Self {
            executor,
            parts,
            set: vec![(assignment.column, assignment.term)],
            entity: PhantomData,
        }
    }

    /// One more column to set.
    pub fn set(mut self, assignment: Assignment<E>) -> Self {
        self.set.push((assignment.column, assignment.term));
        self
    }

    /// Changes the rows; how many there were. Versions are counted up and times of change are kept.
    ///
    /// # Errors
    /// [`InvalidQuery`](ErrorKind::InvalidQuery) if the query has a limit or offset; a constraint violation; the
    /// database's other errors.
    #[track_caller]
    pub fn update(self) -> impl Future<Output = Result<u64>> + Send + use<'a, E> {
        let call_site = Location::caller();
        async move {
            let (executor, parts, target, set) = self.target(call_site)?;
            let executor = parts.writing::<E>(&*executor);
            let executor = executor.map_err(|error| error.at(call_site))?;
            let mut sink = |_: &[Cell<'_>]| Ok(ControlFlow::Continue(()));
            let outcome = assemble::run(
                &*executor,
                Query::Update(&target, &set),
                &mut sink,
                call_site,
            )
            .await?;
            Ok(outcome.affected)
        }
    }

    /// Which rows are changed, how, and through what.
    pub(super) fn target(
        self,
        call_site: &'static Location<'static>,
    ) -> Result<(ExecutorHandle<'a>, Parts, Target, Assignments)> {
        let Self {
            executor,
            parts,
            mut set,
            ..
        } = self;
        check_unlimited(&parts, "an update").map_err(|error| error.at(call_site))?;
        scatter::check_set(&*executor, E::table(), &set).map_err(|error| error.at(call_site))?;
        let given: Vec<usize> = set.iter().map(|(column, _)| *column).collect();
        set.extend(
            stamp::changed_row(E::table())
                .into_iter()
                .filter(|(column, _)| !given.contains(column)),
        );
        let target = Target {
            table: E::table(),
            filter: parts.full_filter::<E>(),
        };
        Ok((executor, parts, target, set))
    }
}

/// A limit has no meaning for a change of all rows that match.
pub(super) fn check_unlimited(parts: &Parts, what: &str) -> Result<()> {
    parts.refuse_lock(what)?;
    if parts.limit.is_some() || parts.offset.is_some() {
        return Err(
            Error::invalid_query(format!("{what} takes no limit or offset"))
                .with_hint("read the keys of the rows first, and filter by them"),
        );
    }
    Ok(())
}
