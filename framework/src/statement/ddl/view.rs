//! Views from their structs: the text that creates, fills and drops them.
//!
//! The columns of the query are taken by name, in the order of the struct. A plain view is a view on all databases. A
//! materialized one is a materialized view on PostgreSQL, and elsewhere a table that refreshes fill. A maintained one is a
//! table everywhere, with triggers on its sources.
use super::{
    blueprint::Blueprint,
    name,
    table::{self, create_index},
    upkeep,
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    schema::{TableDef, ViewDef, ViewKind},
};

/// `tables` without the views among them.
pub(crate) fn without(tables: &[&'static TableDef]) -> Vec<&'static TableDef> {
    let is_table = |table: &&&'static TableDef| table.view.is_none();
    tables.iter().filter(is_table).copied().collect()
}

/// The views among `tables`, each once, those that others read first.
pub(crate) fn among(tables: &[&'static TableDef]) -> Vec<&'static TableDef> {
    let mut remaining: Vec<&'static TableDef> = Vec::new();
    for &table in tables {
        if table.view.is_some() && !remaining.iter().any(|known| known.is(table)) {
            remaining.push(table);
        }
    }
    let mut sorted = Vec::with_capacity(remaining.len());
    while !remaining.is_empty() {
        let reads = |table: &TableDef| table.view.map(|view| (view.reads)()).unwrap_or_default();
        let is_free = |table: &&'static TableDef| {
            let read = reads(table);
            !remaining
                .iter()
                .any(|other| !other.is(table) && read.iter().any(|read| read.is(other)))
        };
        // Two views that read each other cannot exist; the database says so.
        let next = remaining.iter().position(is_free).unwrap_or(0);
        sorted.push(remaining.remove(next));
    }
    sorted
}

/// The statements that make the view; with their indexes, where its rows are kept. A plain view that is there already is
/// made anew, for it keeps no rows; a materialized one stays.
///
/// # Errors
/// [`Unsupported`](crate::ErrorKind::Unsupported) if the view has no query for the dialect.
pub(crate) fn create(
    table: &'static TableDef,
    view: &ViewDef,
    dialect: Dialect,
) -> Result<Vec<String>> {
    let select = select(table, view, dialect)?;
    let named = name::table(table, dialect);
    if is_table(view, dialect) {
        return Ok(table::create(&Blueprint::of(table)?, &[], dialect));
    }
    let mut texts: Vec<String> = table::namespace(table, dialect).into_iter().collect();
    if view.is_materialized() {
        texts.push(format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {named} AS {select} WITH NO DATA"
        ));
        let indexes = indexes(&Blueprint::of(table)?);
        let create = |index| create_index(table, index, " IF NOT EXISTS", dialect);
        texts.extend(indexes.iter().map(create));
    } else if dialect == Dialect::Sqlite {
        texts.push(format!("DROP VIEW IF EXISTS {named}"));
        texts.push(format!("CREATE VIEW {named} AS {select}"));
    } else {
        texts.push(format!("CREATE OR REPLACE VIEW {named} AS {select}"));
    }
    Ok(texts)
}

/// The indexes of a materialized view of PostgreSQL's, which has no constraints: the key is one of them.
pub(crate) fn indexes(blueprint: &Blueprint) -> Vec<super::Index> {
    let table = blueprint.table;
    let key = super::Index {
        name: name::constraint(table, &table.primary_key, "key"),
        columns: table.primary_key.clone(),
        unique: true,
    };
    let others = blueprint.indexes.iter().cloned();
    std::iter::once(key).chain(others).collect()
}

/// Whether its rows are kept in a table of the usual kind.
pub(crate) fn is_table(view: &ViewDef, dialect: Dialect) -> bool {
    match view.kind {
        ViewKind::Plain => false,
        ViewKind::Materialized => dialect != Dialect::Postgres,
        ViewKind::Maintained(_) => true,
    }
}

/// The statement that drops the view, if it is there.
pub(crate) fn drop(table: &TableDef, view: &ViewDef, dialect: Dialect) -> String {
    let what = match view.kind {
        _ if is_table(view, dialect) => "TABLE",
        ViewKind::Materialized => "MATERIALIZED VIEW",
        ViewKind::Plain | ViewKind::Maintained(_) => "VIEW",
    };
    format!("DROP {what} IF EXISTS {}", name::table(table, dialect))
}

/// The statement that fills a view which keeps its rows; into an empty one, where it is a table.
///
/// # Errors
/// As [`create`].
pub(crate) fn fill(
    table: &TableDef,
    view: &ViewDef,
    concurrently: bool,
    dialect: Dialect,
) -> Result<String> {
    let named = name::table(table, dialect);
    if !is_table(view, dialect) {
        let how = if concurrently { " CONCURRENTLY" } else { "" };
        return Ok(format!("REFRESH MATERIALIZED VIEW{how} {named}"));
    }
    let columns = name::columns(table, &all(table), dialect);
    let select = select(table, view, dialect)?;
    Ok(format!("INSERT INTO {named} ({columns}) {select}"))
}

/// The number of the query, its columns, and what maintains it: of another text it is another one.
///
/// # Errors
/// As [`create`].
pub(crate) fn definition(
    table: &'static TableDef,
    view: &ViewDef,
    dialect: Dialect,
) -> Result<i64> {
    // FNV-1a: it stays in the database, and must never change.
    let mut text = select(table, view, dialect)?;
    if let ViewKind::Maintained(_) = view.kind {
        text.extend(create(table, view, dialect)?);
    }
    for trigger in upkeep::triggers(table, view, dialect)? {
        text.extend(trigger.create);
    }
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Ok(hash.cast_signed())
}

/// The columns of the struct from the query.
pub(crate) fn select(table: &TableDef, view: &ViewDef, dialect: Dialect) -> Result<String> {
    let query = match dialect {
        Dialect::Sqlite => view.sqlite,
        Dialect::Postgres => view.postgres,
        Dialect::Mysql => view.mysql,
    };
    let Some(query) = query else {
        let entity = table.entity;
        let word = match dialect {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
            Dialect::Mysql => "mysql",
        };
        return Err(Error::unsupported(format!(
            "the view `{entity}` has no query for this database"
        ))
        .with_hint(format!("add one: `#[view(query({word} = \"SELECT ..\"))]`")));
    };
    let columns: Vec<String> = all(table)
        .into_iter()
        .map(|position| {
            let column = &table.columns[position];
            let name = dialect.quote(column.name);
            match dialect {
                // A sum of integers is a number of another type there; where the type is right already it costs nothing.
                Dialect::Postgres => {
                    // Without the length, to which it would cut texts off.
                    let type_name = dialect.type_name(column.sql_type, None);
                    format!("CAST(q.{name} AS {type_name}) AS {name}")
                }
                Dialect::Sqlite | Dialect::Mysql => format!("q.{name} AS {name}"),
            }
        })
        .collect();
    // A file of SQL ends so.
    let query = query.trim().trim_end_matches(';').trim_end();
    let columns = columns.join(", ");
    // The line of its own ends a comment at the end of the query.
    Ok(format!("SELECT {columns} FROM (\n{query}\n) AS q"))
}

pub(super) fn all(table: &TableDef) -> Vec<usize> {
    (0..table.columns.len()).collect()
}
