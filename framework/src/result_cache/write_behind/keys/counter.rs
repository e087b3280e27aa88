//! The database's own counter of a table's keys: whether it can be moved by a block, and moving it.
//!
//! The counter that plain inserts take their keys from is the only place where a number can be taken out of everybody's
//! reach: a counter beside it would meet it one day. How it is moved is each database's own; the three files have the
//! same items.
mod mysql;
mod postgres;
mod sqlite;

use std::{ops::ControlFlow, panic::Location};

use super::stock::Numbers;
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::{Error, Result},
    executor::Executor,
    schema::{Cell, ColumnDef, ColumnValue, Row, TableDef, Value},
    statement::{Plan, Statement, StatementKind, ddl},
};

/// The counter of one table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter {
    pub(super) table: &'static TableDef,
    /// The column that it counts, by position.
    pub(super) column: usize,
    pub(super) call_site: &'static Location<'static>,
}

impl Counter {
    /// Whether a block taken from the counter is out of everybody's reach.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) with the way out if it is not; the database's.
    pub(super) async fn check(&self, executor: &dyn Executor) -> Result<()> {
        match executor.dialect() {
            Dialect::Sqlite => sqlite::check(self, executor).await,
            Dialect::Postgres => postgres::check(self, executor).await,
            Dialect::Mysql => mysql::check(self, executor).await,
        }
    }

    /// Takes `count` numbers off the counter. Nobody else is given them, whatever becomes of the caller.
    ///
    /// # Errors
    /// The database's.
    ///
    /// # Cancellation
    /// Not safe on MariaDB, where a table is locked in between: to be run to its end.
    pub(super) async fn reserve(&self, executor: &dyn Executor, count: u32) -> Result<Numbers> {
        let numbers = match executor.dialect() {
            Dialect::Sqlite => sqlite::reserve(self, executor, count).await?,
            Dialect::Postgres => postgres::reserve(self, executor, count).await?,
            Dialect::Mysql => mysql::reserve(self, executor, count).await?,
        };
        match numbers.count() == u64::from(count) {
            true => Ok(numbers),
            false => Err(self.astray()),
        }
    }

    fn column(&self) -> &'static ColumnDef {
        &self.table.columns[self.column]
    }

    /// The table's name in statements.
    fn name(&self, executor: &dyn Executor) -> String {
        ddl::table_name(self.table, executor.dialect())
    }

    /// The counter's own name: to move it changes no row of the table.
    fn label(&self) -> String {
        format!("{}.{}", self.table.name, self.column().name)
    }

    fn statement(&self, sql: String, kind: StatementKind, args: Vec<Value>) -> Statement {
        let tables = match kind {
            StatementKind::Transaction | StatementKind::Schema => Vec::new(),
            _ => vec![self.label().into()],
        };
        Statement::new(Plan::new(sql, kind, tables).into(), args, self.call_site)
    }

    /// Runs a statement without rows.
    async fn run(&self, executor: &dyn Executor, sql: String, kind: StatementKind) -> Result<()> {
        let statement = self.statement(sql, kind, Vec::new());
        executor.run(&statement, &mut NoRows).await.map(drop)
    }

    /// The first columns of all rows that a statement returns.
    async fn ask<T: ColumnValue + Send>(
        &self,
        executor: &dyn Executor,
        sql: String,
        kind: StatementKind,
        args: Vec<Value>,
    ) -> Result<Vec<T>> {
        let mut answers = Vec::new();
        let mut sink = |cells: &[Cell<'_>]| {
            answers.push(Row::new(cells).read()?);
            Ok(ControlFlow::Continue(()))
        };
        let statement = self.statement(sql, kind, args);
        executor.run(&statement, &mut sink).await?;
        Ok(answers)
    }

    /// Why the table cannot be written through a queue, and what can be done about it.
    #[cold]
    fn refused(&self, why: &str, way_out: String) -> Error {
        let (entity, field) = (self.table.entity, self.column().field);
        Error::configuration(format!(
            "keys of `{entity}` cannot be reserved: {why}"
        ))
        .with_hint(format!(
            "{way_out}; or let the client make the key: `#[entity(primary_key, generated)] {field}: Uuid`"
        ))
        .with_table(self.table.name)
    }

    /// The counter did what it should not.
    #[cold]
    fn astray(&self) -> Error {
        let counter = self.label();
        Error::decode(format!("the counter of `{counter}` did not move as it was told to"))
            .with_hint("is there a table of another kind under this name, or does somebody set the counter back?")
            .with_table(self.table.name)
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::String(Some(text.into()))
}
