//! Settings that a connection has for its whole life, as types instead of SQL.
//!
//! They are sent once, in one batch, when a connection is opened, so that no statement pays for them. A transaction pooler
//! in between does not keep them; set them on the role or the database there.
//!
//! | setting | PostgreSQL | MariaDB | MySQL | SQLite |
//! |---|---|---|---|---|
//! | `statement_timeout` | `statement_timeout` | `max_statement_time` | `max_execution_time`, SELECT only | a progress handler |
//! | `lock_timeout` | `lock_timeout` | `innodb_lock_wait_timeout` and `lock_wait_timeout`, whole seconds | the same | `busy_timeout` |
use std::time::Duration;

use super::options::{ConnectOptions, StatementMode, product};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

/// What a commit of PostgreSQL waits for; its `synchronous_commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SynchronousCommit {
    /// Nothing. A crash of the server may lose the last commits, but never corrupts.
    Off,
    /// The primary's own disk.
    Local,
    /// The standbys have received it.
    RemoteWrite,
    /// The disks of the primary and of its synchronous standbys: the server's default.
    On,
    /// The standbys show it to readers.
    RemoteApply,
}

/// How SQLite keeps a commit whole; its `journal_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JournalMode {
    /// A log beside the file: readers and the writer do not wait for each other. Not for network file systems.
    Wal,
    /// A rollback journal, deleted at each commit. Readers and the writer wait for each other.
    Delete,
    /// The same, cut to nothing instead of deleted.
    Truncate,
    /// The same, its head overwritten.
    Persist,
    /// The same in memory: a crash of the program in a commit corrupts the file.
    Memory,
    /// None: nothing can be rolled back, and a crash corrupts the file. For files that can be made again.
    Off,
}

/// How far SQLite waits for the disk; its `synchronous`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Synchronous {
    /// Not at all: a power failure may corrupt the file.
    Off,
    /// At the moments that keep the file whole. With a WAL, a power failure may lose the last commits.
    Normal,
    /// At every commit.
    Full,
    /// At every commit, its folder too.
    Extra,
}

/// A part of the `sql_mode` of MySQL and MariaDB.
///
/// Modes that change how text is read, such as `ANSI_QUOTES`, are not offered: generated SQL relies on it.
/// `PIPES_AS_CONCAT` is always on, for the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SqlMode {
    /// A wrong value is an error in tables with transactions.
    StrictTransTables,
    /// A wrong value is an error in all tables.
    StrictAllTables,
    /// A division by zero is an error when its result is stored.
    ErrorForDivisionByZero,
    /// A date of zeroes is refused.
    NoZeroDate,
    /// A date with the month or the day zero is refused.
    NoZeroInDate,
    /// Columns beside a GROUP BY must follow from it.
    OnlyFullGroupBy,
    /// A storage engine that is missing is an error.
    NoEngineSubstitution,
    /// A zero in an AUTO_INCREMENT column is a zero.
    NoAutoValueOnZero,
}

/// The settings of a session. What is not set stays as the server has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) statement_timeout: Option<Duration>,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) idle_in_transaction_session_timeout: Option<Duration>,
    pub(super) synchronous_commit: Option<SynchronousCommit>,
    pub(super) sql_mode: Option<Vec<SqlMode>>,
    pub(super) journal_mode: Option<JournalMode>,
    pub(super) synchronous: Option<Synchronous>,
    pub(super) cache_size: Option<u64>,
    pub(super) mmap_size: Option<u64>,
}

