//! The tables as the database's catalog describes them.
//!
//! Each dialect has three queries with the same columns: columns, indexes, foreign keys. The first column says which of
//! the tables asked for the row is about.
mod mysql;
mod postgres;
mod sqlite;
mod usage;

use std::{ops::ControlFlow, panic::Location, sync::Arc};

use crate::{
    dialect::Dialect,
    error::Result,
    executor::Executor,
    schema::{Cell, Row, TableDef, Value},
    statement::{Plan, Statement, StatementKind, render::qualified},
};

pub(super) use usage::{Usage, usage};

/// SQLite and MySQL do not look at the case of columns' names.
pub(super) fn same_name(dialect: Dialect, ours: &str, theirs: &str) -> bool {
    match dialect {
        Dialect::Postgres => ours == theirs,
        Dialect::Sqlite | Dialect::Mysql => ours.eq_ignore_ascii_case(theirs),
    }
}

/// A table or view that is there.
#[derive(Debug, Default)]
pub(super) struct LiveTable {
    /// Whether it is a view, which has columns only, or a materialized one of PostgreSQL's.
    pub(super) is_view: bool,
    pub(super) is_materialized: bool,
    pub(super) columns: Vec<LiveColumn>,
    pub(super) primary_key: Vec<String>,
    pub(super) indexes: Vec<LiveIndex>,
    pub(super) foreign_keys: Vec<LiveForeignKey>,
}

#[derive(Debug)]
pub(super) struct LiveColumn {
    pub(super) name: String,
    /// In the catalog's spelling.
    pub(super) type_name: String,
    pub(super) nullable: bool,
    /// Whether the database fills the column: by a default, by counting, or by computing it.
    pub(super) has_default: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveIndex {
    /// Empty for SQLite's primary keys, which need not be indexes.
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) primary: bool,
    /// Whether a constraint would be lost with it.
    pub(super) constraint: bool,
    /// Whether it is over some rows only.
    pub(super) partial: bool,
    /// Whether it is a B-tree.
    pub(super) ordered: bool,
    /// Whether it is complete: PostgreSQL leaves one behind that is not where CONCURRENTLY failed.
    pub(super) valid: bool,
    /// What it is ordered by.
    pub(super) parts: Vec<LivePart>,
    /// Columns whose values it only holds.
    pub(super) included: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LivePart {
    /// `None` for an expression.
    pub(super) column: Option<String>,
    /// Whether it has whole values, and not their first characters only.
    pub(super) whole: bool,
    pub(super) descending: bool,
    /// Whether it is just as CREATE INDEX makes it of the column's name.
    pub(super) usual: bool,
    /// Whatever else tells it from other parts over the same column: its collation, its operators, its length.
    pub(super) flavour: String,
}

impl LiveIndex {
    /// The columns, if it is over all rows and whole columns: others keep no promise of an entity's. A unique index over the
    /// first characters of a column says nothing of the column.
    pub(super) fn promised(&self) -> Option<Vec<&str>> {
        let column = |part: &LivePart| part.whole || !self.unique;
        if self.partial || !self.valid || !self.parts.iter().all(column) {
            return None;
        }
        self.parts
            .iter()
            .map(|part| part.column.as_deref())
            .collect()
    }
}

#[derive(Debug)]
pub(super) struct LiveForeignKey {
    /// Its name; on SQLite, which keeps none, a number.
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) target_schema: Option<String>,
    pub(super) target: String,
    /// The columns pointed at; `None` where the primary key is meant.
    pub(super) references: Vec<Option<String>>,
    /// In SQL's words: `NO ACTION`.
    pub(super) on_delete: String,
}

