//! The clause that locks a query's rows.
use sea_query::{
    Asterisk, Expr, JoinType, SelectStatement,
    extension::mysql::{IndexHintScope, MySqlSelectStatementExt},
};

use super::{
    Backend,
    scope::{Scope, table_ref},
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    statement::query::{Level, Link, Lock, LockStrength, LockWait},
};

/// Lets MySQL find rows by no other index than that of the primary key: it locks rows in the order in which it finds
/// them, and a covering index would be another order.
pub(super) fn force_key_order(select: &mut SelectStatement, lock: Option<Lock>, backend: Backend) {
    if lock.is_some_and(|lock| lock.by_key) && backend.dialect == Dialect::Mysql {
        select.force_index("PRIMARY", IndexHintScope::All);
    }
}

/// Joins a table that only tells whose the rows are, so that a lock on them is none on its rows: the clause names the
/// others, or where there is no `OF` the table is in a subquery, which locks nothing of its own.
pub(super) fn join_unlocked(
    select: &mut SelectStatement,
    scope: &Scope,
    on: Expr,
    lock: Option<Lock>,
    backend: Backend,
) {
    if lock.is_none() || backend.capabilities.lock_of {
        select.inner_join(scope.table_ref(), on);
        return;
    }
    let mut rows = SelectStatement::new();
    rows.column(Asterisk).from(table_ref(scope.table));
    select.join_subquery(JoinType::InnerJoin, rows, scope.alias.clone(), on);
}

/// What comes after everything else in the text of `level`.
pub(super) fn clause(level: &Level, lock: Lock, backend: Backend) -> Result<String> {
    let strength = strength(lock.strength, backend)?;
    let joins_others = |link: &Link| {
        let relation = link.relation.0;
        relation.through.is_some() || !Link::is_exact(relation)
    };
    // The level's own table is the first of its statement, and so has its own name there.
    let of = match backend.capabilities.lock_of && level.link.as_ref().is_some_and(joins_others) {
        true => format!(" OF {}", backend.dialect.quote(level.table.name)),
        false => String::new(),
    };
    let wait = match lock.wait {
        LockWait::Wait => "",
        LockWait::SkipLocked => " SKIP LOCKED",
        LockWait::NoWait => " NOWAIT",
    };
    Ok(format!(" {strength}{of}{wait}"))
}

fn strength(strength: LockStrength, backend: Backend) -> Result<&'static str> {
    if !backend.capabilities.select_for_update {
        return Err(
            Error::unsupported("row locks are not available on SQLite").with_hint(
                "a transaction that writes locks the whole database there, so that every row is locked: begin it without `read_only()` and without `TransactionMode::Deferred`",
            ),
        );
    }
    match (strength, backend.dialect) {
        (LockStrength::Update, _) => Ok("FOR UPDATE"),
        // MariaDB's name, which MySQL 8 takes only without SKIP LOCKED and NOWAIT.
        (LockStrength::Share, _) if !backend.capabilities.for_share => Ok("LOCK IN SHARE MODE"),
        (LockStrength::Share, _) => Ok("FOR SHARE"),
        (LockStrength::NoKeyUpdate, Dialect::Postgres) => Ok("FOR NO KEY UPDATE"),
        (LockStrength::KeyShare, Dialect::Postgres) => Ok("FOR KEY SHARE"),
        (LockStrength::NoKeyUpdate, _) => Err(Error::unsupported(
            "FOR NO KEY UPDATE is PostgreSQL's alone",
        )
        .with_hint("use `for_update()`, which locks more")),
        (LockStrength::KeyShare, _) => {
            Err(Error::unsupported("FOR KEY SHARE is PostgreSQL's alone")
                .with_hint("use `for_share()`, which locks more"))
        }
    }
}
