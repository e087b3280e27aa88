//! The one error type of the crate.
//!
//! [`Error`] is opaque: ask it with [`Error::kind`] or a predicate such as [`Error::is_unique_violation`].
//! It carries what its receiver needs to act (SQLSTATE, constraint, table, columns, the call site of the statement)
//! and keeps the driver's own error as its [`source`](std::error::Error::source). Bind values and passwords never
//! enter a message.
use std::{borrow::Cow, fmt, panic::Location, sync::Arc};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What went wrong, as far as a program can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A row with the same key or unique value exists.
    UniqueViolation,
    /// A foreign key points at no row, or a row is still pointed at.
    ForeignKeyViolation,
    /// A column that must have a value was given NULL.
    NotNullViolation,
    /// A CHECK constraint (or the type's own check) refused a value.
    CheckViolation,
    /// `get` or `one` found no row.
    NotFound,
    /// `one` found more than one row.
    TooMany,
    /// An optimistic update met a newer version of the row, or no row.
    Stale,
    /// No shard has the rows of that key.
    NoShard,
    /// The rows of one call or transaction are on several shards, or on another one than its own.
    CrossShard,
    /// A non-null foreign key has no row behind it although the relation says there must be one.
    DanglingKey,
    /// Waiting for a connection, a lock or a statement took longer than allowed.
    Timeout,
    /// The connection could not be opened, or was lost.
    Connection,
    /// The database refused the user, the password or the database name.
    Authentication,
    /// The transaction could not be serialised with another; run it again.
    Serialization,
    /// The database broke a deadlock by ending this transaction; run it again.
    Deadlock,
    /// The schema changed under a statement prepared before this transaction; run it again.
    StatementOutdated,
    /// A lock was not available (`NOWAIT`, or SQLite's busy time-out).
    LockNotAvailable,
    /// The connection was lost during COMMIT: the transaction may or may not have happened.
    AmbiguousCommit,
    /// An earlier statement failed, so the transaction takes no more statements.
    TransactionAborted,
    /// A value could not be read into its Rust type.
    Decode,
    /// A value could not be sent to the database.
    Encode,
    /// The call cannot be done on this database, or not in this place.
    Unsupported,
    /// A setting or URL is wrong.
    Configuration,
    /// The database's tables are not what the entities expect.
    SchemaDrift,
    /// A lint of the database's indexes found something.
    IndexLint,
    /// A query was put together in a way that has no meaning.
    InvalidQuery,
    /// The SQL text was refused: syntax, or an unknown table or column.
    Syntax,
    /// The pool or database handle was closed.
    Closed,
    /// A bounded queue has no room, and its user asked not to wait.
    QueueFull,
    /// An error that user code returned inside a transaction or hook.
    User,
    /// Anything else that the database reports.
    Database,
}

impl ErrorKind {
    /// The kind in lower case, as metrics and logs name it: `unique_violation`.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::UniqueViolation => "unique_violation",
            ErrorKind::ForeignKeyViolation => "foreign_key_violation",
            ErrorKind::NotNullViolation => "not_null_violation",
            ErrorKind::CheckViolation => "check_violation",
            ErrorKind::NotFound => "not_found",
            ErrorKind::TooMany => "too_many",
            ErrorKind::Stale => "stale",
            ErrorKind::NoShard => "no_shard",
            ErrorKind::CrossShard => "cross_shard",
            ErrorKind::DanglingKey => "dangling_key",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Connection => "connection",
            ErrorKind::Authentication => "authentication",
            ErrorKind::Serialization => "serialization",
            ErrorKind::Deadlock => "deadlock",
            ErrorKind::LockNotAvailable => "lock_not_available",
            ErrorKind::AmbiguousCommit => "ambiguous_commit",
            ErrorKind::TransactionAborted => "transaction_aborted",
            ErrorKind::Decode => "decode",
            ErrorKind::Encode => "encode",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Configuration => "configuration",
            ErrorKind::SchemaDrift => "schema_drift",
            ErrorKind::IndexLint => "index_lint",
            ErrorKind::InvalidQuery => "invalid_query",
            ErrorKind::Syntax => "syntax",
            ErrorKind::StatementOutdated => "statement_outdated",
            ErrorKind::Closed => "closed",
            ErrorKind::QueueFull => "queue_full",
            ErrorKind::User => "user",
            ErrorKind::Database => "database",
        }
    }
}

