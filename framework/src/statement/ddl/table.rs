//! CREATE TABLE and CREATE INDEX.
use super::{
    blueprint::{Blueprint, ForeignKey, Index},
    column, name,
};
use crate::{
    dialect::Dialect,
    schema::{OnDelete, TableDef},
};

/// The schema it is in, the table and then its indexes, without the foreign keys at the positions `later`.
pub(super) fn create(blueprint: &Blueprint, later: &[usize], dialect: Dialect) -> Vec<String> {
    let table = blueprint.table;
    let mut parts: Vec<String> = (0..table.columns.len())
        .map(|position| column::clause(blueprint, position, dialect))
        .collect();
    if !table.primary_key.is_empty() && !column::is_primary_key_by_itself(table, dialect) {
        let columns = name::columns(table, &table.primary_key, dialect);
        parts.push(format!("PRIMARY KEY ({columns})"));
    }
    parts.extend(inside(blueprint).map(|index| inner_index(table, index, dialect)));
    if dialect == Dialect::Mysql {
        // MySQL has no CREATE INDEX IF NOT EXISTS.
        parts.extend(beside(blueprint).map(|index| inner_index(table, index, dialect)));
    }
    parts.extend((0..table.columns.len()).filter_map(|position| check(table, position, dialect)));
    let keys = blueprint.foreign_keys.iter().enumerate();
    parts.extend(
        keys.filter(|(at, _)| !later.contains(at))
            .map(|(_, key)| foreign_key(table, key, dialect)),
    );
    let mut texts: Vec<String> = namespace(table, dialect).into_iter().collect();
    texts.push(format!(
        "CREATE TABLE IF NOT EXISTS {} (\n    {}\n){}",
        name::table(table, dialect),
        parts.join(",\n    "),
        options(table, dialect)
    ));
    if dialect != Dialect::Mysql {
        texts.extend(
            beside(blueprint).map(|index| create_index(table, index, " IF NOT EXISTS", dialect)),
        );
    }
    texts
}

/// PostgreSQL's schema that the table names.
pub(super) fn namespace(table: &TableDef, dialect: Dialect) -> Option<String> {
    // `public` is there, and even IF NOT EXISTS asks for the right to create it.
    let schema = table.schema.filter(|&schema| schema != "public")?;
    match dialect {
        Dialect::Postgres => Some(format!(
            "CREATE SCHEMA IF NOT EXISTS {}",
            dialect.quote(schema)
        )),
        Dialect::Sqlite | Dialect::Mysql => None,
    }
}

fn inside(blueprint: &Blueprint) -> impl Iterator<Item = &Index> {
    blueprint.indexes.iter().filter(|index| index.unique)
}

fn beside(blueprint: &Blueprint) -> impl Iterator<Item = &Index> {
    blueprint.indexes.iter().filter(|index| !index.unique)
}

fn options(table: &TableDef, dialect: Dialect) -> &'static str {
    match dialect {
        // A view's key comes from a query, which may give NULL. Where the key is the rowid, SQLite would make one up.
        Dialect::Sqlite if table.view.is_some() => " WITHOUT ROWID",
        Dialect::Sqlite | Dialect::Postgres => "",
        Dialect::Mysql => " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    }
}

/// An index as a part of CREATE TABLE, or after ALTER TABLE's ADD.
pub(super) fn inner_index(table: &TableDef, index: &Index, dialect: Dialect) -> String {
    let name = dialect.quote(&index.name);
    let columns = name::columns(table, &index.columns, dialect);
    if index.unique {
        format!("CONSTRAINT {name} UNIQUE ({columns})")
    } else {
        format!("KEY {name} ({columns})")
    }
}

/// CREATE INDEX, with `unless` between the word and the name.
pub(crate) fn create_index(
    table: &TableDef,
    index: &Index,
    unless: &str,
    dialect: Dialect,
) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let name = dialect.quote(&index.name);
    // SQLite has the attached database's name before the index, not before the table.
    let (prefix, on) = match (dialect, table.schema) {
        (Dialect::Sqlite, Some(schema)) => (
            format!("{}.", dialect.quote(schema)),
            dialect.quote(table.name),
        ),
        _ => (String::new(), name::table(table, dialect)),
    };
    let columns = name::columns(table, &index.columns, dialect);
    format!("CREATE {unique}INDEX{unless} {prefix}{name} ON {on} ({columns})")
}

fn check(table: &TableDef, position: usize, dialect: Dialect) -> Option<String> {
    let condition = column::check(&table.columns[position], dialect)?;
    let name = name::constraint(table, &[position], "check");
    Some(format!(
        "CONSTRAINT {} CHECK ({condition})",
        dialect.quote(&name)
    ))
}

/// A foreign key as a part of CREATE TABLE, or after ALTER TABLE's ADD.
pub(super) fn foreign_key(table: &TableDef, key: &ForeignKey, dialect: Dialect) -> String {
    let target = match dialect {
        // A key cannot leave its database, so SQLite takes no name of one here.
        Dialect::Sqlite => dialect.quote(key.target.name),
        Dialect::Postgres | Dialect::Mysql => name::table(key.target, dialect),
    };
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {target} ({}){}",
        dialect.quote(&key.name),
        name::columns(table, &key.columns, dialect),
        name::columns(key.target, &key.references, dialect),
        on_delete(key.on_delete)
    )
}

fn on_delete(on_delete: OnDelete) -> String {
    match on_delete {
        OnDelete::NoAction => String::new(),
        action => format!(" ON DELETE {}", action.sql()),
    }
}