/// The tables asked for, in order; `None` for one that is not there.
pub(super) async fn tables(
    executor: &dyn Executor,
    wanted: &[&'static TableDef],
    call_site: &'static Location<'static>,
) -> Result<Vec<Option<LiveTable>>> {
    let dialect = executor.dialect();
    let mut tables: Vec<Option<LiveTable>> = wanted.iter().map(|_| None).collect();
    let columns = ask(
        executor,
        CatalogQuery::columns(wanted, dialect),
        call_site,
        ColumnRow::read,
    );
    for row in columns.await? {
        let table = tables[row.at].get_or_insert_default();
        table.is_view = row.is_view;
        table.is_materialized = row.is_materialized;
        table.columns.push(row.column);
    }
    let indexes = ask(
        executor,
        CatalogQuery::indexes(wanted, dialect),
        call_site,
        IndexRow::read,
    );
    let indexes = indexes.await?;
    for parts in indexes.chunk_by(|one, next| (one.at, &one.name) == (next.at, &next.name)) {
        if let Some(table) = &mut tables[parts[0].at] {
            table.add_index(IndexRow::together(parts));
        }
    }
    let keys = foreign_keys(executor, wanted, call_site).await?;
    for (table, keys) in tables.iter_mut().zip(keys) {
        if let Some(table) = table {
            table.foreign_keys = keys;
        }
    }
    Ok(tables)
}

/// The foreign keys of the tables asked for, in order; none for a table that is not there.
pub(super) async fn foreign_keys(
    executor: &dyn Executor,
    wanted: &[&'static TableDef],
    call_site: &'static Location<'static>,
) -> Result<Vec<Vec<LiveForeignKey>>> {
    let query = CatalogQuery::foreign_keys(wanted, executor.dialect());
    let rows = ask(executor, query, call_site, KeyRow::read).await?;
    let mut keys: Vec<Vec<LiveForeignKey>> = wanted.iter().map(|_| Vec::new()).collect();
    for parts in rows.chunk_by(|one, next| (one.at, &one.name) == (next.at, &next.name)) {
        keys[parts[0].at].push(KeyRow::together(parts));
    }
    Ok(keys)
}

impl LiveTable {
    fn add_index(&mut self, index: LiveIndex) {
        if let (true, Some(columns)) = (index.primary, index.promised()) {
            self.primary_key = columns.into_iter().map(str::to_owned).collect();
        }
        self.indexes.push(index);
    }
}

/// A question to the catalog.
#[derive(Debug)]
struct CatalogQuery {
    sql: String,
    args: Vec<Value>,
    tables: Vec<Arc<str>>,
}

impl CatalogQuery {
    /// Which table, whether it is a view, whether a materialized one, name, type, whether it may be NULL, whether it has a
    /// default.
    fn columns(wanted: &[&'static TableDef], dialect: Dialect) -> Self {
        Self::of(
            wanted,
            match dialect {
                Dialect::Sqlite => sqlite::columns,
                Dialect::Postgres => postgres::columns,
                Dialect::Mysql => mysql::columns,
            },
        )
    }

    /// Which table, name, whether it is unique, the primary key, a constraint, partial, a B-tree, complete; a column (NULL: an
    /// expression), whether it is whole, usual, descending, its flavour, and whether it is only included.
    fn indexes(wanted: &[&'static TableDef], dialect: Dialect) -> Self {
        Self::of(
            wanted,
            match dialect {
                Dialect::Sqlite => sqlite::indexes,
                Dialect::Postgres => postgres::indexes,
                Dialect::Mysql => mysql::indexes,
            },
        )
    }

    /// Which table, name, a column, the target's schema and name, the column it points at, what a delete does.
    fn foreign_keys(wanted: &[&'static TableDef], dialect: Dialect) -> Self {
        Self::of(
            wanted,
            match dialect {
                Dialect::Sqlite => sqlite::foreign_keys,
                Dialect::Postgres => postgres::foreign_keys,
                Dialect::Mysql => mysql::foreign_keys,
            },
        )
    }

    fn of(
        wanted: &[&'static TableDef],
        query: fn(&[&'static TableDef]) -> (String, Vec<Value>),
    ) -> Self {
        let (sql, args) = query(wanted);
        let tables = wanted.iter().map(|table| qualified(table)).collect();
        Self { sql, args, tables }
    }
}

type ReadRow<T> = fn(&mut Row<'_, '_>) -> Result<T>;

async fn ask<T: Send>(
    executor: &dyn Executor,
    query: CatalogQuery,
    call_site: &'static Location<'static>,
    read: ReadRow<T>,
) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    // There is no catalog query of no tables.
    if query.tables.is_empty() {
        return Ok(rows);
    }
    let plan = Plan::new(query.sql, StatementKind::Schema, query.tables).one_off();
    let statement = Statement::new(Arc::new(plan), query.args, call_site);
    let mut sink = |cells: &[Cell<'_>]| {
        rows.push(read(&mut Row::new(cells))?);
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&statement, &mut sink).await?;
    Ok(rows)
}

/// The position of the table that a row is about.
fn position(row: &mut Row<'_, '_>) -> Result<usize> {
    // It comes back as it was sent.
    Ok(usize::try_from(row.read::<i64>()?).unwrap_or_default())
}

struct ColumnRow {
    at: usize,
    is_view: bool,
    is_materialized: bool,
    column: LiveColumn,
}

impl ColumnRow {
    fn read(row: &mut Row<'_, '_>) -> Result<Self> {
        Ok(Self {
            at: position(row)?,
            is_view: row.read()?,
            is_materialized: row.read()?,
            column: LiveColumn {
                name: row.read()?,
                type_name: row.read()?,
                nullable: row.read()?,
                has_default: row.read()?,
            },
        })
    }
}

struct IndexRow {
    at: usize,
    name: String,
    /// Of this part alone.
    index: LiveIndex,
}

impl IndexRow {
    fn read(row: &mut Row<'_, '_>) -> Result<Self> {
        let (at, name): (_, String) = (position(row)?, row.read()?);
        let mut index = LiveIndex {
            name: name.clone(),
            unique: row.read()?,
            primary: row.read()?,
            constraint: row.read()?,
            partial: row.read()?,
            ordered: row.read()?,
            valid: row.read()?,
            parts: Vec::new(),
            included: Vec::new(),
        };
        let part = LivePart {
            column: row.read()?,
            whole: row.read()?,
            usual: row.read()?,
            descending: row.read()?,
            flavour: row.read()?,
        };
        match (row.read()?, part.column) {
            (true, column) => index.included.extend(column),
            (false, column) => index.parts.push(LivePart { column, ..part }),
        }
        Ok(Self { at, name, index })
    }

    fn together(parts: &[Self]) -> LiveIndex {
        let all = || parts.iter().map(|row| &row.index);
        LiveIndex {
            parts: all().flat_map(|one| one.parts.clone()).collect(),
            included: all().flat_map(|one| one.included.clone()).collect(),
            ..parts[0].index.clone()
        }
    }
}

struct KeyRow {
    at: usize,
    name: String,
    column: String,
    target_schema: Option<String>,
    target: String,
    references: Option<String>,
    on_delete: String,
}

impl KeyRow {
    fn read(row: &mut Row<'_, '_>) -> Result<Self> {
        Ok(Self {
            at: position(row)?,
            name: row.read()?,
            column: row.read()?,
            target_schema: row.read()?,
            target: row.read()?,
            references: row.read()?,
            on_delete: row.read()?,
        })
    }

    fn together(parts: &[Self]) -> LiveForeignKey {
        LiveForeignKey {
            name: parts[0].name.clone(),
            columns: parts.iter().map(|part| part.column.clone()).collect(),
            target_schema: parts[0].target_schema.clone(),
            target: parts[0].target.clone(),
            references: parts.iter().map(|part| part.references.clone()).collect(),
            on_delete: parts[0].on_delete.clone(),
        }
    }
}
