//! Maintained views: the triggers that mend the rows of a view with every write to a source, in three dialects.
//!
//! After a row of a source was written, the rows of the view in which it showed and shows are taken from the query
//! anew. Two writers of one row of the view would each miss what the other has not committed, so each takes the row's
//! *bucket* first, one of a fixed number, and holds it until its transaction ends. Who finds the rows by a query does
//! not know which rows others are about to lead to it, and takes all buckets. The buckets are rows of a table; on SQLite,
//! where one writes at a time, there is none.
//!
//! PostgreSQL mends once for each statement, by its transition tables; the others, which have none, once for each row.
mod mysql;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use super::{name, view};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    schema::{Cardinality, OnDelete, RowKeys, SqlType, TableDef, Upkeep, ViewDef},
};

/// In how many buckets the keys of a view are.
const BUCKETS: u32 = 64;

/// The table of buckets.
const LOCKS: &str = "entourage_view_locks";

/// A trigger of a maintained view.
#[derive(Debug)]
pub(crate) struct Trigger {
    /// Its name, which no other one has in its schema.
    pub(crate) name: String,
    /// The source that it is on.
    pub(crate) source: &'static TableDef,
    /// The statements that make it.
    pub(crate) create: Vec<String>,
    /// The statement that drops it, if it is there.
    pub(crate) drop: String,
}

/// When a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Insert,
    Update,
    Delete,
}

impl Moment {
    const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    fn sql(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    /// By which names the row of before and that of after are known.
    fn rows(self) -> &'static [&'static str] {
        match self {
            Self::Insert => &["NEW"],
            Self::Update => &["OLD", "NEW"],
            Self::Delete => &["OLD"],
        }
    }
}

/// What the writers of triggers have in common.
struct Kept {
    table: &'static TableDef,
    dialect: Dialect,
    /// The view's columns, as the query gives them.
    select: String,
    /// Which columns of the key, by their place in it, choose the bucket.
    hashed: Vec<usize>,
}

/// The triggers of the view; none if it is not maintained.
///
/// # Errors
/// [`Unsupported`](crate::ErrorKind::Unsupported) if the view has no query for the dialect, or the database would not tell
/// of what happens to a source. [`Configuration`](crate::ErrorKind::Configuration) if a source is no table, or elsewhere.
pub(crate) fn triggers(
    table: &'static TableDef,
    view: &ViewDef,
    dialect: Dialect,
) -> Result<Vec<Trigger>> {
    let (kept, upkeep) = kept(table, view, dialect)?;
    let of_source = |source| match dialect {
        Dialect::Sqlite => sqlite::triggers(&kept, source),
        Dialect::Postgres => postgres::triggers(&kept, source),
        Dialect::Mysql => mysql::triggers(&kept, source),
    };
    Ok(upkeep.iter().flat_map(of_source).collect())
}

/// Queries that give nothing, and fail where what leads from a source to the view is no query, or of other types.
///
/// # Errors
/// As [`triggers`].
pub(crate) fn trials(
    table: &'static TableDef,
    view: &ViewDef,
    dialect: Dialect,
) -> Result<Vec<String>> {
    let (kept, upkeep) = kept(table, view, dialect)?;
    let trial = |source: &Upkeep| {
        let (named, of) = (kept.named(), name::table(source.table, dialect));
        let matches = kept.matches(source, "kept", "written");
        format!("SELECT 1 FROM {of} AS written JOIN {named} AS kept ON {matches} WHERE 1 = 0")
    };
    Ok(upkeep.iter().map(trial).collect())
}

fn kept(table: &'static TableDef, view: &ViewDef, dialect: Dialect) -> Result<(Kept, Vec<Upkeep>)> {
    let upkeep = view.upkeep();
    let kept = Kept {
        table,
        dialect,
        select: view::select(table, view, dialect)?,
        hashed: hashed(table, &upkeep),
    };
    for (at, source) in upkeep.iter().enumerate() {
        kept.is_possible(source, &upkeep[..at], &upkeep)?;
    }
    Ok((kept, upkeep))
}

