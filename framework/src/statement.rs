//! Statements: SQL text with its arguments and everything that the layers above want to know of it.
//!
//! A [`Plan`] is the part that does not change between calls of one shape: text, kind, tables, fingerprint. It is made
//! once and shared. A [`Statement`] is a plan with arguments and the place in the user's code that asked for it.
//! Rendering is a pure function of query and dialect; no server is needed to test it.
pub mod ddl;
pub mod explain;
pub mod fingerprint;
pub mod nul;
pub mod query;
pub mod rank;
pub mod raw;
pub mod render;
pub mod seek;
mod subject;
mod token;
pub mod touched;
pub(crate) mod violation;

use std::{
    panic::Location,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

pub use fingerprint::Fingerprint;
pub use seek::Seek;
pub use subject::Subject;
pub use touched::Touched;

use crate::{
    dialect::Dialect,
    schema::{SqlType, Value},
};

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
    /// Adds rows that follow it in a form of their own: PostgreSQL's `COPY .. FROM STDIN`.
    Copy,
    /// Renews the rows of a materialized view.
    Refresh,
    /// Asks how a statement is run, or reads what is needed to ask: see [`explain`].
    Explain,
    /// Raw SQL of unknown effect.
    Other,
}

impl StatementKind {
    /// Whether the statement only reads.
    pub fn is_read(self) -> bool {
        matches!(self, StatementKind::Select | StatementKind::Explain)
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
            StatementKind::Copy => "COPY",
            StatementKind::Refresh => "REFRESH",
            StatementKind::Explain => "EXPLAIN",
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
    /// What it is about, where the framework wrote it; `None` for text of the user's and for schemas.
    pub subject: Option<Subject>,
    /// What it looks for in each table, where the framework wrote it.
    pub seeks: Vec<Seek>,
    /// Whether the text is likely to come again, so that preparing it by name is worth while.
    pub persistent: bool,
    /// The types of the columns that the statement returns, where they are known: a driver may check them once. Of a
    /// `COPY`, the types of those that it gives.
    pub columns: Vec<SqlType>,
    /// Made when somebody asks for it: nobody may be listening.
    normal: OnceLock<Normal>,
}

/// The text without values, and its identity.
#[derive(Debug)]
struct Normal {
    text: Box<str>,
    fingerprint: Fingerprint,
}

impl Plan {
    /// A plan for `sql`, which reads or writes `tables`.
    pub fn new(sql: impl Into<Arc<str>>, kind: StatementKind, tables: Vec<Arc<str>>) -> Self {
        Self {
            sql: sql.into(),
            kind,
            tables,
            subject: None,
            seeks: Vec::new(),
            persistent: true,
            columns: Vec::new(),
            normal: OnceLock::new(),
        }
    }

    /// The same plan, about `subject`.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The identity of the text, apart from literals and list lengths. `dialect` is the one it was written in.
    pub fn fingerprint(&self, dialect: Dialect) -> Fingerprint {
        self.normal(dialect).fingerprint
    }

    /// The text without literals, comments and list lengths, see [`fingerprint::normalize`].
    pub fn normalized(&self, dialect: Dialect) -> &str {
        &self.normal(dialect).text
    }

    fn normal(&self, dialect: Dialect) -> &Normal {
        self.normal.get_or_init(|| {
            let text = fingerprint::normalize(&self.sql, dialect);
            Normal {
                fingerprint: Fingerprint::of_normalized(&text),
                text: text.into(),
            }
        })
    }

    /// The same plan for a text that will hardly come again: it is not kept as a prepared statement.
    #[must_use]
    pub fn one_off(mut self) -> Self {
        self.persistent = false;
        self
    }

    /// The same statement for one who asks how it is run: it is no statement of the program's, and is not kept.
    pub(crate) fn for_explain(&self) -> Self {
        Self {
            subject: self.subject.clone(),
            columns: self.columns.clone(),
            persistent: false,
            ..Self::new(
                Arc::clone(&self.sql),
                StatementKind::Explain,
                self.tables.clone(),
            )
        }
    }

    /// The main table, for messages; empty if none is known.
    pub fn table(&self) -> &str {
        self.tables.first().map_or("", |table| table)
    }
}

/// A number for a call that takes several statements, see [`Statement::load`].
pub fn next_load() -> u64 {
    static LOADS: AtomicU64 = AtomicU64::new(1);
    LOADS.fetch_add(1, Ordering::Relaxed)
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
    /// The call of the framework's that the statement is a part of, from [`next_load`]: an eager load, a list cut into
    /// chunks. The parts of one call are not an N+1.
    pub load: Option<u64>,
    /// Which rows it writes, where its writer knows; for caches of rows.
    pub touched: Option<Arc<Touched>>,
}

impl Statement {
    /// A statement of `plan` with `args`, asked for at `call_site`.
    pub fn new(plan: Arc<Plan>, args: Vec<Value>, call_site: &'static Location<'static>) -> Self {
        Self {
            plan,
            args,
            call_site,
            load: None,
            touched: None,
        }
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.plan.sql
    }
}
