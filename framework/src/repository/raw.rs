//! The user's own SQL, read into entities and typed tuples.
//!
//! `?` is the placeholder on every database. A statement is counted, recorded and observed like every other, and knows
//! the line of the user's call; the tables that its text names are what a cache of results would invalidate.
mod args;
mod rows;
mod texts;

use std::{fmt, future::Future, panic::Location, sync::Arc};

pub use args::{Args, Argument};
use rows::Collect;
pub use rows::{FromRow, Wanted};
use texts::Known;

use crate::{
    driver::{NoRows, Outcome, RowSink},
    error::{Error, ErrorKind, Result},
    executor::{ExecutorHandle, IntoExecutor},
    statement::{Statement, nul},
};

/// Raw SQL on whatever runs statements: a database handle, a transaction.
///
/// ```
/// # use entourage::{Database, prelude::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.execute_script("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)").await?;
/// #[derive(Debug, Clone, Entity)]
/// #[entity(table = "users")]
/// struct User {
///     #[entity(primary_key, generated)]
///     id: i64,
///     name: String,
/// }
///
/// db.sql("INSERT INTO users (name) VALUES (?), (?)", args!["Ada", "Grace"]).execute().await?;
/// let users = db.sql("SELECT * FROM users WHERE name LIKE ?", args!["A%"]).fetch::<User>().await?;
/// assert_eq!(users[0].name, "Ada");
/// let (count, longest) = db
///     .sql("SELECT count(*), max(length(name)) FROM users", args![])
///     .fetch_one::<(i64, Option<i64>)>()
///     .await?;
/// assert_eq!((count, longest), (2, Some(5)));
/// # Ok(()) }
/// ```
pub trait RawSql {
    /// The statement `sql` with `args`, to be sent by [`fetch`](Sql::fetch), [`fetch_one`](Sql::fetch_one),
    /// [`fetch_optional`](Sql::fetch_optional) or [`execute`](Sql::execute).
    ///
    /// Each `?` outside of strings, quoted names and comments stands for one argument. PostgreSQL's operators with a
    /// question mark are written with two: `??`, `??|`, `??&`.
    #[track_caller]
    fn sql<'a>(&'a self, sql: &str, args: impl Into<Args>) -> Sql<'a>
    where
        &'a Self: IntoExecutor<'a>,
    {
        Sql::new(self, sql, args)
    }
}

impl<T: ?Sized> RawSql for T {}

/// A statement of the user's, not yet sent.
#[must_use = "raw SQL does nothing until it is awaited through `.fetch()`, `.execute()`, .."]
pub struct Sql<'a> {
    executor: ExecutorHandle<'a>,
    known: Result<Arc<Known>>,
    args: Args,
    tables: Option<Vec<Arc<str>>>,
    pub(super) call_site: &'static Location<'static>,
}

impl fmt::Debug for Sql<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Sql");
        match &self.known {
            Ok(known) => debug.field("sql", &known.plan.sql),
            Err(error) => debug.field("error", error),
        };
        debug.field("args", &self.args).finish_non_exhaustive()
    }
}

impl<'a> Sql<'a> {
    /// The statement `sql` with `args` on an executor that [`RawSql`] cannot borrow, such as `&mut` of a sqlx
    /// connection.
    #[track_caller]
    pub fn new(executor: impl IntoExecutor<'a>, sql: &str, args: impl Into<Args>) -> Self {
        let executor = executor.into_executor();
        let known = texts::known(sql, executor.dialect());
        Self {
            executor,
            known,
            args: args.into(),
            tables: None,
            call_site: Location::caller(),
        }
    }

    /// Names the tables that the statement reads or writes, instead of those found in its text: for tables that only a
    /// function or a view knows of. The first one is the main one.
    pub fn tables<T: Into<Arc<str>>>(mut self, tables: impl IntoIterator<Item = T>) -> Self {
        self.tables = Some(tables.into_iter().map(Into::into).collect());
        self
    }

    /// All rows, each as an entity or a tuple.
    ///
    /// An entity takes its columns by name, whatever their order and whatever else is selected; a tuple takes all
    /// columns in order.
    ///
    /// # Errors
    /// [`InvalidQuery`](ErrorKind::InvalidQuery) for a wrong number of arguments or a text that cannot be understood;
    /// [`Decode`](ErrorKind::Decode) naming the columns where those returned do not fit, or the value that does not;
    /// the database's.
    pub fn fetch<T: FromRow>(self) -> impl Future<Output = Result<Vec<T>>> + Send + use<'a, T> {
        self.rows(usize::MAX)
    }

    /// The one row.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, [`TooMany`](ErrorKind::TooMany) if there are more; as
    /// [`fetch`](Sql::fetch) otherwise.
    pub fn fetch_one<T: FromRow>(self) -> impl Future<Output = Result<T>> + Send + use<'a, T> {
        let call_site = self.call_site;
        let row = self.fetch_optional();
        async move {
            row.await?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the SQL returned no row").at(call_site)
            })
        }
    }

    /// The one row, or `None`.
    ///
    /// # Errors
    /// [`TooMany`](ErrorKind::TooMany) if there are several; as [`fetch`](Sql::fetch) otherwise.
    pub fn fetch_optional<T: FromRow>(
        self,
    ) -> impl Future<Output = Result<Option<T>>> + Send + use<'a, T> {
        let call_site = self.call_site;
        let rows = self.rows(2);
        async move {
            let mut rows = rows.await?;
            if rows.len() > 1 {
                return Err(
                    Error::new(ErrorKind::TooMany, "the SQL returned more than one row")
                        .with_hint("narrow it, add `LIMIT 1`, or use `.fetch()`")
                        .at(call_site),
                );
            }
            Ok(rows.pop())
        }
    }

    /// Runs the statement; how many rows it changed.
    ///
    /// # Errors
    /// [`InvalidQuery`](ErrorKind::InvalidQuery) for a wrong number of arguments or a text that cannot be understood;
    /// the database's.
    pub async fn execute(self) -> Result<u64> {
        Ok(self.run(&mut NoRows).await?.affected)
    }

    async fn rows<T: FromRow>(self, limit: usize) -> Result<Vec<T>> {
        let mut collect = Collect::new(limit);
        self.run(&mut collect).await?;
        Ok(collect.rows)
    }

    async fn run(self, sink: &mut dyn RowSink) -> Result<Outcome> {
        let call_site = self.call_site;
        let run = async {
            let (executor, statement) = self.statement()?;
            executor.run(&statement, sink).await
        };
        run.await.map_err(|error| error.at(call_site))
    }

    /// The statement, and where it goes.
    pub(super) fn statement(self) -> Result<(ExecutorHandle<'a>, Statement)> {
        let known = self.known?;
        known.text.check_arguments(self.args.len())?;
        let plan = match self.tables {
            None => Arc::clone(&known.plan),
            tables => Arc::new(known.text.plan(tables)),
        };
        let args = self.args.into_values();
        nul::refuse_raw(&args, self.executor.dialect())?;
        Ok((self.executor, Statement::new(plan, args, self.call_site)))
    }
}

#[cfg(test)]
mod tests;
