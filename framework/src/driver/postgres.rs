//! PostgreSQL, over sqlx's connection.
//!
//! A row's columns are decoded here from the wire's binary form: how, is decided once per execution by the columns'
//! types. Dropping a future of this connection in the middle of a statement marks it as broken, because its answer is
//! still on the way. A sink that ends a statement early does not: sqlx reads the rest away before the next statement.
mod array;
mod bind;
mod decode;
mod errors;
mod lent;
mod numeric;
mod open;

use std::{fmt, ops::ControlFlow, sync::Arc};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Either, Executor as _, Row as _,
    postgres::{PgArguments, PgConnection},
};

use super::{
    Connection, Outcome, RowSender, RowSink,
    cells::recycle,
    lent::Lent,
    options::ConnectOptions,
    server::{Destination, Handle, PreparedNames, Stop, affected},
};
use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, Result},
    schema::Cell,
    statement::Statement,
};

pub(crate) use lent::{UserConnection, UserTransaction};

/// Whether this driver is part of the build.
pub(super) const COMPILED: bool = true;

/// Opens a connection.
pub(super) async fn connect(options: &ConnectOptions) -> Result<Box<dyn Connection>> {
    let connection = open::open(options).await?;
    let names = PreparedNames::with_capacity(options.get_statement_cache_capacity());
    Ok(Box::new(PostgresConnection::new(
        Handle::Owned(connection),
        names,
    )))
}

/// A connection on one of the user's own.
pub(crate) fn borrowed<'c>(connection: &'c mut PgConnection) -> Box<dyn Lent + 'c> {
    Box::new(PostgresConnection::new(
        Handle::Borrowed(connection),
        PreparedNames::unknown(),
    ))
}

/// One connection to a PostgreSQL server.
struct PostgresConnection<'c> {
    handle: Handle<'c, PgConnection>,
    names: PreparedNames,
    cells: Vec<Cell<'static>>,
    broken: bool,
}

impl<'c> PostgresConnection<'c> {
    fn new(handle: Handle<'c, PgConnection>, names: PreparedNames) -> Self {
        Self {
            handle,
            names,
            cells: Vec::new(),
            broken: false,
        }
    }

    async fn execute(
        &mut self,
        statement: &Statement,
        destination: Destination<'_>,
    ) -> Result<Outcome> {
        let arguments = bind::arguments(&statement.args)?;
        let plan = &statement.plan;
        let prepared = match plan.persistent {
            true => self.names.contains(&plan.sql),
            false => None,
        };
        let kept = self.handle.cached_statements_size();
        self.broken = true;
        let fetched = fetch(
            &mut self.handle,
            statement,
            arguments,
            destination,
            &mut self.cells,
        )
        .await;
        let grown = self.handle.cached_statements_size() > kept;
        if prepared == Some(false) && (fetched.is_ok() || grown) {
            self.names.insert(&plan.sql);
        }
        let outcome = self.settle(fetched)?;
        Ok(Outcome {
            prepared,
            affected: affected(statement, outcome.affected),
            ..outcome
        })
    }

    /// The end of a command: the connection is whole again, unless it is what failed.
    fn settle<T>(&mut self, result: Result<T, impl Into<Stop>>) -> Result<T> {
        self.broken = false;
        result.map_err(|stop| match stop.into() {
            Stop::Ours(error) => error,
            Stop::Driver(error) => {
                let error = errors::database(error);
                self.broken = error.is_connection();
                error
            }
        })
    }
}

async fn fetch(
    connection: &mut PgConnection,
    statement: &Statement,
    arguments: PgArguments,
    mut destination: Destination<'_>,
    buffer: &mut Vec<Cell<'static>>,
) -> Result<Outcome, Stop> {
    let plan = &statement.plan;
    let query = sqlx::query_with(AssertSqlSafe(Arc::clone(&plan.sql)), arguments)
        .persistent(plan.persistent);
    let mut results = connection.fetch_many(query);
    let mut kinds = Vec::new();
    let mut outcome = Outcome::default();
    while let Some(result) = results.try_next().await? {
        let row = match result {
            Either::Left(done) => {
                outcome.affected += done.rows_affected();
                continue;
            }
            Either::Right(row) => row,
        };
        if outcome.rows == 0 {
            kinds = decode::kinds(row.columns());
            destination.columns(&mut row.columns().iter().map(|column| column.name()))?;
        }
        outcome.rows += 1;
        let mut cells: Vec<Cell<'_>> = std::mem::take(buffer);
        decode::row(&row, &kinds, &mut cells)?;
        let flow = destination.row(&cells);
        *buffer = recycle(cells);
        drop(row);
        if flow?.is_break() || destination.ready().await == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(outcome)
}

#[async_trait]
impl Connection for PostgresConnection<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::POSTGRES
    }

    async fn run(&mut self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        self.execute(statement, Destination::Sink(sink)).await
    }

    async fn stream(
        &mut self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> Result<Outcome> {
        self.execute(statement, Destination::Sender(sender)).await
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        self.broken = true;
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = self.handle.execute(query).await;
        self.settle(done).map(drop)
    }

    async fn ping(&mut self) -> Result<()> {
        self.broken = true;
        let answer = self.handle.ping().await;
        self.settle(answer)
    }

    fn is_broken(&self) -> bool {
        self.broken
    }

    async fn clear_statements(&mut self) -> Result<()> {
        self.broken = true;
        let cleared = self.handle.clear_cached_statements().await;
        self.names.clear();
        self.settle(cleared)
    }

    async fn close(self: Box<Self>) {
        if !self.broken {
            self.handle.close().await;
        }
    }
}

impl fmt::Debug for PostgresConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection")
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// An argument that cannot be sent.
fn not_encoded(error: sqlx::error::BoxDynError) -> Error {
    super::server::driver_error(sqlx::Error::Encode(error))
}