impl ConnectOptions {
    /// How long a statement may run before the database ends it with a [`Timeout`](crate::ErrorKind::Timeout) error; for
    /// ever unless set.
    ///
    /// MySQL (not MariaDB) ends only SELECTs so. SQLite looks at the clock while it works, not while it waits for a lock;
    /// a write that it ends takes its whole transaction with it.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.session.statement_timeout = Some(timeout);
        self
    }

    /// How long a statement waits for a lock before it ends with
    /// [`LockNotAvailable`](crate::ErrorKind::LockNotAvailable); as the server has it unless set.
    ///
    /// MySQL and MariaDB wait for whole seconds: it is rounded up. On SQLite it is another name of
    /// [`busy_timeout`](ConnectOptions::busy_timeout).
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.session.lock_timeout = Some(timeout);
        self
    }

    /// How long a transaction of PostgreSQL may do nothing before the server ends its connection.
    #[must_use]
    pub fn idle_in_transaction_session_timeout(mut self, timeout: Duration) -> Self {
        self.session.idle_in_transaction_session_timeout = Some(timeout);
        self
    }

    /// What a commit of PostgreSQL waits for.
    #[must_use]
    pub fn synchronous_commit(mut self, mode: SynchronousCommit) -> Self {
        self.session.synchronous_commit = Some(mode);
        self
    }

    /// The `sql_mode` of a MySQL or MariaDB connection, instead of the server's.
    #[must_use]
    pub fn sql_mode(mut self, modes: impl IntoIterator<Item = SqlMode>) -> Self {
        self.session.sql_mode = Some(modes.into_iter().collect());
        self
    }

    /// The journal of an SQLite file; [`JournalMode::Wal`] unless set.
    #[must_use]
    pub fn journal_mode(mut self, mode: JournalMode) -> Self {
        self.session.journal_mode = Some(mode);
        self
    }

    /// How far SQLite waits for the disk; [`Synchronous::Normal`] unless set.
    #[must_use]
    pub fn synchronous(mut self, mode: Synchronous) -> Self {
        self.session.synchronous = Some(mode);
        self
    }

    /// How many bytes of an SQLite database each connection keeps in memory; 2 MB unless set.
    #[must_use]
    pub fn cache_size(mut self, bytes: u64) -> Self {
        self.session.cache_size = Some(bytes);
        self
    }

    /// How many bytes of an SQLite file are read through a memory map; none unless set.
    #[must_use]
    pub fn mmap_size(mut self, bytes: u64) -> Self {
        self.session.mmap_size = Some(bytes);
        self
    }

    /// Refuses settings that the database does not have, or that have no meaning.
    pub(super) fn validate_session(&self) -> Result<()> {
        use Dialect::{Mysql, Postgres, Sqlite};
        let session = &self.session;
        let own = [
            (
                "idle_in_transaction_session_timeout",
                session.idle_in_transaction_session_timeout.is_some(),
                Postgres,
            ),
            (
                "synchronous_commit",
                session.synchronous_commit.is_some(),
                Postgres,
            ),
            ("sql_mode", session.sql_mode.is_some(), Mysql),
            ("journal_mode", session.journal_mode.is_some(), Sqlite),
            ("synchronous", session.synchronous.is_some(), Sqlite),
            ("cache_size", session.cache_size.is_some(), Sqlite),
            ("mmap_size", session.mmap_size.is_some(), Sqlite),
        ];
        for (option, is_set, dialect) in own {
            if is_set && dialect != self.dialect {
                return Err(Error::configuration(format!(
                    "`{option}` is not an option of a connection to {}",
                    product(self.dialect)
                )));
            }
            let of_file = matches!(option, "journal_mode" | "synchronous" | "mmap_size");
            if is_set && of_file && self.is_in_memory() {
                return Err(Error::configuration(format!(
                    "`{option}` has no meaning for a database in memory"
                ))
                .with_hint("leave it out, or name a file"));
            }
        }
        self.validate_keeping()?;
        self.validate_times()
    }

    /// Behind a pooler the next statement may meet another server, which knows nothing of what was set on the last.
    fn validate_keeping(&self) -> Result<()> {
        let session = &self.session;
        let set = [
            ("statement_timeout", session.statement_timeout.is_some()),
            ("lock_timeout", session.lock_timeout.is_some()),
            (
                "idle_in_transaction_session_timeout",
                session.idle_in_transaction_session_timeout.is_some(),
            ),
            ("synchronous_commit", session.synchronous_commit.is_some()),
        ];
        match set.into_iter().find(|(_, is_set)| *is_set) {
            Some((option, _)) if self.get_statement_mode() == StatementMode::Pooler => {
                Err(Error::configuration(format!(
                    "`{option}` is a setting of the session, which a pooler does not keep"
                ))
                .with_hint(format!(
                    "set it on the server instead: `ALTER ROLE .. SET {option} = ..`"
                )))
            }
            _ => Ok(()),
        }
    }

    fn validate_times(&self) -> Result<()> {
        let session = &self.session;
        for (option, timeout) in [
            ("statement_timeout", session.statement_timeout),
            ("lock_timeout", session.lock_timeout),
            (
                "idle_in_transaction_session_timeout",
                session.idle_in_transaction_session_timeout,
            ),
        ] {
            let Some(timeout) = timeout else {
                continue;
            };
            if timeout.is_zero() {
                return Err(Error::configuration(format!(
                    "`{option}` is zero, which databases take for no limit or for no time at all"
                ))
                .with_hint("leave it out to have no limit"));
            }
            if timeout > LONGEST {
                return Err(Error::configuration(format!(
                    "`{option}` ({timeout:?}) is longer than the {LONGEST:?} that every database takes"
                ))
                .with_hint("leave it out to have no limit"));
            }
        }
        match (self.dialect, self.busy_timeout, session.lock_timeout) {
            (Dialect::Sqlite, Some(busy), Some(lock)) if busy != lock => {
                Err(Error::configuration(format!(
                    "`busy_timeout` ({busy:?}) and `lock_timeout` ({lock:?}) are one setting on SQLite"
                ))
                .with_hint("give one of them"))
            }
            _ => Ok(()),
        }
    }
}

