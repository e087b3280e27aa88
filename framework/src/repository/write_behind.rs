//! Writes that are acknowledged before the database sees them.
//!
//! [`WriteBehind`] is the queue with its flusher, [`WriteBehindRepository`] one entity's door to it.
#![doc = include_str!("../docs/write_behind.md")]
mod builder;

use std::{fmt, marker::PhantomData, sync::Arc};

pub use builder::WriteBehindBuilder;

use super::{
    NewEntity, Patch, Repository,
    scatter::{self, Keys},
    stamp,
    update::refreshed,
};
use crate::{
    database::Database,
    error::{Error, ErrorKind, Result},
    result_cache::write_behind::{
        DeadLetter, WriteBehindStats, WriteBehindWatch,
        change::{Change, Columns, Edit, Set, is_marked, number},
        engine::Engine,
    },
    schema::{
        Column, ColumnValue, Entity, Key, KeyPart, SqlType, TableDef, Value, Writable,
        expression::{Summable, Term},
    },
};

/// A queue of writes to one database, and the task that flushes it. Cheap to clone; all clones are one queue.
///
/// When the last clone is dropped, what is queued is still flushed, as long as the runtime runs and the database
/// answers; [`shutdown`](WriteBehind::shutdown) waits for it.
#[derive(Clone)]
pub struct WriteBehind {
    engine: Arc<Engine>,
    db: Database,
}

impl WriteBehind {
    /// A queue to be started.
    pub fn builder(db: &Database) -> WriteBehindBuilder {
        WriteBehindBuilder::new(db)
    }

    /// The door for the entity `E`.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the queue was not started with `E`.
    pub fn of<E: Writable>(&self) -> Result<WriteBehindRepository<E>> {
        let table = self.engine.position(E::table()).ok_or_else(|| {
            let entity = E::table().entity;
            Error::configuration(format!("`{entity}` is not in the write-behind queue"))
                .with_hint(format!("start it with `.entities::<{entity}>()`"))
        })?;
        Ok(WriteBehindRepository {
            queue: self.clone(),
            table,
            entity: PhantomData,
        })
    }

    /// Writes what was acknowledged before; returns when it is in the database or among the dead letters. While the
    /// database is away it waits.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) after [`shutdown`](WriteBehind::shutdown).
    ///
    /// # Cancellation
    /// Safe: the flush goes on.
    pub async fn flush(&self) -> Result<()> {
        self.engine.flush().await
    }

    /// Refuses new writes, flushes what there is, and ends the flusher and the journal.
    ///
    /// # Errors
    /// [`Timeout`](crate::ErrorKind::Timeout) if the queue was not empty in time: a journal keeps the rest for the next
    /// start, without one it is lost.
    pub async fn shutdown(&self) -> Result<()> {
        self.engine.shutdown().await
    }

    /// The figures of the queue.
    pub fn stats(&self) -> WriteBehindStats {
        self.engine.stats()
    }

    /// The figures of the queue from now on, for one that is no clone of it: the queue ends without regard to it.
    pub fn watch(&self) -> WriteBehindWatch {
        self.engine.watch()
    }

    /// The changes that the database refused for good, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.engine.dead_letters()
    }

    /// Puts a dead letter back into the queue, behind what is queued of its row.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none of this number; as the write itself.
    pub async fn retry(&self, id: u64) -> Result<()> {
        self.engine.retry(id).await
    }

    /// Gives a dead letter up.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none of this number; the journal's.
    pub async fn discard(&self, id: u64) -> Result<()> {
        self.engine.discard(id).await
    }
}

impl fmt::Debug for WriteBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// The rows of one entity, written through a queue and read with what is queued. Made by [`WriteBehind::of`].
///
/// A write returns when it is as safe as the queue's [`Durability`](crate::result_cache::write_behind::Durability) says.
/// What the database will say is not known then: a change that it refuses becomes a [`DeadLetter`].
#[derive(Debug)]
pub struct WriteBehindRepository<E> {
    queue: WriteBehind,
    table: usize,
    entity: PhantomData<fn() -> E>,
}

impl<E> Clone for WriteBehindRepository<E> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            ..*self
        }
    }
}

