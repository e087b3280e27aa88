//! Table aliases while a query is rendered, and the tables it has touched.
use sea_query::{Alias, DynIden, Expr, IntoIden, SelectStatement, TableRef};

use super::Backend;
use crate::schema::TableDef;

/// A table under the name by which the statement refers to it.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) table: &'static TableDef,
    pub(super) alias: DynIden,
}

impl Scope {
    /// The column at `position` of the scope's table.
    pub(super) fn column(&self, position: usize) -> Expr {
        Expr::col((self.alias.clone(), self.table.columns[position].name))
    }
}

/// Hands out aliases: a table's own name at its first use, `t1`, `t2` .. after that.
#[derive(Debug)]
pub(super) struct Scopes {
    pub(super) backend: Backend,
    names: Vec<String>,
    tables: Vec<&'static TableDef>,
}

impl Scopes {
    pub(super) fn new(backend: Backend) -> Self {
        Self {
            backend,
            names: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// A new use of `table`.
    pub(super) fn enter(&mut self, table: &'static TableDef) -> Scope {
        if !self.tables.iter().any(|known| known.is(table)) {
            self.tables.push(table);
        }
        let alias = self.unused(table.name);
        Scope {
            table,
            alias: Alias::new(alias).into_iden(),
        }
    }

    /// A name for a derived table.
    pub(super) fn derived(&mut self) -> DynIden {
        Alias::new(self.unused("")).into_iden()
    }

    fn unused(&mut self, wanted: &str) -> String {
        let taken = |names: &[String], name: &str| {
            name.is_empty() || names.iter().any(|other| other.eq_ignore_ascii_case(name))
        };
        let mut name = wanted.to_owned();
        let mut number = 0;
        while taken(&self.names, &name) {
            number += 1;
            name = format!("t{number}");
        }
        self.names.push(name.clone());
        name
    }

    pub(super) fn into_tables(self) -> Vec<&'static TableDef> {
        self.tables
    }
}

impl Scope {
    /// The table for a FROM or JOIN clause, under its alias.
    pub(super) fn table_ref(&self) -> TableRef {
        let named = table_ref(self.table);
        if *self.alias.inner() == *self.table.name {
            named
        } else {
            named.alias(self.alias.clone())
        }
    }

    /// `SELECT .. FROM` the scope's table, with nothing selected yet.
    pub(super) fn select(&self) -> SelectStatement {
        let mut select = SelectStatement::new();
        select.from(self.table_ref());
        select
    }
}

/// The table by its name and schema.
pub(super) fn table_ref(table: &TableDef) -> TableRef {
    match table.schema {
        Some(schema) => (schema, table.name).into(),
        None => table.name.into(),
    }
}
