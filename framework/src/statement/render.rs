//! Queries to SQL text: a pure function of query, dialect and capabilities, through sea-query's builders.
//!
//! Two walks over a query agree by construction and by test: [`render`] builds the text, [`Shape`] lists the arguments
//! in the text's order and the tokens that identify the text. The second one is all that a query with a known shape
//! costs.
mod condition;
mod level;
mod list;
mod lock;
mod scope;
mod shape;
#[cfg(test)]
mod tests;
pub mod unified;
mod write;

pub(crate) use list::chunk_size;
pub use shape::{Shape, ShapeToken};

use std::sync::Arc;

use scope::Scopes;
use sea_query::{
    DeleteStatement, InsertStatement, MysqlQueryBuilder, PostgresQueryBuilder,
    QueryStatementWriter, SelectStatement, SqliteQueryBuilder, UpdateStatement,
};

use super::{
    Plan, Seek, StatementKind, Subject,
    query::{
        Assignments, Batch, BatchForm, BatchUpdate, Figure, Insert, Level, Part, Scalar, Target,
    },
};
use crate::{
    dialect::{Capabilities, Dialect},
    error::{Error, Result},
    schema::{TableDef, Value, ViewDef},
};

/// The database a query is rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backend {
    /// The dialect.
    pub dialect: Dialect,
    /// What the server can do.
    pub capabilities: Capabilities,
}

impl Backend {
    /// The usual backend of a dialect.
    pub const fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            capabilities: Capabilities::of(dialect),
        }
    }
}

