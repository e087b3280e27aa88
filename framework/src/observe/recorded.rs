//! One statement as it was run, kept.
use std::{
    fmt,
    hash::{Hash, Hasher},
    panic::Location,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Observers, StatementEvent, Target};
use crate::{
    dialect::Dialect,
    schema::Value,
    statement::{Fingerprint, Plan, Statement, StatementKind},
};

/// Which database handle a statement was run on; `None` for a connection lent by the user's own sqlx.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DatabaseId(usize);

impl DatabaseId {
    /// The handle that has these observers.
    pub fn of(observers: &Observers) -> Self {
        Self(std::ptr::from_ref(observers).addr())
    }
}

/// One statement as it was run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// Text, kind, tables, and what it is about.
    pub plan: Arc<Plan>,
    /// The dialect of the text.
    pub dialect: Dialect,
    /// The SQL text.
    pub sql: Arc<str>,
    /// What it does.
    pub kind: StatementKind,
    /// The identity of the text.
    pub fingerprint: Fingerprint,
    /// The tables it reads or writes.
    pub tables: Vec<Arc<str>>,
    /// How many arguments it had.
    pub args: usize,
    /// A number that is equal for equal arguments of one statement.
    pub args_hash: u64,
    /// The arguments themselves, where whoever records wants them: see [`Scope::keeping_arguments`](super::Scope::keeping_arguments).
    pub arguments: Option<Arguments>,
    /// The eager load that it was a part of.
    pub load: Option<u64>,
    /// The user's call.
    pub call_site: &'static Location<'static>,
    /// The database handle it was run on.
    pub database: Option<DatabaseId>,
    /// The database it went to.
    pub target: Target,
    /// When it was asked for.
    pub began: Instant,
    /// How long the wait for a connection took.
    pub wait: Duration,
    /// How long the database took.
    pub execute: Duration,
    /// How long its rows took to be decoded.
    pub decode: Duration,
    /// All of it.
    pub duration: Duration,
    /// Rows returned.
    pub rows: u64,
    /// Rows changed.
    pub affected: u64,
    /// The size of the values returned, see [`StatementEvent::bytes`].
    pub bytes: u64,
    /// Whether the connection had it prepared already; `None` where it is not prepared by name.
    pub prepared: Option<bool>,
    /// Whether it ran inside a transaction.
    pub in_transaction: bool,
    /// Whether its future was dropped before it ended.
    pub cancelled: bool,
    /// Why it failed, in one line.
    pub error: Option<Arc<str>>,
}

impl Recorded {
    pub(crate) fn new(
        event: &StatementEvent<'_>,
        database: Option<DatabaseId>,
        began: Instant,
    ) -> Self {
        let statement = event.statement;
        let plan = &statement.plan;
        Self {
            plan: Arc::clone(plan),
            dialect: event.dialect,
            sql: Arc::clone(&plan.sql),
            kind: plan.kind,
            fingerprint: event.fingerprint(),
            tables: plan.tables.clone(),
            args: statement.args.len(),
            args_hash: hash(&statement.args),
            arguments: None,
            load: statement.load,
            call_site: statement.call_site,
            database,
            target: event.target.clone(),
            began,
            wait: event.wait,
            execute: event.execute,
            decode: event.decode,
            duration: event.total(),
            rows: event.rows,
            affected: event.affected,
            bytes: event.bytes,
            prepared: event.prepared,
            in_transaction: event.in_transaction,
            cancelled: event.cancelled,
            error: event.error.map(|error| error.to_string().into()),
        }
    }

    /// Whether an argument may hold what is not to be shown: the value of a column marked `sensitive`. Of the user's own
    /// text nobody knows.
    pub fn is_masked(&self) -> bool {
        self.plan
            .subject
            .as_ref()
            .is_none_or(|subject| subject.sensitive)
    }

    /// Whether it is one of those that budgets and assertions count: not BEGIN and its like, not schema statements, nor
    /// what asks for plans.
    pub fn counts(&self) -> bool {
        !matches!(
            self.kind,
            StatementKind::Transaction | StatementKind::Schema | StatementKind::Explain
        )
    }

    /// The main table; empty if none is known.
    pub fn table(&self) -> &str {
        self.plan.table()
    }

    /// The text without values.
    pub fn normalized(&self) -> &str {
        self.plan.normalized(self.dialect)
    }
}

/// The values that a statement was run with. They do not show when they are printed.
#[derive(Clone)]
pub struct Arguments(Arc<[Value]>);

impl Arguments {
    /// The values in the order of the placeholders. Before they are shown to anybody ask [`Recorded::is_masked`].
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// Those of `statement`, if it only reads and they are not too large to be kept.
    pub(super) fn of(statement: &Statement) -> Option<Self> {
        let small = || statement.args.iter().map(size).sum::<usize>() <= MOST_KEPT;
        (statement.plan.kind.is_read() && small()).then(|| Self(statement.args.as_slice().into()))
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} kept]", self.0.len())
    }
}

/// Arguments of one statement that are larger than this many bytes are not kept.
const MOST_KEPT: usize = 16 * 1024;

/// Roughly, in bytes.
fn size(value: &Value) -> usize {
    match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        Value::Array(_, Some(values)) => values.iter().map(size).sum(),
        Value::Json(Some(json)) => json.to_string().len(),
        _ => size_of::<Value>(),
    }
}

fn hash(args: &[Value]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    for arg in args {
        // sea-query's values do not hash (floats); their text is equal for equal values.
        match arg {
            Value::BigInt(value) => value.hash(&mut hasher),
            Value::String(value) => value.hash(&mut hasher),
            other => format!("{other:?}").hash(&mut hasher),
        }
    }
    hasher.finish()
}
