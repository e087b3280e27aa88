//! ALTER TABLE: one thing that a table lacks or has otherwise, as text.
use super::{
    blueprint::{Blueprint, ForeignKey, Index},
    column, name, table,
};
use crate::{
    dialect::Dialect,
    schema::{ColumnDefault, TableDef},
};

const NO_COLUMN_CHANGE: &str = "SQLite cannot alter a column; rebuild the table";
const NO_CONSTRAINT_CHANGE: &str = "SQLite cannot alter a table's constraints; rebuild the table";
const KEY_COLUMN: &str = "it is part of the primary key; rebuild the table";

/// What is to change in a table that is there.
#[derive(Debug, Clone, Copy)]
pub enum Alteration<'a> {
    /// The column at this position is missing.
    AddColumn(usize),
    /// The column at this position has another type.
    SetType(usize),
    /// The column at this position may be NULL and must not, or the other way round.
    SetNullability(usize),
    /// The column at this position lacks its default.
    SetDefault(usize),
    /// A column that the entity does not have must have a value.
    DropNotNull {
        /// The column.
        column: &'a str,
        /// Its type as the database has it.
        type_name: &'a str,
    },
    /// An index or unique constraint is missing.
    AddIndex(&'a Index),
    /// A foreign key is missing.
    AddForeignKey(&'a ForeignKey),
    /// A foreign key of this name is too much, or other than it should be.
    DropForeignKey(&'a str),
}

impl Alteration<'_> {
    /// The statement, or why there is none in `dialect`.
    ///
    /// # Errors
    /// The reason, in a few words for the user.
    pub fn render(self, blueprint: &Blueprint, dialect: Dialect) -> Result<String, &'static str> {
        let table = blueprint.table;
        Ok(match self {
            Alteration::AddColumn(position) => {
                return add_column(blueprint, position, dialect);
            }
            Alteration::SetType(position) => match dialect {
                Dialect::Sqlite => return Err(NO_COLUMN_CHANGE),
                Dialect::Mysql => modify(blueprint, position),
                Dialect::Postgres => set_type(blueprint, position),
            },
            Alteration::SetNullability(position) => match dialect {
                Dialect::Sqlite => return Err(NO_COLUMN_CHANGE),
                Dialect::Mysql => modify(blueprint, position),
                Dialect::Postgres => {
                    let column = &table.columns[position];
                    let verb = if column.nullable { "DROP" } else { "SET" };
                    alter_column(table, column.name, &format!("{verb} NOT NULL"))
                }
            },
            Alteration::SetDefault(position) => match dialect {
                Dialect::Sqlite => return Err(NO_COLUMN_CHANGE),
                Dialect::Mysql => modify(blueprint, position),
                Dialect::Postgres => set_default(table, position),
            },
            Alteration::DropNotNull { column, type_name } => match dialect {
                Dialect::Sqlite => return Err(NO_COLUMN_CHANGE),
                Dialect::Postgres => alter_column(table, column, "DROP NOT NULL"),
                Dialect::Mysql => {
                    let column = dialect.quote(column);
                    alter(
                        table,
                        &format!("MODIFY COLUMN {column} {type_name} NULL"),
                        dialect,
                    )
                }
            },
            Alteration::AddIndex(index) => add_index(table, index, dialect),
            Alteration::AddForeignKey(key) => return add_foreign_key(table, key, dialect),
            Alteration::DropForeignKey(name) => return drop_foreign_key(table, name, dialect),
        })
    }
}

fn alter(table: &TableDef, action: &str, dialect: Dialect) -> String {
    format!("ALTER TABLE {} {action}", name::table(table, dialect))
}

/// PostgreSQL's form.
fn alter_column(table: &TableDef, column: &str, action: &str) -> String {
    let column = Dialect::Postgres.quote(column);
    alter(
        table,
        &format!("ALTER COLUMN {column} {action}"),
        Dialect::Postgres,
    )
}

/// MySQL's form: the whole column anew.
fn modify(blueprint: &Blueprint, position: usize) -> String {
    let clause = column::clause(blueprint, position, Dialect::Mysql);
    let action = format!("MODIFY COLUMN {clause}");
    alter(blueprint.table, &action, Dialect::Mysql)
}

fn set_type(blueprint: &Blueprint, position: usize) -> String {
    let column = blueprint.table.columns[position].name;
    let type_name = column::type_name(blueprint, position, Dialect::Postgres);
    let from = Dialect::Postgres.quote(column);
    alter_column(
        blueprint.table,
        column,
        &format!("TYPE {type_name} USING {from}::{type_name}"),
    )
}

fn set_default(table: &TableDef, position: usize) -> String {
    let column = &table.columns[position];
    let action = match column::default(column, Dialect::Postgres) {
        Some(default) => format!("SET DEFAULT {default}"),
        None => "ADD GENERATED BY DEFAULT AS IDENTITY".to_owned(),
    };
    alter_column(table, column.name, &action)
}

fn add_column(
    blueprint: &Blueprint,
    position: usize,
    dialect: Dialect,
) -> Result<String, &'static str> {
    let table = blueprint.table;
    let column = &table.columns[position];
    if table.primary_key.contains(&position) || column.default == ColumnDefault::Generated {
        return Err(KEY_COLUMN);
    }
    let mut action = format!(
        "ADD COLUMN {}",
        column::clause(blueprint, position, dialect)
    );
    if let Some(condition) = column::check(column, dialect) {
        action.push_str(&format!(" CHECK ({condition})"));
    }
    Ok(alter(table, &action, dialect))
}

/// A foreign key for a table that is there.
pub(super) fn add_foreign_key(
    table: &TableDef,
    key: &ForeignKey,
    dialect: Dialect,
) -> Result<String, &'static str> {
    match dialect {
        Dialect::Sqlite => Err(NO_CONSTRAINT_CHANGE),
        Dialect::Postgres | Dialect::Mysql => {
            let key = table::foreign_key(table, key, dialect);
            Ok(alter(table, &format!("ADD {key}"), dialect))
        }
    }
}

/// The foreign key called `name` taken off a table.
pub(super) fn drop_foreign_key(
    table: &TableDef,
    name: &str,
    dialect: Dialect,
) -> Result<String, &'static str> {
    let kind = match dialect {
        Dialect::Sqlite => return Err(NO_CONSTRAINT_CHANGE),
        Dialect::Postgres => "CONSTRAINT",
        Dialect::Mysql => "FOREIGN KEY",
    };
    let name = dialect.quote(name);
    Ok(alter(table, &format!("DROP {kind} {name}"), dialect))
}

fn add_index(table: &TableDef, index: &Index, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres if index.unique => {
            let constraint = table::inner_index(table, index, dialect);
            alter(table, &format!("ADD {constraint}"), dialect)
        }
        _ => table::create_index(table, index, "", dialect),
    }
}
