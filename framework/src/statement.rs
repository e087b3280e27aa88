//! Statements: SQL text with its arguments and everything that the layers above want to know of it.
//!
//! A [`Plan`] is the part that does not change between calls of one shape: text, kind, tables, fingerprint. It is made
//! once and shared. A [`Statement`] is a plan with arguments and the place in the user's code that asked for it.
//! Rendering is a pure function of query and dialect; no server is needed to test it.
pub mod ddl;
pub mod fingerprint;
pub mod query;
pub mod raw;
pub mod render;

use std::{panic::Location, sync::Arc};

pub use fingerprint::Fingerprint;

use crate::schema::{SqlType, Value};

/// What a statement does, as far as routing, counting and caching care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementKind {
    /// Reads rows.
    Select,
    /// Adds rows (an upsert too).
    Insert,
    /// Changes rows.
    Update,
    /// Removes rows.
    Delete,
    /// Begins, ends or marks a transaction.
    Transaction,
    /// Creates, alters or drops something, or reads the catalog for it.
    Schema,
    /// Raw SQL of unknown effect.
    Other,
}

impl StatementKind {
    /// Whether the statement only reads.
    pub fn is_read(self) -> bool {
        self == StatementKind::Select
    }

    /// OpenTelemetry's operation name.
    pub fn operation_name(self) -> &'static str {
        match self {
            StatementKind::Select => "SELECT",
            StatementKind::Insert => "INSERT",
            StatementKind::Update => "UPDATE",
            StatementKind::Delete => "DELETE",
            StatementKind::Transaction => "TRANSACTION",
            StatementKind::Schema => "SCHEMA",
            StatementKind::Other => "OTHER",
        }
    }
}

/// The unchanging part of a statement.
#[derive(Debug)]
pub struct Plan {
    /// The SQL text with the dialect's placeholders.
    pub sql: Arc<str>,
    /// What it does.
    pub kind: StatementKind,
    /// The tables it reads or writes, the main one first.
    pub tables: Vec<Arc<str>>,
    /// The identity of the text, apart from literals and list lengths.
    pub fingerprint: Fingerprint,
    /// Whether the text is likely to come again, so that preparing it by name is worth while.
    pub persistent: bool,
    /// The types of the columns that the statement returns, where they are known: a driver may check them once.
    pub columns: Vec<SqlType>,
}

impl Plan {
    /// A plan for `sql`, which reads or writes `tables`.
    pub fn new(sql: impl Into<Arc<str>>, kind: StatementKind, tables: Vec<Arc<str>>) -> Self {
        let sql = sql.into();
        let fingerprint = Fingerprint::of(&sql);
        Self {
            sql,
            kind,
            tables,
            fingerprint,
            persistent: true,
            columns: Vec::new(),
        }
    }

    /// The same plan for a text that will hardly come again: it is not kept as a prepared statement.
    #[must_use]
    pub fn one_off(mut self) -> Self {
        self.persistent = false;
        self
    }

    /// The main table, for messages; empty if none is known.
    pub fn table(&self) -> &str {
        self.tables.first().map_or("", |table| table)
    }
}

/// A statement ready to be sent.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Text, kind, tables, fingerprint.
    pub plan: Arc<Plan>,
    /// The bind arguments in the order of the placeholders.
    pub args: Vec<Value>,
    /// The user's call.
    pub call_site: &'static Location<'static>,
    /// The eager load that the statement is a chunk of; chunks of one load are not an N+1.
    pub load: Option<u64>,
}

impl Statement {
    /// A statement of `plan` with `args`, asked for at `call_site`.
    pub fn new(plan: Arc<Plan>, args: Vec<Value>, call_site: &'static Location<'static>) -> Self {
        Self {
            plan,
            args,
            call_site,
            load: None,
        }
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.plan.sql
    }
}