/// PostgreSQL counts milliseconds in 32 bits; this is 24 days.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// The words of one enum: for SQL, and to be read from a URL.
macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal,)* })*) => {$(
        impl $type {
            pub(super) const ALL: &[(&str, Self)] = &[$(($word, Self::$variant),)*];

            /// The database's own word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    )*};
}

words! {
    SynchronousCommit {
        Off = "off", Local = "local", RemoteWrite = "remote_write", On = "on", RemoteApply = "remote_apply",
    }
    JournalMode {
        Wal = "wal", Delete = "delete", Truncate = "truncate", Persist = "persist", Memory = "memory", Off = "off",
    }
    Synchronous {
        Off = "off", Normal = "normal", Full = "full", Extra = "extra",
    }
    SqlMode {
        StrictTransTables = "STRICT_TRANS_TABLES",
        StrictAllTables = "STRICT_ALL_TABLES",
        ErrorForDivisionByZero = "ERROR_FOR_DIVISION_BY_ZERO",
        NoZeroDate = "NO_ZERO_DATE",
        NoZeroInDate = "NO_ZERO_IN_DATE",
        OnlyFullGroupBy = "ONLY_FULL_GROUP_BY",
        NoEngineSubstitution = "NO_ENGINE_SUBSTITUTION",
        NoAutoValueOnZero = "NO_AUTO_VALUE_ON_ZERO",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn refused(options: ConnectOptions) -> String {
        options.validate().unwrap_err().to_string()
    }

    #[test]
    fn a_setting_of_another_database_or_without_meaning_is_refused() {
        let mysql = || ConnectOptions::mysql("db");
        assert_eq!(
            refused(mysql().synchronous_commit(SynchronousCommit::Off)),
            "`synchronous_commit` is not an option of a connection to MySQL or MariaDB"
        );
        assert!(refused(ConnectOptions::postgres("db").sql_mode([])).contains("`sql_mode`"));
        assert!(refused(mysql().journal_mode(JournalMode::Wal)).contains("`journal_mode`"));
        assert!(refused(mysql().statement_timeout(Duration::ZERO)).contains("is zero"));
        assert!(refused(mysql().lock_timeout(LONGEST + SECOND)).contains("longer than"));
        let memory = ConnectOptions::sqlite_in_memory().journal_mode(JournalMode::Wal);
        assert!(refused(memory).contains("database in memory"));
        let twice = ConnectOptions::sqlite("a.db")
            .busy_timeout(SECOND)
            .lock_timeout(2 * SECOND);
        assert!(refused(twice).contains("one setting on SQLite"));
    }

    #[test]
    fn a_setting_that_a_pooler_would_lose_is_refused() {
        let options = ConnectOptions::postgres("db").statement_mode(StatementMode::Pooler);
        options.validate_session().unwrap();
        let error = options
            .lock_timeout(Duration::from_secs(1))
            .validate_session()
            .unwrap_err();
        assert!(
            error.to_string().contains("ALTER ROLE .. SET lock_timeout"),
            "{error}"
        );
    }
}
