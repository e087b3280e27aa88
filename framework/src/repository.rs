//! Repositories: what the generated `UserRepository` hands its calls to.
//!
//! A [`Repository`] is an executor and an entity type. Its methods are synchronous builders until `.await`: nothing is
//! sent before, and every statement knows the line of the user's call.
mod assemble;
mod bulk_insert;
mod cached;
mod delete;
mod explain;
mod figure;
mod find;
mod insert;
mod kept;
mod link;
mod load;
mod loader;
mod lock;
mod new_entity;
mod page;
mod query;
pub mod raw;
mod scatter;
mod shaped;
mod stamp;
mod stream;
mod update;
mod update_many;
mod upsert;
mod write_batcher;
#[cfg(feature = "write-behind")]
pub mod write_behind;

use std::marker::PhantomData;

pub use bulk_insert::BulkInsert;
pub use cached::Cached;
pub use insert::InsertMany;
pub use loader::Loader;
pub use lock::KeyList;
pub use new_entity::{ColumnSet, NewEntity, NewWith, Patch};
pub use page::{Cursor, Page, PageOf};
pub use query::Query;
pub use raw::{Args, FromRow, RawSql, Sql};
pub use scatter::Misplaced;
pub use update::BulkUpdate;
pub use write_batcher::{WriteBatcher, WriteBatcherBuilder};
#[cfg(feature = "write-behind")]
pub use write_behind::{WriteBehind, WriteBehindBuilder, WriteBehindRepository};

use crate::{
    eager::IntoInclude,
    executor::{ExecutorHandle, IntoExecutor},
    result_cache::CacheMode,
    schema::{Entity, Filter, expression::IntoOrder},
    statement::render::Backend,
};

/// The rows of one entity, through one executor: a database handle, a transaction, or a borrowed
/// connection or transaction of sqlx 0.9 (PostgreSQL and MySQL, by their features).
///
/// Cheap to make and to clone. The derived repositories dereference to it.
#[derive(Debug)]
pub struct Repository<'a, E> {
    executor: ExecutorHandle<'a>,
    cache: CacheMode,
    entity: PhantomData<fn() -> E>,
}

impl<E> Clone for Repository<'_, E> {
    fn clone(&self) -> Self {
        Self {
            executor: self.executor.clone(),
            cache: self.cache,
            entity: PhantomData,
        }
    }
}

impl<'a, E: Entity> Repository<'a, E> {
    /// A repository on `executor`.
    pub fn new(executor: impl IntoExecutor<'a>) -> Self {
        Self {
            executor: executor.into_executor(),
            cache: CacheMode::Use,
            entity: PhantomData,
        }
    }

    /// The same repository, which reads past the result cache: rows come from the database, and are not kept.
    #[must_use]
    pub fn bypass_cache(&self) -> Self {
        Self {
            cache: CacheMode::Bypass,
            ..self.clone()
        }
    }

    /// The same repository, which reads rows by key from the database, whatever the result cache holds, and keeps them.
    #[must_use]
    pub fn refresh_cache(&self) -> Self {
        Self {
            cache: CacheMode::Refresh,
            ..self.clone()
        }
    }

    /// All rows, to be narrowed down.
    pub fn query(&self) -> Query<'a, E, ()> {
        Query::new(self.executor.clone(), self.cache, ())
    }

    /// The rows for which `filter` holds.
    pub fn filter(&self, filter: Filter<E>) -> Query<'a, E, ()> {
        self.query().filter(filter)
    }

    /// All rows in an order.
    pub fn order_by(&self, order: impl IntoOrder<E>) -> Query<'a, E, ()> {
        self.query().order_by(order)
    }

    /// All rows, each with a relation or a figure.
    pub fn with<T: IntoInclude<E>>(&self, include: T) -> Query<'a, E, (T::Include, ())> {
        self.query().with(include)
    }

    fn backend(&self) -> Backend {
        backend(&self.executor)
    }
}

fn backend(executor: &ExecutorHandle<'_>) -> Backend {
    Backend {
        dialect: executor.dialect(),
        capabilities: executor.capabilities(),
    }
}