/// The columns of the key whose equal values have equal texts in the view and in all its sources. Texts have collations,
/// numbers with fractions and times have several forms.
fn hashed(table: &TableDef, upkeep: &[Upkeep]) -> Vec<usize> {
    let family = |table: &TableDef, column: usize| match table.columns.get(column)?.sql_type {
        SqlType::SmallInt | SqlType::Int | SqlType::BigInt => Some(1),
        SqlType::Uuid => Some(2),
        _ => None,
    };
    let is_hashed = |&at: &usize| {
        let Some(wanted) = family(table, table.primary_key[at]) else {
            return false;
        };
        upkeep.iter().all(|source| match &source.keys {
            RowKeys::Columns(columns) => columns
                .get(at)
                .is_some_and(|&column| family(source.table, column) == Some(wanted)),
            // It takes all buckets.
            RowKeys::Query(_) => true,
        })
    };
    (0..table.primary_key.len()).filter(is_hashed).collect()
}

/// The statements that make what the triggers need, before them.
pub(crate) fn prepare(table: &TableDef, dialect: Dialect) -> Vec<String> {
    match dialect {
        Dialect::Sqlite => Vec::new(),
        Dialect::Postgres => vec![postgres::buckets(table)],
        Dialect::Mysql => mysql::buckets(table),
    }
}

/// The statement that locks all rows of the view against those who mend them, if there is need of one.
pub(crate) fn lock_all(table: &TableDef, dialect: Dialect) -> Option<String> {
    match dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(postgres::lock_all(table)),
        Dialect::Mysql => Some(mysql::lock_all(table)),
    }
}

impl Kept {
    fn is_possible(&self, source: &Upkeep, earlier: &[Upkeep], all: &[Upkeep]) -> Result<()> {
        let (view, table) = (self.table.entity, source.table);
        let entity = table.entity;
        let is_same =
            |other: &Upkeep| (other.table.schema, other.table.name) == (table.schema, table.name);
        if earlier.iter().any(is_same) {
            return Err(Error::configuration(format!(
                "`{view}` names the table `{}` twice among those that maintain it",
                table.name
            ))
            .with_hint(
                "name one entity of the table, with a query of all the keys that its rows lead to",
            ));
        }
        if table.view.is_some() && !table.is_maintained_view() {
            return Err(Error::configuration(format!(
                "`{view}` cannot be maintained by `{entity}`, which is a view itself: nothing is written to it"
            ))
            .with_hint("name the entities that it reads, and how their rows lead to the view's"));
        }
        match &source.keys {
            RowKeys::Columns(columns) if columns.len() != self.table.primary_key.len() => {
                let (given, wanted) = (columns.len(), self.table.primary_key.len());
                return Err(Error::configuration(format!(
                    "`{view}` has a key of {wanted} columns, and {given} of `{entity}` lead to it"
                ))
                .with_hint("name one column for each of the key, in its order: `maintained(Post = (tenant_id, id))`"));
            }
            RowKeys::Query(query) if !query.contains("{row}") => {
                return Err(Error::configuration(format!(
                    "the query that leads from `{entity}` to `{view}` does not speak of the row that was written"
                ))
                .with_hint("call it `{row}`: `SELECT id FROM posts WHERE author_id = {row}.id`"));
            }
            RowKeys::Columns(_) | RowKeys::Query(_) => {}
        }
        if self.dialect != Dialect::Postgres && table.schema != self.table.schema {
            return Err(Error::configuration(format!(
                "`{view}` cannot be maintained by `{entity}`, which is in another schema: a trigger reaches no other one here"
            ))
            .with_hint("name the same schema for both, or make the view materialized"));
        }
        match self.dialect {
            Dialect::Sqlite | Dialect::Postgres => Ok(()),
            Dialect::Mysql => self.hears_of_cascades(source, all),
        }
    }

