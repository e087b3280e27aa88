//! What a transaction promises, and the exact text that asks each database for it, or the reason why it cannot.
use std::{borrow::Cow, time::Duration};

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    pool::Access,
};

/// How far a transaction is kept apart from others that run at the same time. Each database keeps its own promise for
/// these words; a level that it does not have is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IsolationLevel {
    /// May see what others have not committed. PostgreSQL takes it as read committed.
    ReadUncommitted,
    /// Sees what was committed before each statement.
    ReadCommitted,
    /// Sees what was committed before its first statement. MySQL's allows lost updates.
    RepeatableRead,
    /// As if transactions ran one after the other. SQLite has no weaker one.
    Serializable,
}

impl IsolationLevel {
    fn sql(self) -> &'static str {
        match self {
            IsolationLevel::ReadUncommitted => "READ UNCOMMITTED",
            IsolationLevel::ReadCommitted => "READ COMMITTED",
            IsolationLevel::RepeatableRead => "REPEATABLE READ",
            IsolationLevel::Serializable => "SERIALIZABLE",
        }
    }
}

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AccessMode {
    /// It reads and writes.
    #[default]
    ReadWrite,
    /// It only reads; the database refuses writes.
    ReadOnly,
}

/// When an SQLite transaction takes its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionMode {
    /// At its first statement, and the lock for writing at its first write, which may fail.
    Deferred,
    /// The lock for writing at once: the usual one of transactions that write.
    Immediate,
    /// As `Immediate`; outside WAL mode it keeps readers out too.
    Exclusive,
}

/// What is asked of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TransactionOptions {
    pub(super) isolation: Option<IsolationLevel>,
    pub(super) access: AccessMode,
    pub(super) deferrable: bool,
    pub(super) mode: Option<TransactionMode>,
}

/// What is sent for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// Begins it.
    pub(super) begin: Cow<'static, str>,
    /// Undoes everything that `begin` may have done.
    pub(super) cleanup: &'static str,
    /// Puts settings back after COMMIT.
    pub(super) restore: Option<&'static str>,
    /// Which connection it needs.
    pub(super) access: Access,
    /// Whether a connection on which `begin` failed is as it was before.
    pub(super) begin_fails_cleanly: bool,
    /// Whether nobody else can write from its beginning on, to any row (SQLite).
    pub(super) locks_database: bool,
}

impl Script {
    /// Lets the server end a statement that we gave up when `remaining` was over: PostgreSQL learns only so that
    /// nobody waits for it.
    pub(super) fn limit_statements(&mut self, dialect: Dialect, remaining: Duration) {
        if dialect == Dialect::Postgres {
            let limit = remaining.as_millis().clamp(1, 2_147_483_647);
            let setting = format!("; SET LOCAL statement_timeout = {limit}");
            self.begin.to_mut().push_str(&setting);
            self.begin_fails_cleanly = false;
        }
    }
}

impl TransactionOptions {
    /// The script for `dialect`. `has_readers` says whether connections for reading cannot write.
    pub(super) fn script(&self, dialect: Dialect, has_readers: bool) -> Result<Script> {
        if self.deferrable && dialect != Dialect::Postgres {
            return Err(Error::unsupported(format!(
                "`deferrable` transactions exist on PostgreSQL only, not on {}",
                dialect.system_name()
            )));
        }
        if let Some(mode) = self.mode
            && dialect != Dialect::Sqlite
        {
            return Err(Error::unsupported(format!(
                "transaction mode {mode:?} exists on SQLite only, not on {}",
                dialect.system_name()
            ))
            .with_hint("lock rows with `for_update()`, or anything with `advisory_lock()`"));
        }
        match dialect {
            Dialect::Sqlite => self.sqlite(has_readers),
            Dialect::Postgres => Ok(self.postgres()),
            Dialect::Mysql => Ok(self.mysql()),
        }
    }

    fn sqlite(&self, has_readers: bool) -> Result<Script> {
        let read_only = self.access == AccessMode::ReadOnly;
        let begin = match (self.mode, read_only) {
            (Some(TransactionMode::Deferred), _) | (None, true) => "BEGIN DEFERRED",
            (Some(TransactionMode::Immediate), false) | (None, false) => "BEGIN IMMEDIATE",
            (Some(TransactionMode::Exclusive), false) => "BEGIN EXCLUSIVE",
            (Some(mode), true) => {
                return Err(Error::unsupported(format!(
                    "transaction mode {mode:?} takes the lock for writing, which a read-only transaction cannot"
                )));
            }
        };
        let uncommitted = match self.isolation {
            None | Some(IsolationLevel::Serializable) => false,
            Some(IsolationLevel::ReadUncommitted) => true,
            Some(level) => {
                return Err(Error::unsupported(format!(
                    "isolation level {level:?} does not exist on SQLite, whose transactions are serializable"
                ))
                .with_hint("ask for no level, or for `Serializable`"));
            }
        };
        // A connection of the readers cannot write anyhow.
        let guarded = read_only && !has_readers;
        let (settings, cleanup, restore) = match (uncommitted, guarded) {
            (false, false) => ("", "ROLLBACK", None),
            (true, false) => (
                "PRAGMA read_uncommitted = 1; ",
                "PRAGMA read_uncommitted = 0; ROLLBACK",
                Some("PRAGMA read_uncommitted = 0"),
            ),
            (false, true) => (
                "PRAGMA query_only = 1; ",
                "PRAGMA query_only = 0; ROLLBACK",
                Some("PRAGMA query_only = 0"),
            ),
            (true, true) => (
                "PRAGMA read_uncommitted = 1; PRAGMA query_only = 1; ",
                "PRAGMA read_uncommitted = 0; PRAGMA query_only = 0; ROLLBACK",
                Some("PRAGMA read_uncommitted = 0; PRAGMA query_only = 0"),
            ),
        };
        Ok(Script {
            begin: match settings {
                "" => begin.into(),
                settings => format!("{settings}{begin}").into(),
            },
            cleanup,
            restore,
            access: if read_only {
                Access::Read
            } else {
                Access::Write
            },
            begin_fails_cleanly: restore.is_none(),
            locks_database: begin != "BEGIN DEFERRED",
        })
    }

