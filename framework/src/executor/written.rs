//! What is written, told to whoever keeps results: before it can be seen, and once it is known how it ended.
//!
//! Writes are noticed at the seam, by the kind and the tables of each statement, so that none can be forgotten. Outside
//! a transaction a write is told of around its statement; inside one it is collected and told of around COMMIT.
use std::{any::Any, borrow::Cow, fmt, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{
    driver::Outcome,
    error::{Error, ErrorKind, Result},
    schema::{CachedRow, KeyPart, TableDef},
    statement::{Statement, StatementKind, Touched},
};

/// One write.
#[derive(Debug, Clone)]
pub enum Write {
    /// To one table.
    Table {
        /// The table, as the statement names it.
        name: Arc<str>,
        /// Whether rows may be removed, and others with them by their foreign keys.
        removes: bool,
        /// Which rows; any, if nobody said.
        touched: Option<Arc<Touched>>,
    },
    /// To nobody knows what: schemas, and raw SQL that names no table.
    Anything,
}

impl Write {
    /// What `statement` writes; nothing if it only reads.
    pub fn of(statement: &Statement) -> Vec<Self> {
        let plan = &statement.plan;
        match plan.kind {
            StatementKind::Select | StatementKind::Explain | StatementKind::Transaction => {
                Vec::new()
            }
            StatementKind::Schema if only_looks(&plan.sql) => Vec::new(),
            StatementKind::Schema => vec![Self::Anything],
            _ if plan.tables.is_empty() => vec![Self::Anything],
            kind => {
                // Of the framework's own statements the first table is written, the others are read.
                let own = plan.subject.is_some();
                let written = if own { 1 } else { plan.tables.len() };
                let removes = !own || kind == StatementKind::Delete;
                let table = |name: &Arc<str>| Self::Table {
                    name: Arc::clone(name),
                    removes,
                    touched: statement.touched.clone(),
                };
                plan.tables[..written].iter().map(table).collect()
            }
        }
    }

    /// Takes note of how `statement` ended: rows that it did not change are not as its writer said.
    pub fn ran(statement: &Statement, result: &Result<Outcome>) {
        let Some(touched) = &statement.touched else {
            return;
        };
        let missed = |outcome: &Outcome| {
            statement.plan.kind == StatementKind::Update && outcome.affected == 0
        };
        if result.as_ref().map_or(true, missed) {
            touched.forget();
        }
    }
}

/// Whether a statement about the schema only reads the catalog, or asks how a statement would be run.
fn only_looks(sql: &str) -> bool {
    let verb = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "WITH", "EXPLAIN", "SHOW"]
        .iter()
        .any(|looks| verb.eq_ignore_ascii_case(looks))
}

/// The name of a table without schema and in one case: two tables that this takes for one are only told of too often.
pub(crate) fn plain_name(name: &str) -> Cow<'_, str> {
    let name = name.rsplit('.').next().unwrap_or(name);
    match name.chars().any(char::is_uppercase) {
        true => name.to_lowercase().into(),
        false => name.into(),
    }
}

/// How writes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// They are permanent.
    Kept,
    /// They were taken back, or never happened.
    TakenBack,
    /// Nobody knows, and they may still happen.
    Unknown,
}

impl Settled {
    /// How a statement outside of a transaction ended.
    pub fn of(result: &Result<Outcome>) -> Self {
        match result {
            Ok(_) => Self::Kept,
            Err(error) if is_refusal(error) => Self::TakenBack,
            Err(_) => Self::Unknown,
        }
    }
}

/// Whether the database itself, or the framework before it sent anything, said no.
fn is_refusal(error: &Error) -> bool {
    error.code().is_some()
        || matches!(
            error.kind(),
            ErrorKind::InvalidQuery | ErrorKind::Unsupported | ErrorKind::Configuration
        )
}

/// Keeps results, and hears of writes.
pub trait WriteListener: Send + Sync + fmt::Debug {
    /// The writes are about to happen: from now on nobody here may be given what was kept of their rows.
    fn begin(&self, writes: Vec<Write>) -> Box<dyn PendingWrites>;

    /// A transaction is over, whether or not it has written anything: what was read in it may be newer than what others
    /// read elsewhere.
    fn left(&self) {}
}

/// Resolves when other processes that keep rows were told of a write; nothing if there are none, or they cannot be told.
/// Dropped before that, they are told all the same.
pub type Told = Option<BoxFuture<'static, ()>>;

/// Writes of which nobody knows yet how they end. Dropped, they are [`Settled::Unknown`].
pub trait PendingWrites: Send {
    /// That they are about to happen. To be awaited before anybody can see them.
    fn announced(&mut self) -> Told;

    /// They ended. To be awaited before the writer is told so.
    #[must_use = "other processes hear of it by and by, but the writer should not go on before they have"]
    fn end(self: Box<Self>, settled: Settled) -> Told;
}

/// Waits for `told`.
pub async fn told(told: Told) {
    if let Some(told) = told {
        told.await;
    }
}

/// Rows that are kept, by primary key. What the layers that load rows see of the result cache.
pub trait RowCache: Send + Sync + fmt::Debug {
    /// The row with this key, if it is kept.
    fn kept(&self, table: &'static TableDef, key: &KeyPart) -> Option<Arc<dyn CachedRow>>;

    /// Permission to keep the row with this key, to be asked for before it is loaded; none while it is written.
    fn ticket(&self, table: &'static TableDef, key: &KeyPart) -> Option<Ticket>;

    /// Keeps what was loaded after `ticket` was given, unless the row was written since.
    fn keep(
        &self,
        table: &'static TableDef,
        key: &KeyPart,
        row: Option<Arc<dyn CachedRow>>,
        ticket: Ticket,
    );

    /// Asks the tier behind the cache for rows that the cache itself does not keep; for each key, in order, what it has.
    /// Nothing if there is no such tier for the table.
    fn fetch<'a>(
        &'a self,
        table: &'static TableDef,
        keys: &'a [KeyPart],
    ) -> Option<BoxFuture<'a, Vec<Fetched>>>;

    /// Gives rows that were loaded under a lease to the tier behind the cache; those that are not there only end their
    /// lease.
    fn fill<'a>(&'a self, table: &'static TableDef, rows: Vec<Loaded>) -> BoxFuture<'a, ()>;

    /// The cache itself.
    fn as_any(&self) -> &dyn Any;
}

/// A row, or that there is none, by key, and the lease under which it was loaded.
pub type Loaded = (KeyPart, Option<Arc<dyn CachedRow>>, Lease);

/// What the tier behind the cache has of a row.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// The row.
    Row(Arc<dyn CachedRow>),
    /// Nothing, and the permission to put it in.
    Missing(Lease),
    /// Nothing, and nothing may be put in: the row is being written, or somebody else loads it.
    Closed,
}

/// The permission to put a row into the tier behind the cache. It is void once the row is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The numbers of the table's writes when it was given.
    pub numbers: Box<str>,
    /// Whose it is.
    pub token: Box<str>,
}

/// The state of a row's place in the cache before it was loaded: numbers that every write counts up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Of the row's stripe.
    pub row: u64,
    /// Of writes to unknown rows of the table.
    pub bulk: u64,
    /// Of new rows in the table.
    pub new: u64,
    /// Whether no new row was on its way: only then it can be kept that there is none.
    pub settled: bool,
}
