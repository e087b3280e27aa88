//! Single loads that become one statement: the remedy where a graph is walked by code that knows one node at a time,
//! such as the resolvers of a GraphQL server.
//!
//! Loads that are awaited at the same time, on any task, are collected until the runtime has nothing new to add, and
//! are sent together. One of the waiting callers does the work for all; if it is dropped, another one takes over. Make
//! a loader for each request: so nobody sees another one's rows, and what is kept, if that is asked for, is never old.
mod batch;
mod source;

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    collections::HashMap,
    fmt,
    future::Future,
    panic::Location,
    sync::{Arc, Mutex, PoisonError},
};

use batch::Batches;
use source::{ByKey, ByRelation, Source};

use super::scatter::keyed;

use crate::{
    error::Result,
    executor::{ExecutorHandle, IntoExecutor},
    schema::{Arity, Entity, Key, KeyPart, Relation, RelationDef, table::key_of},
};

/// How many keys one statement takes by default.
const MAX_BATCH: usize = 1_000;

/// Collects single loads into common statements. Cheap to clone; all clones collect together.
///
/// ```
/// # use entourage::{Database, prelude::*};
/// # #[derive(Debug, Clone, Entity)]
/// # #[entity(table = "users", has_many(posts: Post, foreign_key = author_id))]
/// # struct User { #[entity(primary_key, generated)] id: i64, name: String }
/// # #[derive(Debug, Clone, Entity)]
/// # #[entity(table = "posts", belongs_to(author: User, foreign_key = author_id))]
/// # struct Post { #[entity(primary_key, generated)] id: i64, author_id: i64 }
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.execute_script("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
/// #     CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL);
/// #     INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace'); INSERT INTO posts VALUES (1, 2), (2, 2)").await?;
/// use entourage::repository::Loader;
///
/// let loader = Loader::new(db.clone());
/// let recording = db.recorded();
/// let (ada, grace, nobody) = tokio::try_join!(
///     loader.load::<User>(1),
///     loader.load::<User>(2),
///     loader.load::<User>(3),
/// )?;
/// let (ada, grace) = (ada.unwrap(), grace.unwrap());
/// assert!(nobody.is_none());
/// let (none, two) = tokio::try_join!(
///     loader.related(User::POSTS, &ada),
///     loader.related(User::POSTS, &grace),
/// )?;
/// assert_eq!((none.len(), two.len()), (0, 2));
/// assert_eq!(recording.count(), 2);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Loader {
    executor: ExecutorHandle<'static>,
    max_batch: usize,
    cached: bool,
    batches: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Loader {
    /// A loader on an executor that it owns: `Loader::new(db.clone())`, or of a transaction.
    pub fn new(executor: impl IntoExecutor<'static>) -> Self {
        Self {
            executor: executor.into_executor(),
            max_batch: MAX_BATCH,
            cached: false,
            batches: Arc::default(),
        }
    }

    /// Keeps what was loaded, until [`clear`](Loader::clear) or the end of the loader. Off by default: a row that was
    /// loaded once is then not seen to change.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// At most so many keys in one statement, 1,000 by default; more keys make more statements.
    #[must_use]
    pub fn max_batch(mut self, keys: usize) -> Self {
        self.max_batch = keys.clamp(1, MAX_BATCH);
        self
    }

    /// Forgets what was kept.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The row with this primary key, or `None`, together with all others that are asked for now.
    ///
    /// # Errors
    /// The database's, or a decode error: each caller of the statement gets it.
    /// [`NoShard`](crate::ErrorKind::NoShard) for a key that no shard has, which its caller alone gets.
    ///
    /// # Cancellation
    /// Safe: if the caller that works for the others is dropped, another one begins anew.
    #[track_caller]
    pub fn load<E: Entity>(
        &self,
        key: E::Key,
    ) -> impl Future<Output = Result<Option<E>>> + Send + use<E> {
        let values = key.to_values();
        let call_site = Location::caller();
        let placed = keyed::check_place(&*self.executor, E::table(), &values);
        let part = KeyPart::from_values(values.iter().cloned());
        let loading = self.one::<ByKey<E>>(part, values, call_site);
        async move {
            placed.map_err(|error| error.at(call_site))?;
            loading.await.map(Option::flatten)
        }
    }

    /// What the relation of one entity leads to, together with all others that are asked for now: a `Vec`, an `Option`
    /// or the entity, as in [`With`](crate::eager::With).
    ///
    /// # Errors
    /// As [`load`](Loader::load); a dangling key of a relation that must have a row is an error for its caller alone.
    ///
    /// # Cancellation
    /// As [`load`](Loader::load).
    #[track_caller]
    pub fn related<R: Relation>(
        &self,
        relation: R,
        entity: &R::From,
    ) -> impl Future<Output = Result<<R::Arity as Arity>::Of<R::To>>> + Send + use<R> {
        let call_site = Location::caller();
        let key = key_of(entity, &self.key_columns(R::def()));
        let loading = self.one::<ByRelation<R>>(key, (relation, entity.clone()), call_site);
        async move {
            let children = loading.await?.unwrap_or_default();
            <R::Arity as Arity>::collect(R::def(), children).map_err(|error| error.at(call_site))
        }
    }

    /// The columns that tell what a relation leads to: those that it begins with, and the shard key, for on another shard
    /// they are another row's.
    fn key_columns(&self, relation: &'static RelationDef) -> Cow<'static, [usize]> {
        let shard_key = (relation.source)().shard_key;
        match shard_key.filter(|key| !relation.from.contains(key)) {
            Some(key) if self.executor.sharding().is_some() => {
                relation.from.iter().copied().chain([key]).collect()
            }
            _ => Cow::Borrowed(&relation.from),
        }
    }

    /// One item of `S`; `None` without a key.
    fn one<S: Source>(
        &self,
        key: Option<KeyPart>,
        item: S::Item,
        call_site: &'static Location<'static>,
    ) -> impl Future<Output = Result<Option<S::Value>>> + Send + use<S> {
        let batches = self.batches_of::<S>();
        let executor = self.executor.clone();
        let (max_batch, cached) = (self.max_batch, self.cached);
        async move {
            let Some(key) = key else {
                return Ok(None);
            };
            let ticket = match batches.join(key, item, max_batch, cached) {
                Ok(value) => return Ok(Some(value)),
                Err(ticket) => ticket,
            };
            ticket.value(&executor, call_site).await
        }
    }

    fn batches_of<S: Source>(&self) -> Arc<Batches<S>> {
        let mut batches = self.lock();
        let known = batches
            .entry(TypeId::of::<S>())
            .or_insert_with(|| Arc::new(Batches::<S>::default()));
        Arc::clone(known)
            .downcast()
            .expect("batches are filed under their own type")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TypeId, Arc<dyn Any + Send + Sync>>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("max_batch", &self.max_batch)
            .field("cached", &self.cached)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