    fn postgres(&self) -> Script {
        let mut begin = Cow::Borrowed("BEGIN");
        if let Some(level) = self.isolation {
            begin.to_mut().push_str(" ISOLATION LEVEL ");
            begin.to_mut().push_str(level.sql());
        }
        if self.access == AccessMode::ReadOnly {
            begin.to_mut().push_str(" READ ONLY");
        }
        if self.deferrable {
            begin.to_mut().push_str(" DEFERRABLE");
        }
        self.plain(begin, true)
    }

    fn mysql(&self) -> Script {
        let start = match self.access {
            AccessMode::ReadWrite => "BEGIN",
            AccessMode::ReadOnly => "START TRANSACTION READ ONLY",
        };
        match self.isolation {
            // Left behind by a failing BEGIN, the level would be the next transaction's.
            Some(level) => {
                let level = level.sql();
                let begin = format!("SET TRANSACTION ISOLATION LEVEL {level}; {start}");
                self.plain(begin.into(), false)
            }
            None => self.plain(start.into(), true),
        }
    }

    fn plain(&self, begin: Cow<'static, str>, begin_fails_cleanly: bool) -> Script {
        Script {
            begin,
            cleanup: "ROLLBACK",
            restore: None,
            access: match self.access {
                AccessMode::ReadOnly => Access::Read,
                AccessMode::ReadWrite => Access::Write,
            },
            begin_fails_cleanly,
            locks_database: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn begin(options: TransactionOptions, dialect: Dialect) -> String {
        options.script(dialect, true).unwrap().begin.into_owned()
    }

    #[test]
    fn each_database_is_asked_in_its_own_words() {
        let plain = TransactionOptions::default();
        assert_eq!(begin(plain, Dialect::Sqlite), "BEGIN IMMEDIATE");
        assert_eq!(begin(plain, Dialect::Postgres), "BEGIN");
        assert_eq!(begin(plain, Dialect::Mysql), "BEGIN");

        let serializable = TransactionOptions {
            isolation: Some(IsolationLevel::Serializable),
            access: AccessMode::ReadOnly,
            ..plain
        };
        assert_eq!(begin(serializable, Dialect::Sqlite), "BEGIN DEFERRED");
        assert_eq!(
            begin(
                TransactionOptions {
                    deferrable: true,
                    ..serializable
                },
                Dialect::Postgres
            ),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"
        );
        assert_eq!(
            begin(serializable, Dialect::Mysql),
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; START TRANSACTION READ ONLY"
        );
    }

    #[test]
    fn settings_of_a_connection_are_put_back() {
        let options = TransactionOptions {
            isolation: Some(IsolationLevel::ReadUncommitted),
            access: AccessMode::ReadOnly,
            ..TransactionOptions::default()
        };
        let script = options.script(Dialect::Sqlite, false).unwrap();
        assert_eq!(
            script.begin,
            "PRAGMA read_uncommitted = 1; PRAGMA query_only = 1; BEGIN DEFERRED"
        );
        assert_eq!(
            script.restore,
            Some("PRAGMA read_uncommitted = 0; PRAGMA query_only = 0")
        );
        assert!(script.cleanup.ends_with("; ROLLBACK"));
        assert_eq!(script.access, Access::Read);
    }

    #[test]
    fn what_a_database_does_not_have_is_refused() {
        let refused = |options: TransactionOptions, dialect| {
            let error = options.script(dialect, true).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            error.to_string()
        };
        let plain = TransactionOptions::default();
        for level in [
            IsolationLevel::ReadCommitted,
            IsolationLevel::RepeatableRead,
        ] {
            let isolation = Some(level);
            let text = refused(TransactionOptions { isolation, ..plain }, Dialect::Sqlite);
            assert!(text.contains(&format!("{level:?}")), "{text}");
        }
        let deferrable = TransactionOptions {
            deferrable: true,
            ..plain
        };
        assert!(refused(deferrable, Dialect::Mysql).contains("deferrable"));
        let mode = Some(TransactionMode::Immediate);
        let text = refused(TransactionOptions { mode, ..plain }, Dialect::Postgres);
        assert!(text.contains("for_update"), "{text}");
        let access = AccessMode::ReadOnly;
        let text = refused(
            TransactionOptions {
                mode,
                access,
                ..plain
            },
            Dialect::Sqlite,
        );
        assert!(text.contains("Immediate"), "{text}");
    }
}