    /// MySQL's triggers do not fire for what a foreign key does. The delete of the row pointed at must tell by itself.
    fn hears_of_cascades(&self, source: &Upkeep, all: &[Upkeep]) -> Result<()> {
        for relation in (source.table.relations)() {
            let follows = matches!(relation.on_delete, OnDelete::Cascade | OnDelete::SetNull);
            if relation.cardinality != Cardinality::BelongsTo || !follows {
                continue;
            }
            let parent = (relation.target)();
            let tells = |other: &Upkeep| {
                other.table.is(parent) && matches!(other.keys, RowKeys::Columns(_))
            };
            // Of its own rows it is not told either.
            if parent.is(source.table) || !all.iter().any(tells) {
                let (view, entity) = (self.table.entity, source.table.entity);
                let (name, parent) = (relation.name, parent.entity);
                return Err(Error::unsupported(format!(
                    "`{view}` cannot be maintained here: a delete of a `{parent}` changes rows of `{entity}` by the foreign key of `{name}`, of which MySQL tells no trigger"
                ))
                .with_hint(format!(
                    "maintain the view by columns of `{parent}` too, take `on_delete` from `{name}`, or make the view materialized"
                )));
            }
        }
        Ok(())
    }

    /// The view's name inside a trigger, where SQLite takes no schema.
    fn named(&self) -> String {
        match self.dialect {
            Dialect::Sqlite => self.dialect.quote(self.table.name),
            Dialect::Postgres | Dialect::Mysql => name::table(self.table, self.dialect),
        }
    }

    /// All columns of the view.
    fn columns(&self) -> String {
        name::columns(self.table, &view::all(self.table), self.dialect)
    }

    /// The quoted columns of the view's key.
    fn key(&self) -> Vec<String> {
        let columns = self.table.primary_key.iter();
        let name = |&position: &usize| self.dialect.quote(self.table.columns[position].name);
        columns.map(name).collect()
    }

    /// The quoted columns beside the key.
    fn others(&self) -> Vec<String> {
        let columns = self.table.columns.iter().enumerate();
        columns
            .filter(|(position, _)| !self.table.primary_key.contains(position))
            .map(|(_, column)| self.dialect.quote(column.name))
            .collect()
    }

    /// The columns of the source that lead to the key, of the row called `row`.
    fn source_columns(&self, source: &TableDef, columns: &[usize], row: &str) -> Vec<String> {
        let quoted = |&column: &usize| self.dialect.quote(source.columns[column].name);
        let of_row = |column: &usize| format!("{row}.{}", quoted(column));
        columns.iter().map(of_row).collect()
    }

    /// The condition that `alias` is a row of the view in which `row` of the source shows.
    fn matches(&self, source: &Upkeep, alias: &str, row: &str) -> String {
        let key = self.key();
        let key: Vec<_> = key.iter().map(|key| format!("{alias}.{key}")).collect();
        match &source.keys {
            RowKeys::Columns(columns) => {
                let columns = self.source_columns(source.table, columns, row);
                let equal = key.iter().zip(&columns);
                let equal: Vec<_> = equal.map(|(key, of)| format!("{key} = {of}")).collect();
                equal.join(" AND ")
            }
            RowKeys::Query(query) => {
                let key = match key.as_slice() {
                    [one] => one.clone(),
                    several => format!("({})", several.join(", ")),
                };
                format!("{key} IN (\n{}\n)", of_row(query, row))
            }
        }
    }

    fn trigger_name(&self, source: &TableDef, suffix: &str) -> String {
        // With their schemas: on one source there may be triggers of views of one name.
        let identity = format!("{} {}", full_name(self.table), full_name(source));
        let readable = format!("{}_by_{}", self.table.name, source.name);
        name::shortened(readable, &format!("{suffix}_{:08x}", name::hash(&identity)))
    }
}

/// The query about the row called `row`.
fn of_row(query: &str, row: &str) -> String {
    let query = query.trim().trim_end_matches(';').trim_end();
    query.replace("{row}", row)
}

/// The view's name as a literal.
fn literal(table: &TableDef) -> String {
    format!("'{}'", full_name(table).replace('\'', "''"))
}

fn full_name(table: &TableDef) -> String {
    match table.schema {
        Some(schema) => format!("{schema}.{}", table.name),
        None => table.name.to_owned(),
    }
}

/// The table of buckets, in the view's schema.
fn locks(table: &TableDef, dialect: Dialect) -> String {
    match table.schema {
        Some(schema) => format!("{}.{}", dialect.quote(schema), dialect.quote(LOCKS)),
        None => dialect.quote(LOCKS),
    }
}
