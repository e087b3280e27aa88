//! Advisory locks: names that transactions agree upon, with no row behind them.
//!
//! PostgreSQL's belong to the transaction, and to the savepoint in which they were taken if it is rolled back. MySQL's
//! `GET_LOCK` belongs to the connection, so they are released after COMMIT or ROLLBACK, before anybody else gets the
//! connection. SQLite has none: its transactions that write run one after the other.
use std::{ops::ControlFlow, panic::Location, sync::Arc};

use super::Transaction;
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind, Result},
    executor::Executor,
    schema::{Cell, Value},
    statement::{Plan, Statement, StatementKind},
};

/// A year: as good as no limit. MySQL's `GET_LOCK` takes no other word for it.
const UNLIMITED: i64 = 365 * 24 * 60 * 60;

/// What an advisory lock is taken on: a number, or a text that is hashed to one.
///
/// Two texts may, very rarely, have one number: then they wait for each other without need. The number of a text is the
/// same in every program and every release: FNV-1a, 64 bits.
///
/// ```
/// use entourage::transaction::AdvisoryKey;
///
/// assert_eq!(AdvisoryKey::from("nightly report"), AdvisoryKey::from("nightly report".to_owned()));
/// assert_ne!(AdvisoryKey::from("nightly report"), AdvisoryKey::from(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AdvisoryKey(i64);

impl From<i64> for AdvisoryKey {
    fn from(key: i64) -> Self {
        Self(key)
    }
}

impl From<&str> for AdvisoryKey {
    fn from(text: &str) -> Self {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(hash.cast_signed())
    }
}

impl From<String> for AdvisoryKey {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// What is done where somebody else has the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    Wait,
    GiveUp,
}

impl Transaction {
    /// Waits until nobody else has the lock on `key`, and takes it until the transaction has ended. Taken twice it is
    /// no obstacle. It keeps out only those who ask for it, on the same database.
    ///
    /// ```no_run
    /// # async fn run(db: entourage::Database) -> entourage::Result<()> {
    /// let tx = db.begin().await?;
    /// tx.advisory_lock("nightly report").await?;
    /// // Only one of all programs gets here at a time.
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) on SQLite; [`Deadlock`](ErrorKind::Deadlock) if two wait for each other;
    /// those of any statement.
    ///
    /// # Cancellation
    /// Dropped while it waits, the transaction takes no more statements, as after any cancelled statement.
    #[track_caller]
    pub fn advisory_lock<K: Into<AdvisoryKey>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<()>> + Send + use<K> {
        let (tx, key, call_site) = (self.clone(), key.into(), Location::caller());
        async move {
            match tx.advisory(key, Otherwise::Wait, call_site).await? {
                true => Ok(()),
                false => Err(Error::new(
                    ErrorKind::Timeout,
                    "the advisory lock was waited for in vain",
                )
                .at(call_site)),
            }
        }
    }

    /// Takes the lock on `key` as [`advisory_lock`](Transaction::advisory_lock) does, if nobody else has it; whether it
    /// did.
    ///
    /// # Errors
    /// As [`advisory_lock`](Transaction::advisory_lock).
    #[track_caller]
    pub fn try_advisory_lock<K: Into<AdvisoryKey>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<bool>> + Send + use<K> {
        let (tx, key, call_site) = (self.clone(), key.into(), Location::caller());
        async move { tx.advisory(key, Otherwise::GiveUp, call_site).await }
    }

    async fn advisory(
        &self,
        key: AdvisoryKey,
        otherwise: Otherwise,
        call_site: &'static Location<'static>,
    ) -> Result<bool> {
        let statement = statement(self.dialect(), key, otherwise, call_site)?;
        if self.dialect() == Dialect::Mysql {
            let mut session = self.session(call_site).await?;
            session.release_named_locks_at_the_end();
        }
        let mut taken = None;
        let mut sink = |cells: &[Cell<'_>]| {
            taken = match cells {
                [Cell::Bool(taken)] => Some(*taken),
                [Cell::Int(taken)] => Some(*taken != 0),
                _ => None,
            };
            Ok(ControlFlow::Continue(()))
        };
        self.run(&statement, &mut sink).await?;
        taken.ok_or_else(|| {
            let message = "the database did not say whether the advisory lock was taken";
            Error::new(ErrorKind::Database, message).at(call_site)
        })
    }
}

fn statement(
    dialect: Dialect,
    key: AdvisoryKey,
    otherwise: Otherwise,
    call_site: &'static Location<'static>,
) -> Result<Statement> {
    let number = Value::BigInt(Some(key.0));
    let (sql, args) = match (dialect, otherwise) {
        (Dialect::Sqlite, _) => {
            return Err(Error::unsupported("advisory locks do not exist on SQLite")
                .with_hint("transactions that write run one after the other there: begin this one with `.mode(TransactionMode::Immediate)`, which is what `db.begin()` does")
                .at(call_site));
        }
        (Dialect::Postgres, Otherwise::Wait) => {
            ("SELECT TRUE FROM pg_advisory_xact_lock($1)", vec![number])
        }
        (Dialect::Postgres, Otherwise::GiveUp) => {
            ("SELECT pg_try_advisory_xact_lock($1)", vec![number])
        }
        // MySQL's names are the whole server's, so the database is part of them; they have at most 64 characters. MD5 is
        // gone from MySQL 9.
        (Dialect::Mysql, otherwise) => {
            let limit = match otherwise {
                Otherwise::Wait => UNLIMITED,
                Otherwise::GiveUp => 0,
            };
            let limit = Value::BigInt(Some(limit));
            let sql =
                "SELECT GET_LOCK(CONCAT(LEFT(SHA2(COALESCE(DATABASE(), ''), 256), 32), ':', ?), ?)";
            (sql, vec![number, limit])
        }
    };
    let plan = Plan::new(sql, StatementKind::Other, Vec::new());
    Ok(Statement::new(Arc::new(plan), args, call_site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_number_that_other_programs_know() {
        // The test vectors of the FNV specification.
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325_u64),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(AdvisoryKey::from(text), AdvisoryKey(hash.cast_signed()));
        }
    }
}
