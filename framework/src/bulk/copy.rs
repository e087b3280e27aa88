//! Rows by PostgreSQL's `COPY`.
//!
//! The server takes binary data as it comes: eight bytes of an integer for a floating-point column would be read as
//! another number, without an error. So the types of the table's columns are asked for before, and again before COMMIT,
//! when the lock that `COPY` took keeps them as they are. What is no plain table of exactly the entity's types, or has
//! rules or row security, which `COPY` passes by or refuses, gets its rows by `INSERT`. So does a transaction above READ
//! COMMITTED, in which the catalog is asked as it was when the transaction began, and `COPY` goes by what it is now.
use std::{ops::ControlFlow, panic::Location, sync::Arc};

use async_trait::async_trait;

use super::feed::Feed;
use crate::{
    dialect::Dialect,
    driver::CopyRows,
    error::{Error, ErrorKind, Result},
    executor::Executor,
    schema::{Cell, SqlType, TableDef, Value},
    statement::{Plan, Statement, StatementKind, ddl, nul},
};

/// From so many rows on, or where a window is full of fewer, rows are copied: four round trips more than one `INSERT` takes.
/// Chosen from figures a row of either, not measured as a limit.
pub(super) const COPY_FROM: u64 = 1_000;

const LAYOUT: &str = "\
SELECT a.attname::text, CASE WHEN a.attidentity = 'a' THEN 0 ELSE a.atttypid::bigint END, \
c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT row_security_active(c.oid) \
AND current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') \
FROM pg_catalog.pg_class AS c \
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid \
WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
ORDER BY a.attnum";

/// What the server says of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Name and type's number of each column; 0 for one whose values are the server's alone, which `COPY` would overwrite.
    columns: Vec<(String, i64)>,
    is_plain: bool,
}

impl Layout {
    /// Asks the server.
    pub(super) async fn of(
        executor: &dyn Executor,
        table: &'static TableDef,
        call_site: &'static Location<'static>,
    ) -> Result<Self> {
        let plan = Arc::new(Plan::new(LAYOUT, StatementKind::Schema, Vec::new()));
        let name = ddl::name::table(table, Dialect::Postgres);
        let statement = Statement::new(plan, vec![Value::String(Some(name))], call_site);
        let mut layout = Self {
            columns: Vec::new(),
            is_plain: true,
        };
        let mut sink = |cells: &[Cell<'_>]| {
            let [Cell::Text(name), Cell::Int(number), Cell::Bool(is_plain)] = cells else {
                return Err(Error::decode(
                    "the server described a table in an unknown form",
                ));
            };
            layout.columns.push(((*name).to_owned(), *number));
            layout.is_plain &= is_plain;
            Ok(ControlFlow::Continue(()))
        };
        executor.run(&statement, &mut sink).await?;
        Ok(layout)
    }

    /// Whether these columns of the table can be copied as they are.
    pub(super) fn takes(&self, table: &TableDef, columns: &[usize]) -> bool {
        let is_exact = |&column: &usize| {
            let column = &table.columns[column];
            let known = self.columns.iter().find(|(name, _)| name == column.name);
            known.is_some_and(|(_, number)| numbers(column.sql_type).contains(number))
        };
        self.is_plain && !columns.is_empty() && columns.iter().all(is_exact)
    }

    /// The error where the table is another now than it was when rows were written for it.
    pub(super) fn check(&self, now: &Self, table: &TableDef) -> Result<()> {
        if self == now {
            return Ok(());
        }
        let message = format!(
            "`{}` was altered while rows were copied into it",
            table.name
        );
        Err(Error::new(ErrorKind::StatementOutdated, message)
            .with_table(table.name)
            .with_hint("run it again: nothing was written"))
    }
}

/// The types that take a value of this type in the same binary form, by the numbers of `pg_type.dat`, which never change.
fn numbers(sql_type: SqlType) -> &'static [i64] {
    match sql_type {
        SqlType::Bool => &[16],
        SqlType::SmallInt => &[21],
        SqlType::Int => &[23],
        SqlType::BigInt => &[20],
        SqlType::Float => &[700],
        SqlType::Double => &[701],
        SqlType::Decimal => &[1700],
        // text, varchar, char(n)
        SqlType::Text | SqlType::Enum(_) => &[25, 1043, 1042],
        SqlType::Bytes => &[17],
        SqlType::Date => &[1082],
        SqlType::Time => &[1083],
        SqlType::DateTime => &[1114],
        SqlType::Timestamp => &[1184],
        SqlType::Uuid => &[2950],
        SqlType::Json => &[3802],
        SqlType::Array(element) => match element {
            SqlType::Bool => &[1000],
            SqlType::SmallInt => &[1005],
            SqlType::Int => &[1007],
            SqlType::BigInt => &[1016],
            SqlType::Float => &[1021],
            SqlType::Double => &[1022],
            SqlType::Text => &[1009],
            SqlType::Uuid => &[2951],
            _ => &[],
        },
    }
}

/// The rows of one `COPY`: those that write these columns, as long as there are any in each window.
pub(super) struct Copied<'f, 'r> {
    pub(super) table: &'static TableDef,
    pub(super) feed: &'f mut Feed<'r>,
    pub(super) columns: Vec<usize>,
    /// How many more it takes.
    pub(super) left: u64,
    /// How many rows were sent before.
    pub(super) before: u64,
}

#[async_trait]
impl CopyRows for Copied<'_, '_> {
    async fn next(&mut self, values: &mut Vec<Value>) -> Result<bool> {
        if self.left == 0 || !self.feed.fill().await? {
            return Ok(false);
        }
        let Some(group) = self.feed.of(&self.columns) else {
            return Ok(false);
        };
        self.left -= self.feed.take(group, self.left, values);
        nul::refuse_rows(self.table, &self.columns, values, Dialect::Postgres)?;
        Ok(true)
    }

    fn number(&self, row: u64) -> Option<u64> {
        self.feed.keeps_order().then_some(self.before + row)
    }
}