impl<E: Entity> WriteBehindRepository<E> {
    /// Queues a new row and returns it as it will be. A key that the database makes is taken from those that are
    /// [reserved](WriteBehindBuilder::reserve_keys).
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if a column is left to a default that only the database knows;
    /// [`UniqueViolation`](crate::ErrorKind::UniqueViolation) if changes of a row with this key are queued; the
    /// database's, if no key is in hand and none can be reserved. From every
    /// write: [`QueueFull`](crate::ErrorKind::QueueFull), [`Closed`](crate::ErrorKind::Closed) after a shutdown or a
    /// failure of the journal.
    ///
    /// # Cancellation
    /// From every write: a future dropped midway may or may not have queued its change.
    pub async fn insert<N: NewEntity<Entity = E>>(&self, new: N) -> Result<E> {
        let table = E::table();
        let mut values = new.into_values();
        stamp::new_row(table, &mut values);
        not_deleted(table, &mut values);
        scatter::check_new(&self.queue.db, table, &values)?;
        let key = table.generated().filter(|&column| values[column].is_none());
        let missing = |column: &usize| values[*column].is_none() && key != Some(*column);
        if let Some(column) = (0..values.len()).find(missing) {
            return Err(left_out(table, column));
        }
        if let Some(column) = key {
            let number = self.queue.engine.key(self.table).await?;
            values[column] = Some(made(table, column, number)?);
        }
        let mut row = Vec::with_capacity(values.len());
        row.extend(values.into_iter().flatten());
        let entity: E = refreshed(&row)?;
        self.write(entity.key(), Change::Insert(row)).await?;
        Ok(entity)
    }

    /// Queues all columns of `entity`, apart from its key and the time of its creation, and returns it with its new
    /// version and time of change.
    ///
    /// With a `version` column it is compared: at once with what is queued of the row, else when it is flushed.
    ///
    /// # Errors
    /// [`Stale`](crate::ErrorKind::Stale) if another version is queued;
    /// [`NotFound`](crate::ErrorKind::NotFound) if a delete is; as [`insert`](WriteBehindRepository::insert).
    pub async fn update(&self, entity: &E) -> Result<E> {
        let table = E::table();
        scatter::to_write(&self.queue.db, table, || Keys::of_entities([entity]))?;
        let mut edit = self.stamped();
        let mut row: Vec<Value> = (0..table.columns.len())
            .map(|at| entity.value(at))
            .collect();
        for (column, value) in row.iter_mut().enumerate() {
            let own = [table.version, table.created_at, table.shard_key];
            let kept = table.primary_key.contains(&column) || own.contains(&Some(column));
            if table.version == Some(column) {
                edit.expected = number(value);
            }
            if let Some(Set::To(stamp)) = edit.set.get(column) {
                *value = stamp.clone();
            } else if !kept {
                edit.set.insert(column, Set::To(value.clone()));
            }
        }
        if let (Some(column), Some(version)) = (table.version, edit.expected) {
            let next = version.saturating_add(i64::from(edit.bumps));
            row[column] = stamp::integer(table.columns[column].sql_type, next);
        }
        let updated: E = refreshed(&row)?;
        edit.image = Some(row);
        self.write(entity.key(), Change::Update(edit)).await?;
        Ok(updated)
    }

    /// Queues the given columns of the row with this key. An empty patch queues nothing.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if a delete of the row is queued; as
    /// [`insert`](WriteBehindRepository::insert).
    pub async fn patch<K, P>(&self, key: K, patch: P) -> Result<()>
    where
        K: Into<E::Key>,
        P: Patch<Entity = E>,
    {
        let changes = patch.into_changes();
        if changes.is_empty() {
            return Ok(());
        }
        let mut edit = self.stamped();
        let set = changes
            .into_iter()
            .map(|(column, value)| (column, Set::To(value)));
        edit.set.extend(set);
        self.write(key.into(), Change::Update(edit)).await
    }

    /// Queues that `delta` is added to a column of the row with this key: for counters. However often it is called
    /// before a flush, the database sees one sum, and sees it once.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if the type cannot hold the sum; as
    /// [`patch`](WriteBehindRepository::patch).
    pub async fn add<K, T>(&self, key: K, column: Column<E, T>, delta: T::Base) -> Result<()>
    where
        K: Into<E::Key>,
        T: ColumnValue,
        T::Base: Summable,
    {
        let set = vec![(column.position(), Term::Value(delta.to_value()))];
        scatter::check_set(&self.queue.db, E::table(), &set)?;
        let mut edit = self.stamped();
        edit.set
            .insert(column.position(), Set::Add(delta.to_value()));
        self.write(key.into(), Change::Update(edit)).await
    }

