//! PostgreSQL, over sqlx's connection.
//!
//! A row's columns are decoded here from the wire's binary form: how, is decided once per execution by the columns'
//! types. Dropping a future of this connection in the middle of a statement marks it as broken, because its answer is
//! still on the way. A sink that ends a statement early does not: sqlx reads the rest away before the next statement.
mod array;
mod bind;
mod copy;
mod decode;
mod errors;
mod lent;
mod notify;
mod numeric;
mod open;
mod pooler;
mod session;

use std::{fmt, ops::ControlFlow, sync::Arc};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hashlink::LruCache;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Either, Executor as _, Row as _, SqlSafeStr as _,
    postgres::{PgArguments, PgConnection},
};

use super::{
    Connection, CopyRows, Outcome, RowSender, RowSink,
    cells::{gather, recycle},
    lent::Lent,
    options::{ConnectOptions, StatementMode},
    server::{Destination, Handle, Stop, affected},
};
use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, ErrorKind, Result},
    schema::Cell,
    statement::{Fingerprint, Plan, Statement},
    statement_cache::{Preparation, PreparedStatements, StatementCounters},
};

pub(crate) use lent::{UserConnection, UserTransaction};
pub(super) use notify::notifications;

/// Whether this driver is part of the build.
pub(super) const COMPILED: bool = true;

/// Opens a connection whose statements are counted by `counters`. If `look`, looks for a pooler in between that its
/// statement mode does not fit.
pub(super) async fn connect(
    options: &ConnectOptions,
    counters: &Arc<StatementCounters>,
    look: bool,
) -> Result<Box<dyn Connection>> {
    let mut connection = open::open(options).await?;
    if look && options.statement_mode.is_none() {
        pooler::look(options, &mut connection).await?;
    }
    let capacity = options.get_statement_cache_capacity();
    Ok(Box::new(PostgresConnection {
        statements: Some(PreparedStatements::new(capacity, Arc::clone(counters))),
        mode: options.get_statement_mode(),
        ..PostgresConnection::new(Handle::Owned(connection), capacity)
    }))
}

/// A connection on one of the user's own.
pub(crate) fn borrowed<'c>(connection: &'c mut PgConnection) -> Box<dyn Lent + 'c> {
    Box::new(PostgresConnection::new(Handle::Borrowed(connection), 1))
}

/// One connection to a PostgreSQL server.
struct PostgresConnection<'c> {
    handle: Handle<'c, PgConnection>,
    /// None for a lent connection: what it has prepared is not known.
    statements: Option<PreparedStatements>,
    mode: StatementMode,
    /// The texts whose types sqlx has learned on this connection without keeping the statement.
    learned: LruCache<Fingerprint, ()>,
    /// Whether the last text without arguments began a transaction and did not end it.
    begun: bool,
    cells: Vec<Cell<'static>>,
    broken: bool,
}

impl<'c> PostgresConnection<'c> {
    fn new(handle: Handle<'c, PgConnection>, learns: usize) -> Self {
        Self {
            handle,
            statements: None,
            mode: StatementMode::Persistent,
            learned: LruCache::new(learns),
            begun: false,
            cells: Vec::new(),
            broken: false,
        }
    }

    /// Runs a statement; once more if its preparation is out of date, and nothing has come of it yet.
    async fn execute(
        &mut self,
        statement: &Statement,
        mut destination: Destination<'_>,
    ) -> Result<Outcome> {
        let error = match self.attempt(statement, &mut destination).await {
            Err(error) if errors::is_outdated(&error) && !destination.is_used() => error,
            result => return result,
        };
        if self.clear_statements().await.is_err() {
            return Err(error);
        }
        match self.attempt(statement, &mut destination).await {
            // The first failure has ended a transaction.
            Err(again) if again.kind() == ErrorKind::TransactionAborted => {
                Err(errors::outdated(error))
            }
            result => result,
        }
    }