/// What [`ErrorKind`] a database error has and what it names; filled in once by the dialect.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DatabaseDetail {
    /// SQLSTATE on PostgreSQL, the server's number on MySQL, the extended result code on SQLite.
    pub code: Option<String>,
    /// The violated constraint's or index's name, where the database tells it.
    pub constraint: Option<String>,
    /// The table named by the database.
    pub table: Option<String>,
    /// The columns named by the database (SQLite names columns, not constraints).
    pub columns: Vec<String>,
}

/// An error of entourage or of the database behind it.
///
/// `Display` is one line: what happened, on which table, at which call. The driver's own text follows as
/// [`source`](std::error::Error::source).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    detail: DatabaseDetail,
    call_site: Option<&'static Location<'static>>,
    shard: Option<Arc<str>>,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind` that says `message` (lower case, no full stop, naming the offending value).
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            detail: DatabaseDetail::default(),
            call_site: None,
            shard: None,
            source: None,
        }))
    }

    /// Wraps an error of user code, so that `?` can carry it out of a transaction; see [`Error::downcast_ref`].
    pub fn user(source: impl Into<Source>) -> Self {
        let source = source.into();
        Self::new(ErrorKind::User, source.to_string()).with_source(source)
    }

    /// The error of a statement for one of several callers that waited for it, from `call_site` if that
    /// is not the original's; the original is the source.
    pub(crate) fn shared(
        original: &Arc<Error>,
        call_site: Option<&'static Location<'static>>,
    ) -> Self {
        let inner = &original.0;
        Self(Box::new(Inner {
            kind: inner.kind,
            message: inner.message.clone(),
            hint: inner.hint.clone(),
            detail: inner.detail.clone(),
            call_site: call_site.or(inner.call_site),
            shard: inner.shard.clone(),
            source: Some(Box::new(Arc::clone(original))),
        }))
    }

    pub(crate) fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    pub(crate) fn invalid_query(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidQuery, message)
    }

    pub(crate) fn decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Decode, message)
    }

    pub(crate) fn not_found(table: &str, key: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("no row in `{table}` for {key}"),
        )
        .with_table(table)
    }

    /// Adds what the receiver can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds what the database names in its error; for implementations of connections.
    #[must_use]
    pub fn with_detail(mut self, detail: DatabaseDetail) -> Self {
        self.0.detail = detail;
        self
    }

    /// Names the columns, where the database named something that is known to be about them.
    #[must_use]
    pub(crate) fn with_columns(mut self, columns: Vec<String>) -> Self {
        self.0.detail.columns = columns;
        self
    }

    /// Names the table, unless the database has already named one.
    #[must_use]
    pub(crate) fn with_table(mut self, table: &str) -> Self {
        if self.0.detail.table.is_none() && !table.is_empty() {
            self.0.detail.table = Some(table.to_owned());
        }
        self
    }

    /// Names the user's call, unless a call nearer to the cause is already named.
    #[must_use]
    pub(crate) fn at(mut self, call_site: &'static Location<'static>) -> Self {
        self.0.call_site.get_or_insert(call_site);
        self
    }

    /// Names the shard that it is about, unless one is named already.
    #[must_use]
    pub(crate) fn on_shard(mut self, shard: &Arc<str>) -> Self {
        self.0.shard.get_or_insert_with(|| Arc::clone(shard));
        self
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong, for a `match`.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The code of the database's error: SQLSTATE on PostgreSQL (`"23505"`), the server's number on MySQL (`"1062"`), the
    /// extended result code on SQLite (`"2067"`).
    pub fn code(&self) -> Option<&str> {
        self.0.detail.code.as_deref()
    }

    /// The name of the violated constraint or index. SQLite names the columns only, see [`Error::columns`].
    pub fn constraint(&self) -> Option<&str> {
        self.0.detail.constraint.as_deref()
    }

    /// The table of the failing statement.
    pub fn table(&self) -> Option<&str> {
        self.0.detail.table.as_deref()
    }

    /// The columns that the error is about: those that the database names, and those of a violated unique constraint of the
    /// statement's entity, on every database. Empty where nobody knows them.
    pub fn columns(&self) -> &[String] {
        &self.0.detail.columns
    }

    /// The shard that failed, where a call went to several.
    pub fn shard(&self) -> Option<&str> {
        self.0.shard.as_deref()
    }

    /// File and line of the user's call that sent the failing statement.
    pub fn call_site(&self) -> Option<&'static Location<'static>> {
        self.0.call_site
    }

    /// What the receiver can do about it, where there is a known way out.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The cause, if it is a `T`: the way to get one's own error back out of a transaction.
    pub fn downcast_ref<T: std::error::Error + 'static>(&self) -> Option<&T> {
        self.0.source.as_deref()?.downcast_ref()
    }
}

macro_rules! predicates {
    ($($name:ident => $kind:ident, $doc:literal;)*) => {
        impl Error {
            $(#[doc = $doc]
            pub fn $name(&self) -> bool {
                self.0.kind == ErrorKind::$kind
            })*
        }
    };
}

predicates! {
    is_unique_violation => UniqueViolation, "A row with the same key or unique value exists; see [`Error::constraint`] and [`Error::columns`].";
    is_foreign_key_violation => ForeignKeyViolation, "A foreign key points at no row, or a row is still pointed at.";
    is_not_null_violation => NotNullViolation, "A column that must have a value was given NULL.";
    is_check_violation => CheckViolation, "A CHECK constraint refused a value.";
    is_not_found => NotFound, "`get` or `one` found no row.";
    is_too_many => TooMany, "`one` found more than one row.";
    is_stale => Stale, "An optimistic update met a newer version of the row, or no row.";
    is_no_shard => NoShard, "No shard has the rows of that key.";
    is_cross_shard => CrossShard, "The rows of one call or transaction are on several shards, or on another one than its own.";
    is_timeout => Timeout, "Waiting for a connection, a lock or a statement took longer than allowed.";
    is_connection => Connection, "The connection could not be opened, or was lost.";
    is_serialization_failure => Serialization, "The transaction could not be serialised with another; run it again.";
    is_deadlock => Deadlock, "The database broke a deadlock by ending this transaction; run it again.";
    is_statement_outdated => StatementOutdated, "The schema changed under a statement prepared before this transaction; run it again.";
    is_unsupported => Unsupported, "The call cannot be done on this database, or not in this place.";
    is_decode => Decode, "A value could not be read into its Rust type.";
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let detail = &self.0.detail;
        match (&detail.table, detail.columns.as_slice()) {
            // Of a row that cannot be read nobody else names the column.
            (Some(table), [column]) if self.0.kind == ErrorKind::Decode => {
                write!(f, " (column `{table}.{column}`)")?;
            }
            (Some(table), _) if !self.0.message.contains(table.as_str()) => {
                write!(f, " (table `{table}`)")?;
            }
            _ => {}
        }
        if let Some(shard) = &self.0.shard {
            write!(f, " on shard `{shard}`")?;
        }
        if let Some(call_site) = self.0.call_site {
            write!(f, " at {}:{}", call_site.file(), call_site.line())?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.0.kind)
            .field("message", &self.to_string());
        if self.0.detail != DatabaseDetail::default() {
            debug.field("detail", &self.0.detail);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
