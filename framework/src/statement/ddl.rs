//! Tables from entities: what the database should have, and the text that creates, changes and drops it.
//!
//! The text is written clause by clause over [`Dialect::quote`] and [`Dialect::type_name`] instead of sea-query's table
//! builders: those have no form for identity columns or MySQL's keys inside CREATE TABLE, and ALTER needs the very
//! clauses that CREATE has.
//!
//! What comes from where:
//! - Columns, keys, unique constraints, indexes and defaults from the entity's attributes.
//! - A CHECK of the labels from a text enum. An enum stored as a number has none: its numbers are not in the table's
//!   description.
//! - Foreign keys from `belongs_to` alone, for it alone says which entity holds the key and what a delete does. A key
//!   that two relations point at different tables gets none: no constraint could hold for both.
//! - On PostgreSQL, a named schema other than `public` is created too. A database (MySQL) or attached file (SQLite) is
//!   the user's to make.
//! - `created_at`, `updated_at`, `version` and client-made UUIDs get no default: the library sets them.
mod alter;
mod blueprint;
mod column;
pub(crate) mod name;
mod order;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod upkeep;
pub(crate) mod verify;
pub(crate) mod view;

use std::sync::Arc;

pub use alter::Alteration;
pub use blueprint::{Blueprint, ForeignKey, Index};
pub use order::{Step, by_dependency};

pub(crate) use table::create_index;

use super::{Plan, StatementKind, render::qualified};
use crate::{dialect::Dialect, error::Result, schema::TableDef};

/// The name that a unique constraint over these columns of `table` is created with.
pub(crate) fn unique_name(table: &TableDef, columns: &[usize]) -> String {
    name::constraint(table, columns, "key")
}

/// The statements that make tables.
#[derive(Debug)]
pub struct Creation {
    /// To be run in this order; each of them does nothing where its table or index is there already.
    pub plans: Vec<Plan>,
    /// The foreign keys that close a cycle of tables: to be added afterwards, where they are missing.
    pub deferred: Vec<Deferred>,
}

/// The statements that drop tables.
#[derive(Debug)]
pub struct Removal {
    /// The foreign keys that close a cycle of tables: to be dropped before, where they are there.
    pub deferred: Vec<Deferred>,
    /// To be run in this order; each of them does nothing where its table is not there.
    pub plans: Vec<Plan>,
}

/// A foreign key that is not part of its table's CREATE TABLE.
#[derive(Debug, Clone)]
pub struct Deferred {
    /// The table that holds the key.
    pub table: &'static TableDef,
    /// The key.
    pub foreign_key: ForeignKey,
}

impl Deferred {
    /// Adds the key to its table.
    ///
    /// # Errors
    /// Why the dialect cannot.
    pub fn add(&self, dialect: Dialect) -> Result<Plan, &'static str> {
        let sql = alter::add_foreign_key(self.table, &self.foreign_key, dialect)?;
        Ok(plan(self.table, sql))
    }

    /// Drops the key from its table, where it is called `name`.
    ///
    /// # Errors
    /// Why the dialect cannot.
    pub fn remove(&self, name: &str, dialect: Dialect) -> Result<Plan, &'static str> {
        let sql = alter::drop_foreign_key(self.table, name, dialect)?;
        Ok(plan(self.table, sql))
    }
}

/// How to make `tables` in `dialect`, those pointed at first. Views are passed over: they come after all tables.
///
/// # Errors
/// [`Configuration`](crate::ErrorKind::Configuration) where the entities do not fit together; see [`Blueprint::all`].
pub fn create(tables: &[&'static TableDef], dialect: Dialect) -> Result<Creation> {
    let steps = by_dependency(Blueprint::all(&view::without(tables))?);
    let mut plans: Vec<Plan> = Vec::new();
    let mut deferred = Vec::new();
    for step in &steps {
        for sql in step.create(dialect) {
            // Several tables ask for one schema.
            if plans.iter().all(|plan| *plan.sql != *sql) {
                plans.push(plan(step.blueprint.table, sql));
            }
        }
        deferred.extend(step.deferred(dialect));
    }
    Ok(Creation { plans, deferred })
}

/// How to drop `tables` in `dialect`, those that point at others first; views are passed over. On SQLite the statements must run in one
/// transaction.
///
/// # Errors
/// As [`create`].
pub fn drop(tables: &[&'static TableDef], dialect: Dialect) -> Result<Removal> {
    let steps = by_dependency(Blueprint::all(&view::without(tables))?);
    let reversed = steps.iter().rev().map(|step| step.blueprint.table);
    let mut deferred = Vec::new();
    let plans = match dialect {
        // All at once: PostgreSQL does not mind the keys among the tables it drops together.
        Dialect::Postgres => together(reversed).into_iter().collect(),
        Dialect::Mysql => {
            deferred = steps
                .iter()
                .flat_map(|step| step.deferred(dialect))
                .collect();
            one_by_one(reversed, dialect).collect()
        }
        // A table with rows is emptied before it goes; keys among the tables are looked at in the end, when none is left.
        Dialect::Sqlite => defer_checks(&steps)
            .into_iter()
            .chain(one_by_one(reversed, dialect))
            .collect(),
    };
    Ok(Removal { deferred, plans })
}

/// The table's name in statements of the dialect, with its schema if it names one.
pub fn table_name(table: &TableDef, dialect: Dialect) -> String {
    name::table(table, dialect)
}

/// A statement of one occasion about `table`.
pub(crate) fn plan(table: &'static TableDef, sql: String) -> Plan {
    Plan::new(sql, StatementKind::Schema, vec![qualified(table)]).one_off()
}

fn together(tables: impl Iterator<Item = &'static TableDef>) -> Option<Plan> {
    let tables: Vec<_> = tables.collect();
    if tables.is_empty() {
        return None;
    }
    let names = tables
        .iter()
        .map(|table| name::table(table, Dialect::Postgres))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!("DROP TABLE IF EXISTS {names}");
    let tables: Vec<Arc<str>> = tables.into_iter().map(qualified).collect();
    Some(Plan::new(sql, StatementKind::Schema, tables).one_off())
}

fn one_by_one(
    tables: impl Iterator<Item = &'static TableDef>,
    dialect: Dialect,
) -> impl Iterator<Item = Plan> {
    tables.map(move |table| {
        let name = name::table(table, dialect);
        plan(table, format!("DROP TABLE IF EXISTS {name}"))
    })
}

fn defer_checks(steps: &[Step]) -> Option<Plan> {
    let first = steps.first()?.blueprint.table;
    Some(plan(first, "PRAGMA defer_foreign_keys = ON".to_owned()))
}