    async fn attempt(
        &mut self,
        statement: &Statement,
        destination: &mut Destination<'_>,
    ) -> Result<Outcome> {
        let arguments = bind::arguments(&statement.args)?;
        let plan = &statement.plan;
        let keeps = self.mode == StatementMode::Persistent;
        let statements = self.statements.as_mut();
        let preparation = statements.map(|statements| statements.look_up(plan, keeps));
        let named = self.is_named(plan);
        let kept = self.handle.cached_statements_size();
        self.broken = true;
        let fetched = fetch(
            &mut self.handle,
            statement,
            arguments,
            named,
            destination,
            &mut self.cells,
        )
        .await;
        if fetched.is_ok() && !self.keeps(plan) {
            self.learned.insert(plan.fingerprint(Dialect::Postgres), ());
        }
        let closed = match self.mode {
            StatementMode::Persistent => {
                if named && preparation != Some(Preparation::Kept) {
                    self.note_kept(&plan.sql, kept, &fetched).await;
                }
                Ok(())
            }
            // Nobody else's statement may meet a name of ours on this server.
            StatementMode::Pooler if self.handle.cached_statements_size() > 0 => {
                self.handle.clear_cached_statements().await
            }
            StatementMode::Pooler => Ok(()),
        };
        let outcome = self.settle(fetched)?;
        self.settle(closed)?;
        Ok(Outcome {
            prepared: preparation.and_then(Preparation::was_prepared),
            affected: affected(statement, outcome.affected),
            ..outcome
        })
    }

    /// Whether `plan` stays prepared on the connection.
    fn keeps(&self, plan: &Plan) -> bool {
        self.mode == StatementMode::Persistent && plan.persistent
    }

    /// Whether `plan` is prepared by name. An un-named statement is lost when sqlx asks for the types of its columns
    /// before it is bound; that fails inside a transaction, where nothing can be tried again. So there a text is
    /// un-named only after it has run once.
    fn is_named(&mut self, plan: &Plan) -> bool {
        let inside = self.begun || self.mode == StatementMode::Pooler || {
            let lent = matches!(self.handle, Handle::Borrowed(_));
            lent && self.handle.is_in_transaction()
        };
        self.keeps(plan)
            || (inside
                && self
                    .learned
                    .get(&plan.fingerprint(Dialect::Postgres))
                    .is_none())
    }

    /// Notes whether sqlx keeps the statement that was sent by name: a failing one too, if it failed after it was
    /// prepared.
    async fn note_kept(&mut self, sql: &Arc<str>, before: usize, fetched: &Result<Outcome, Stop>) {
        let Some(statements) = &mut self.statements else {
            return;
        };
        let kept = match fetched {
            Ok(_) | Err(Stop::Ours(_)) => true,
            Err(Stop::Driver(sqlx::Error::Database(_))) => {
                // A full list does not grow. Asking sqlx for what it keeps costs nothing.
                let text = || AssertSqlSafe(Arc::clone(sql)).into_sql_str();
                self.handle.cached_statements_size() > before
                    || (statements.is_full() && self.handle.prepare(text()).await.is_ok())
            }
            Err(Stop::Driver(_)) => false,
        };
        if kept {
            statements.keep(sql);
        }
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
    named: bool,
    destination: &mut Destination<'_>,
    buffer: &mut Vec<Cell<'static>>,
) -> Result<Outcome, Stop> {
    let sql = Arc::clone(&statement.plan.sql);
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(named);
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
    Ok(outcome)
}

#[async_trait]
impl Connection for PostgresConnection<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn capabilities(&self) -> Capabilities {
        match self.mode {
            StatementMode::Persistent => Capabilities::POSTGRES,
            StatementMode::Pooler => Capabilities::POSTGRES_POOLER,
        }
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

    async fn copy(&mut self, statement: &Statement, rows: &mut dyn CopyRows) -> Result<Outcome> {
        self.broken = true;
        let (copied, is_whole) = match copy::run(&mut self.handle, statement, rows).await {
            Ok(outcome) => (Ok(outcome), true),
            Err((stop, is_whole)) => (Err(stop), is_whole),
        };
        let result = self.settle(copied);
        self.broken |= !is_whole;
        result.map_err(
            |error| match copy::row_of(&error).and_then(|row| rows.number(row)) {
                Some(number) => error.with_hint(format!("it is the row number {number}")),
                None => error,
            },
        )
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        self.broken = true;
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = self.handle.execute(query).await;
        if let Some(begun) = open::begins(sql) {
            self.begun = begun;
        }
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
