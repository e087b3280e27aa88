//! MySQL and MariaDB, over sqlx's connection.
//!
//! How a row's columns are read is decided once per execution by the columns' types. MariaDB is told from MySQL by its
//! version when a connection is opened; a lent connection is taken for either, with what both can do. Dropping a future
//! of this connection in the middle of a statement marks it as broken, because its answer is still on the way. A sink that ends a statement early does not: sqlx reads the rest away before the next statement.
mod bind;
mod decode;
mod errors;
mod lent;
mod open;
mod packet;
mod session;

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
    cells::{gather, recycle},
    lent::Lent,
    options::ConnectOptions,
    server::{Destination, Handle, Stop, affected},
};
use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, Result},
    schema::Cell,
    statement::{Statement, StatementKind},
    statement_cache::{Preparation, PreparedStatements, StatementCounters},
};

use packet::PacketLimit;

pub(crate) use lent::{UserConnection, UserTransaction};

/// Whether this driver is part of the build.
pub(super) const COMPILED: bool = true;

/// Opens a connection whose statements are counted by `counters`.
pub(super) async fn connect(
    options: &ConnectOptions,
    counters: &Arc<StatementCounters>,
    _: bool,
) -> Result<Box<dyn Connection>> {
    let opened = open::open(options).await?;
    let capacity = options.get_statement_cache_capacity();
    Ok(Box::new(MysqlConnection {
        packet: opened.packet,
        statements: Some(PreparedStatements::new(capacity, Arc::clone(counters))),
        ..MysqlConnection::new(Handle::Owned(opened.connection), opened.capabilities)
    }))
}

/// A connection on one of the user's own.
pub(crate) fn borrowed<'c>(connection: &'c mut MySqlConnection) -> Box<dyn Lent + 'c> {
    Box::new(MysqlConnection::new(
        Handle::Borrowed(connection),
        Capabilities::MYSQL_OR_MARIADB,
    ))
}

/// One connection to a MySQL or MariaDB server.
struct MysqlConnection<'c> {
    handle: Handle<'c, MySqlConnection>,
    /// None for a lent connection: what it has prepared is not known.
    statements: Option<PreparedStatements>,
    cells: Vec<Cell<'static>>,
    capabilities: Capabilities,
    packet: PacketLimit,
    broken: bool,
}

impl<'c> MysqlConnection<'c> {
    fn new(handle: Handle<'c, MySqlConnection>, capabilities: Capabilities) -> Self {
        Self {
            handle,
            statements: None,
            cells: Vec::new(),
            capabilities,
            packet: PacketLimit::default(),
            broken: false,
        }
    }

    /// Runs a statement; once more if its preparation is out of date. The server has done nothing then, and goes on with
    /// the transaction.
    async fn execute(
        &mut self,
        statement: &Statement,
        mut destination: Destination<'_>,
    ) -> Result<Outcome> {
        match self.attempt(statement, &mut destination).await {
            Err(error) if errors::is_outdated(&error) && !destination.is_used() => {
                self.clear_statements().await?;
                self.attempt(statement, &mut destination).await
            }
            result => result,
        }
    }

    async fn attempt(
        &mut self,
        statement: &Statement,
        destination: &mut Destination<'_>,
    ) -> Result<Outcome> {
        self.packet.check(statement)?;
        let arguments = bind::arguments(&statement.args)?;
        let plan = &statement.plan;
        let statements = self.statements.as_mut();
        let preparation = statements.map(|statements| statements.look_up(plan, true));
        self.broken = true;
        let prepared = match plan.persistent {
            true => prepare(&mut self.handle, statement).await,
            false => Ok(()),
        };
        if preparation == Some(Preparation::New)
            && !matches!(prepared, Err(Stop::Driver(_)))
            && let Some(statements) = &mut self.statements
        {
            statements.keep(&plan.sql);
        }
        let fetched = match prepared {
            Ok(()) => {
                let cells = &mut self.cells;
                fetch(&mut self.handle, statement, arguments, destination, cells).await
            }
            Err(stop) => Err(stop),
        };
        let outcome = self.settle(fetched)?;
        Ok(Outcome {
            prepared: preparation.and_then(Preparation::was_prepared),
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

/// Prepares a statement that is kept, and checks the number of its arguments.
///
/// Without this, sqlx notices a wrong number too late, and the connection's next use would hang. It is no round trip
/// more: the statement is prepared here instead of in [`fetch`].
async fn prepare(connection: &mut MySqlConnection, statement: &Statement) -> Result<(), Stop> {
    let text = AssertSqlSafe(Arc::clone(&statement.plan.sql)).into_sql_str();
    let prepared = connection.prepare(text).await?;
    let expected = prepared.parameters().and_then(Either::right);
    let (expected, given) = (expected.unwrap_or_default(), statement.args.len());
    if expected == given {
        return Ok(());
    }
    Err(Stop::Ours(Error::invalid_query(format!(
        "the statement has {expected} placeholders, but {given} arguments were given"
    ))))
}

async fn fetch(
    connection: &mut MySqlConnection,
    statement: &Statement,
    arguments: MySqlArguments,
    destination: &mut Destination<'_>,
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
        let read = |column| decode::cell(&row, &kinds, column);
        gather(kinds.len(), &mut cells, read, |first| {
            destination.pick(first)
        })?;
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

#[async_trait]
impl Connection for MysqlConnection<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn run(&mut self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        self.execute(statement, Destination::sink(sink)).await
    }

    async fn stream(
        &mut self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> Result<Outcome> {
        self.execute(statement, Destination::sender(sender)).await
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        // The other two databases take an empty script.
        if sql.trim().is_empty() {
            return Ok(());
        }
        self.packet.check_text(sql)?;
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
        if let Some(statements) = &mut self.statements {
            statements.clear();
        }
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
