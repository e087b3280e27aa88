//! The tables of entities: made, dropped, and compared with what the database has.
//!
//! For tests and prototypes, and to check in production. What changes a database that holds data is a migration, for
//! which sqlx's own tool and others exist; [`check_schema`](Database::check_schema) tells what one has to do. On an empty
//! database `check_schema::<(User, Post)>().await?.ddl()` is the text of the first migration, later it has the statements for
//! what changed, and `into_result()` when the program starts refuses a database that does not fit. The example `conduit`
//! runs migrations by sqlx 0.9 before it connects.
mod compare;
mod drift;
mod families;
mod views;

use std::{panic::Location, sync::Arc};

use super::{Database, live};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::Result,
    executor::Executor,
    schema::{EntitySet, TableDef},
    statement::{
        Plan, Statement, StatementKind,
        ddl::{self, Blueprint, Creation, Deferred, Removal},
    },
    view,
};

pub use drift::{Drift, DriftKind, SchemaReport, TableKind};

/// Two programs that create tables at once on PostgreSQL would fail in spite of IF NOT EXISTS: one waits for the other.
const CREATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7310579) IS NOT NULL";

impl Database {
    /// Creates the tables of the entities with their keys, constraints and indexes, those pointed at first. What is
    /// there already stays as it is: a second call does nothing.
    ///
    /// Foreign keys are those of `belongs_to`. On SQLite and PostgreSQL all of it happens or nothing; MySQL commits each
    /// statement by itself.
    ///
    /// ```
    /// # async fn run() -> entourage::Result<()> {
    /// use entourage::{Database, prelude::*};
    ///
    /// #[derive(Debug, Clone, Entity)]
    /// #[entity(table = "users")]
    /// struct User {
    ///     #[entity(primary_key, generated)]
    ///     id: i64,
    ///     #[entity(unique)]
    ///     email: String,
    /// }
    ///
    /// #[derive(Debug, Clone, Entity)]
    /// #[entity(table = "posts", belongs_to(author: User, foreign_key = author_id, on_delete = cascade))]
    /// struct Post {
    ///     #[entity(primary_key, generated)]
    ///     id: i64,
    ///     #[entity(index)]
    ///     author_id: i64,
    /// }
    ///
    /// let db = Database::connect("sqlite::memory:").await?;
    /// db.create_schema::<(User, Post)>().await?;
    /// assert!(db.check_schema::<(User, Post)>().await?.is_clean());
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) where the entities do not fit together: a foreign key to
    /// columns that are no key, or two entities of one table of which the first lacks columns of the second. Else the
    /// database's.
    #[track_caller]
    pub fn create_schema<S: EntitySet>(
        &self,
    ) -> impl Future<Output = Result<()>> + Send + use<'_, S> {
        let call_site = Location::caller();
        let tables = S::tables();
        // It goes on from what it reads.
        let primary = self.primary();
        async move { create(&primary, &tables, call_site).await }
    }

    /// Drops the tables of the entities with all their rows, those that point at others first. What is not there is
    /// passed over. For tests.
    ///
    /// # Errors
    /// As [`create_schema`](Database::create_schema); the database's where a table outside the set points at one inside.
    #[track_caller]
    pub fn drop_schema<S: EntitySet>(
        &self,
    ) -> impl Future<Output = Result<()>> + Send + use<'_, S> {
        let call_site = Location::caller();
        let tables = S::tables();
        async move { remove(self, &tables, call_site).await }
    }

    /// Compares the entities with the tables that the database has, in three statements whatever the number of
    /// entities, and one for each materialized view, two for each maintained one.
    ///
    /// Reported is what makes a query fail or lets wrong data in: a missing table, column, index or foreign key, a type
    /// that does not fit, NULL where the entity has no `Option` (and the reverse), a missing default, another primary
    /// key, a column that every insert would have to give. A type fits if its values do: an `i64` over any integer, a
    /// `String` over any `VARCHAR`. Tables, columns and indexes that no entity mentions are the database's own affair.
    ///
    /// ```
    /// # async fn run() -> entourage::Result<()> {
    /// # use entourage::{Database, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "users")]
    /// # struct User {
    /// #     #[entity(primary_key, generated)]
    /// #     id: i64,
    /// #     nickname: Option<String>,
    /// # }
    /// let db = Database::connect("sqlite::memory:").await?;
    /// db.execute_script("CREATE TABLE users (id INTEGER PRIMARY KEY)").await?;
    /// let report = db.check_schema::<User>().await?;
    /// assert_eq!(report.drifts()[0].to_string(), "column `users.nickname` is missing");
    /// assert_eq!(report.drifts()[0].ddl(), Some(r#"ALTER TABLE "users" ADD COLUMN "nickname" TEXT"#));
    /// assert!(report.into_result().is_err());
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`create_schema`](Database::create_schema). That the schema differs is no error until
    /// [`SchemaReport::into_result`] makes it one.
    #[track_caller]
    pub fn check_schema<S: EntitySet>(
        &self,
    ) -> impl Future<Output = Result<SchemaReport>> + Send + use<'_, S> {
        let call_site = Location::caller();
        let tables = S::tables();
        async move { check(self, &tables, call_site).await }
    }
}