/// Any query that can be rendered.
#[derive(Debug, Clone, Copy)]
pub enum Query<'q> {
    /// Rows of one level.
    Level(&'q Level),
    /// A figure per parent.
    Figure(&'q Figure),
    /// A whole graph in one statement.
    Unified(&'q [Part]),
    /// One figure.
    Scalar(&'q Scalar),
    /// Rows added.
    Insert(&'q Insert),
    /// Rows added, whose values come before the arguments listed here.
    Batch(&'q Batch),
    /// Rows changed, each by values of its own, which come after the arguments listed here.
    BatchUpdate(&'q BatchUpdate),
    /// Rows changed.
    Update(&'q Target, &'q Assignments),
    /// Rows removed.
    Delete(&'q Target),
}

/// The text and the arguments of `query`.
///
/// # Errors
/// [`Unsupported`](crate::ErrorKind::Unsupported) or [`InvalidQuery`](crate::ErrorKind::InvalidQuery) where the query
/// has no form on this backend.
pub fn render(query: Query<'_>, backend: Backend) -> Result<(Plan, Vec<Value>)> {
    refuse_view(query)?;
    let mut scopes = Scopes::new(backend);
    let (rendered, kind) = match query {
        Query::Level(level) => {
            let (mut sql, values) = text(&level::select(&mut scopes, level)?, backend);
            if let Some(lock) = level.lock {
                sql.push_str(&lock::clause(level, lock, backend)?);
            }
            ((sql, values), StatementKind::Select)
        }
        Query::Figure(figure) => (
            text(&level::figure(&mut scopes, figure)?, backend),
            StatementKind::Select,
        ),
        Query::Unified(parts) => (
            text(&unified::select(&mut scopes, parts)?, backend),
            StatementKind::Select,
        ),
        Query::Scalar(scalar) => (
            text(&level::scalar(&mut scopes, scalar)?, backend),
            StatementKind::Select,
        ),
        Query::Insert(insert) => {
            let (mut sql, values) = text(&write::insert(&mut scopes, insert)?, backend);
            if backend.dialect == Dialect::Mysql {
                sql.push_str(&write::mysql_returning(insert));
            }
            ((sql, values), StatementKind::Insert)
        }
        Query::Batch(batch) => match batch.form {
            BatchForm::Copy => (
                (write::copy(&mut scopes, batch)?, Vec::new()),
                StatementKind::Copy,
            ),
            BatchForm::Values(_) | BatchForm::Arrays => {
                let (statement, placeholders) = write::batch(&mut scopes, batch)?;
                let (sql, mut values) = text(&statement, backend);
                values.drain(..placeholders);
                ((sql, values), StatementKind::Insert)
            }
        },
        Query::BatchUpdate(update) => {
            let statement = write::batch_update(&mut scopes, update)?;
            let (sql, mut values) = text(&statement, backend);
            values.truncate(Shape::of(query, backend).args.len());
            ((sql, values), StatementKind::Update)
        }
        Query::Update(target, set) => (
            text(&write::update(&mut scopes, target, set)?, backend),
            StatementKind::Update,
        ),
        Query::Delete(target) => (
            text(&write::delete(&mut scopes, target)?, backend),
            StatementKind::Delete,
        ),
    };
    let (sql, values) = rendered;
    let tables = with_sources(scopes.into_tables());
    let tables = tables.into_iter().map(qualified).collect();
    let mut plan = Plan::new(sql, kind, tables).about(Subject::of(query));
    plan.seeks = Seek::of(query, backend.dialect);
    if let Query::Batch(batch) = query
        && batch.form == BatchForm::Copy
    {
        let of = |&column: &usize| batch.table.columns[column].sql_type;
        plan.columns = batch.columns.iter().map(of).collect();
    }
    Ok((plan, values))
}

/// The tables, and those that views among them read that are never old: a write there changes what is read here.
fn with_sources(mut tables: Vec<&'static TableDef>) -> Vec<&'static TableDef> {
    let views = tables.iter().filter(|table| table.is_current_view());
    let sources: Vec<_> = views.filter_map(|table| table.view).collect();
    for source in sources.into_iter().flat_map(ViewDef::sources) {
        if !tables.iter().any(|known| known.is(source)) {
            tables.push(source);
        }
    }
    tables
}

/// Nobody writes to a view. The types say so, but for an entity in between of a relation.
fn refuse_view(query: Query<'_>) -> Result<()> {
    let table = match query {
        Query::Level(_) | Query::Figure(_) | Query::Unified(_) | Query::Scalar(_) => return Ok(()),
        Query::Insert(insert) => insert.table,
        Query::Batch(batch) => batch.table,
        Query::BatchUpdate(update) => update.table,
        Query::Update(target, _) | Query::Delete(target) => target.table,
    };
    if table.view.is_none() {
        return Ok(());
    }
    let entity = table.entity;
    Err(
        Error::invalid_query(format!("`{entity}` is a view and cannot be written"))
            .with_hint("write the entities that the view reads"),
    )
}

/// The table's name as events and caches name it.
pub fn qualified(table: &'static TableDef) -> Arc<str> {
    match table.schema {
        Some(schema) => format!("{schema}.{}", table.name).into(),
        None => table.name.into(),
    }
}

/// sea-query's statements, which have no common trait for building into text with values.
trait Build {
    fn build<B: sea_query::QueryBuilder>(&self, builder: B) -> (String, sea_query::Values);
}

macro_rules! build {
    ($($statement:ty),*) => {
        $(impl Build for $statement {
            fn build<B: sea_query::QueryBuilder>(&self, builder: B) -> (String, sea_query::Values) {
                QueryStatementWriter::build(self, builder)
            }
        })*
    };
}

build!(
    SelectStatement,
    InsertStatement,
    UpdateStatement,
    DeleteStatement
);

fn text(statement: &impl Build, backend: Backend) -> (String, Vec<Value>) {
    let (sql, values) = match backend.dialect {
        Dialect::Sqlite => statement.build(SqliteQueryBuilder),
        Dialect::Postgres => statement.build(PostgresQueryBuilder),
        Dialect::Mysql => statement.build(MysqlQueryBuilder),
    };
    (sql, values.0)
}
