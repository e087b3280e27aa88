//! MySQL and MariaDB, over sqlx's connection.
//!
//! How a row's columns are read is decided once per execution by the columns' types. MariaDB is told from MySQL by its
//! version when a connection is opened; a lent connection is taken for either, with what both can do. Dropping a future of this connection in the middle of a statement marks it as broken, because its answer is
//! still on the way. A sink that ends a statement early does not: sqlx reads the rest away before the next statement.
mod bind;
mod decode;
mod errors;
mod lent;
mod open;

use std::{fmt, ops::ControlFlow, sync::Arc};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Either, Executor as _, Row as _, SqlSafeStr as _,
    Statement as _,
    mysql::{MySqlArguments, MySqlConnection},
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
    statement::{Statement, StatementKind},
};

pub(crate) use lent::{UserConnection, UserTransaction};

/// Whether this driver is part of the build.
pub(super) const COMPILED: bool = true;

/// Opens a connection.
pub(super) async fn connect(options: &ConnectOptions) -> Result<Box<dyn Connection>> {
    let (connection, capabilities) = open::open(options).await?;
    let names = PreparedNames::with_capacity(options.get_statement_cache_capacity());
    Ok(Box::new(MysqlConnection::new(
        Handle::Owned(connection),
        names,
        capabilities,
    )))
}

/// A connection on one of the user's own.
pub(crate) fn borrowed<'c>(connection: &'c mut MySqlConnection) -> Box<dyn Lent + 'c> {
    Box::new(MysqlConnection::new(
        Handle::Borrowed(connection),
        PreparedNames::unknown(),
        Capabilities::MYSQL_OR_MARIADB,
    ))
}

/// One connection to a MySQL or MariaDB server.
struct MysqlConnection<'c> {
    handle: Handle<'c, MySqlConnection>,
    names: PreparedNames,
    cells: Vec<Cell<'static>>,
    capabilities: Capabilities,
    broken: bool,
}

impl<'c> MysqlConnection<'c> {
    fn new(
        handle: Handle<'c, MySqlConnection>,
        names: PreparedNames,
        capabilities: Capabilities,
    ) -> Self {
        Self {
            handle,
            names,
            cells: Vec::new(),
            capabilities,
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
    connection: &mut MySqlConnection,
    statement: &Statement,
    arguments: MySqlArguments,
    mut destination: Destination<'_>,
    buffer: &mut Vec<Cell<'static>>,
) -> Result<Outcome, Stop> {
    let plan = &statement.plan;
    if plan.persistent {
        // Without this, sqlx notices a wrong number of arguments too late, and the connection's next use would hang. It
        // is no round trip more: the statement is prepared here instead of below.
        let text = AssertSqlSafe(Arc::clone(&plan.sql)).into_sql_str();
        let prepared = connection.prepare(text).await?;
        let expected = prepared.parameters().and_then(Either::right);
        let expected = expected.unwrap_or_default();
        check_count(expected, statement.args.len())?;
    }
    let query = sqlx::query_with(AssertSqlSafe(Arc::clone(&plan.sql)), arguments)
        .persistent(plan.persistent);
    let mut results = connection.fetch_many(query);
    let mut kinds = Vec::new();
    let mut outcome = Outcome::default();
    while let Some(result) = results.try_next().await? {
        let row = match result {
            Either::Left(done) => {
                outcome.affected += done.rows_affected();
                let generated = i64::try_from(done.last_insert_id()).ok();
                outcome.last_insert_id = outcome.last_insert_id.or(generated.filter(|id| *id != 0));
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
    // The protocol does not count the rows that a RETURNING gives.
    let returning = matches!(plan.kind, StatementKind::Insert | StatementKind::Delete);
    if returning && outcome.affected == 0 {
        outcome.affected = outcome.rows;
    }
    Ok(outcome)
}

fn check_count(expected: usize, given: usize) -> Result<()> {
    if expected == given {
        return Ok(());
    }
    Err(Error::invalid_query(format!(
        "the statement has {expected} placeholders, but {given} arguments were given"
    )))
}

#[async_trait]
impl Connection for MysqlConnection<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
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
        // The other two databases take an empty script.
        if sql.trim().is_empty() {
            return Ok(());
        }
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

impl fmt::Debug for MysqlConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlConnection")
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// An argument that cannot be sent.
fn not_encoded(error: sqlx::error::BoxDynError) -> Error {
    super::server::driver_error(sqlx::Error::Encode(error))
}