    /// Queues that the row with this key goes, or is marked as deleted if the entity has a `deleted_at` column. That
    /// there is no such row is no error.
    ///
    /// # Errors
    /// As [`insert`](WriteBehindRepository::insert).
    pub async fn delete<K: Into<E::Key>>(&self, key: K) -> Result<()> {
        let table = E::table();
        let edit = match table.deleted_at {
            None => Edit::default(),
            Some(column) => {
                let mut edit = self.stamped();
                let now = stamp::now(table.columns[column].sql_type);
                edit.set.insert(column, Set::To(now));
                edit
            }
        };
        self.write(key.into(), Change::Delete(edit)).await
    }

    /// The row with this key as it will be when everything queued is written, or `None`. The database is asked only if
    /// the queue does not know the whole row.
    ///
    /// # Errors
    /// The database's, or a decode error.
    pub async fn find<K: Into<E::Key>>(&self, key: K) -> Result<Option<E>> {
        let key = key.into();
        let engine = &self.queue.engine;
        let values = key.to_values();
        let look = || engine.view(self.table, &values);
        loop {
            let before = engine.settled(look).await?;
            if let Some(change) = before.change.as_ref().filter(|change| change.is_whole()) {
                return self.after(change, None);
            }
            let row = Repository::<E>::new(&self.queue.db)
                .find(key.clone())
                .await?;
            // A flush in between may have brought what is queued to the row that was read, or may not.
            let after = look()?;
            if !before.is_as_flushed_as(&after) {
                continue;
            }
            return match &before.change {
                None => Ok(row),
                Some(change) => self.after(change, row),
            };
        }
    }

    /// The row with this key as it will be when everything queued is written.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) naming table and key; as [`find`](WriteBehindRepository::find).
    pub async fn get<K: Into<E::Key>>(&self, key: K) -> Result<E> {
        let key = key.into();
        let values = key.to_values();
        self.find(key).await?.ok_or_else(|| {
            let key = KeyPart::from_values(values).map_or_else(String::new, |key| key.to_string());
            Error::not_found(E::table().name, format_args!("key {key}"))
        })
    }

    async fn write(&self, key: E::Key, change: Change) -> Result<()> {
        let (engine, key) = (&self.queue.engine, key.to_values());
        let keys = || Keys::of_primary_keys(E::table(), std::slice::from_ref(&key));
        scatter::to_write(&self.queue.db, E::table(), keys)?;
        engine.write(self.table, key, change).await
    }

    /// What every change of a row sets beside the user's.
    fn stamped(&self) -> Edit {
        let table = E::table();
        let time = table.updated_at.map(|column| {
            let now = stamp::now(table.columns[column].sql_type);
            (column, Set::To(now))
        });
        Edit {
            set: Columns::from_iter(time),
            bumps: u32::from(table.version.is_some()),
            ..Edit::default()
        }
    }

    /// The row after a change.
    fn after(&self, change: &Change, before: Option<E>) -> Result<Option<E>> {
        let table = E::table();
        let values = |entity: E| {
            (0..table.columns.len())
                .map(|at| entity.value(at))
                .collect()
        };
        let applied = change.apply(before.map(values), table).map_err(|_| {
            Error::decode("what is queued of the row is more than a column can hold")
                .with_table(table.name)
        })?;
        applied
            .filter(|row| !is_marked(row, table))
            .map(|row| refreshed(&row))
            .transpose()
    }
}

#[cold]
fn left_out(table: &TableDef, column: usize) -> Error {
    let name = table.columns[column].field;
    Error::invalid_query(format!(
        "write-behind cannot leave `{}.{name}` to its default, which only the database knows",
        table.entity
    ))
    .with_hint(format!("give `{name}` a value"))
}

/// A reserved key as a value of its column.
fn made(table: &TableDef, column: usize, number: i64) -> Result<Value> {
    let value = stamp::integer(table.columns[column].sql_type, number);
    if KeyPart::from_value(value.clone()).is_some() {
        return Ok(value);
    }
    let error = Error::new(
        ErrorKind::Encode,
        format!(
            "the database's next key {number} is more than `{}.{}` can hold",
            table.entity, table.columns[column].field
        ),
    );
    Err(error
        .with_hint("make the field and its column an `i64`")
        .with_table(table.name))
}

/// Fills the time of a new row that nobody gives: when it was deleted.
fn not_deleted(table: &TableDef, values: &mut [Option<Value>]) {
    if let Some(column) = table.deleted_at
        && values[column].is_none()
    {
        values[column] = Some(match table.columns[column].sql_type {
            SqlType::Date => Value::ChronoDate(None),
            SqlType::DateTime => Value::ChronoDateTime(None),
            _ => Value::ChronoDateTimeUtc(None),
        });
    }
}