pub(super) async fn create(
    executor: &dyn Executor,
    tables: &[&'static TableDef],
    call_site: &'static Location<'static>,
) -> Result<()> {
    let dialect = executor.dialect();
    let creation = ddl::create(tables, dialect)?;
    if dialect == Dialect::Mysql {
        make(executor, creation, call_site).await?;
        return view::create(executor, tables, call_site).await;
    }
    let scope = executor.atomic(call_site).await?;
    if dialect == Dialect::Postgres {
        let lock = Plan::new(CREATION_LOCK, StatementKind::Schema, Vec::new()).one_off();
        send(scope.executor(), lock, call_site).await?;
    }
    make(scope.executor(), creation, call_site).await?;
    view::create(scope.executor(), tables, call_site).await?;
    scope.commit().await
}

async fn make(
    executor: &dyn Executor,
    creation: Creation,
    call_site: &'static Location<'static>,
) -> Result<()> {
    for plan in creation.plans {
        send(executor, plan, call_site).await?;
    }
    for (key, name) in found(executor, creation.deferred, call_site).await? {
        if name.is_none()
            && let Ok(plan) = key.add(executor.dialect())
        {
            send(executor, plan, call_site).await?;
        }
    }
    Ok(())
}

async fn remove(
    executor: &dyn Executor,
    tables: &[&'static TableDef],
    call_site: &'static Location<'static>,
) -> Result<()> {
    let removal = ddl::drop(tables, executor.dialect())?;
    if executor.dialect() == Dialect::Mysql {
        view::drop(executor, tables, call_site).await?;
        return unmake(executor, removal, call_site).await;
    }
    let scope = executor.atomic(call_site).await?;
    view::drop(scope.executor(), tables, call_site).await?;
    unmake(scope.executor(), removal, call_site).await?;
    scope.commit().await
}

async fn unmake(
    executor: &dyn Executor,
    removal: Removal,
    call_site: &'static Location<'static>,
) -> Result<()> {
    for (key, name) in found(executor, removal.deferred, call_site).await? {
        if let Some(name) = name
            && let Ok(plan) = key.remove(&name, executor.dialect())
        {
            send(executor, plan, call_site).await?;
        }
    }
    for plan in removal.plans {
        send(executor, plan, call_site).await?;
    }
    Ok(())
}

async fn check(
    executor: &dyn Executor,
    tables: &[&'static TableDef],
    call_site: &'static Location<'static>,
) -> Result<SchemaReport> {
    let dialect = executor.dialect();
    let steps = ddl::by_dependency(Blueprint::all(tables)?);
    // Other entities of the same tables.
    let others: Vec<_> = tables
        .iter()
        .filter(|table| steps.iter().all(|step| !step.blueprint.table.is(table)))
        .map(|table| Blueprint::of(table))
        .collect::<Result<_>>()?;
    let live = live::tables(executor, tables, call_site).await?;
    let mut definitions = Vec::new();
    let mut triggers = Vec::new();
    for table in ddl::view::among(tables) {
        if !table.is_plain_view()
            && let Some(made) = view::definition(executor, table, call_site).await?
        {
            definitions.push((table, made));
        }
        for missing in view::missing_triggers(executor, table, call_site).await? {
            triggers.push((table, missing));
        }
    }
    let subject = compare::Subject {
        definitions: &definitions,
        triggers: &triggers,
        steps: &steps,
        others: &others,
        tables,
        live: &live,
    };
    Ok(compare::report(&subject, dialect))
}

/// The keys, each with the name it has in the database, if it is there. No keys, no statement.
async fn found(
    executor: &dyn Executor,
    deferred: Vec<Deferred>,
    call_site: &'static Location<'static>,
) -> Result<Vec<(Deferred, Option<String>)>> {
    if deferred.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = executor.dialect();
    let tables: Vec<_> = deferred.iter().map(|key| key.table).collect();
    let live = live::foreign_keys(executor, &tables, call_site).await?;
    let with_names = deferred.into_iter().zip(&live).map(|(key, live)| {
        let same = live
            .iter()
            .find(|live| compare::same_key(key.table, &key.foreign_key, live, dialect));
        let name = same.map(|live| live.name.clone());
        (key, name)
    });
    Ok(with_names.collect())
}

async fn send(
    executor: &dyn Executor,
    plan: Plan,
    call_site: &'static Location<'static>,
) -> Result<()> {
    let statement = Statement::new(Arc::new(plan), Vec::new(), call_site);
    executor.run(&statement, &mut NoRows).await?;
    Ok(())
}
