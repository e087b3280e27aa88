//! MariaDB: the table's AUTO_INCREMENT, moved by ALTER TABLE while the table is locked.
//!
//! The counter can be read and set, but not both at once: between the two an insert may take a number, and a counter set
//! to what somebody else has passed goes back. A lock on the table keeps all others out of both; it waits for open
//! transactions that have used the table. Locks of rows would not do: inserts do not ask for them.
//!
//! MySQL is refused: it takes no LOCK TABLES as a prepared statement, and tells of a counter that it remembers from
//! yesterday.
use super::{Counter, text};
use crate::{
    error::{ErrorKind, Result},
    executor::Executor,
    result_cache::write_behind::keys::stock::Numbers,
    schema::Value,
    statement::StatementKind,
};

/// For how many seconds a lock is waited for. Whoever wants to use the table waits behind us.
const PATIENCE: u32 = 2;

const STEP: &str = "SELECT CAST(@@auto_increment_increment AS SIGNED)";

const GALERA: &str = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES \
    WHERE VARIABLE_NAME = 'WSREP_ON' AND VARIABLE_VALUE = 'ON'";

/// The number that the next plain insert would be given.
const NEXT: &str = "SELECT CAST(AUTO_INCREMENT AS SIGNED) FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA = coalesce(?, DATABASE()) AND TABLE_NAME = ?";

pub(super) async fn check(counter: &Counter, executor: &dyn Executor) -> Result<()> {
    let by_hand = || "give keys yourself, without `generated`".to_owned();
    if !executor.capabilities().mariadb {
        let why = "MySQL's AUTO_INCREMENT cannot be read and moved in one step";
        return Err(counter.refused(why, by_hand()));
    }
    let kind = StatementKind::Schema;
    let steps: Vec<i64> = counter
        .ask(executor, STEP.to_owned(), kind, Vec::new())
        .await?;
    let galera: Vec<String> = counter
        .ask(executor, GALERA.to_owned(), kind, Vec::new())
        .await?;
    if steps != [1] || !galera.is_empty() {
        let why = "the server is one of several that count AUTO_INCREMENT together, and locks of tables are of one server";
        return Err(counter.refused(why, by_hand()));
    }
    match next(counter, executor).await? {
        Some(_) => Ok(()),
        None => Err(counter.refused(
            &format!("`{}` is not AUTO_INCREMENT", counter.label()),
            "make it so; or give keys yourself, without `generated`".to_owned(),
        )),
    }
}

pub(super) async fn reserve(
    counter: &Counter,
    executor: &dyn Executor,
    count: u32,
) -> Result<Numbers> {
    let table = counter.name(executor);
    let scope = executor.atomic(counter.call_site).await?;
    let kind = StatementKind::Transaction;
    let lock = format!("LOCK TABLES {table} WRITE WAIT {PATIENCE}");
    let locked = counter.run(scope.executor(), lock, kind).await;
    locked.map_err(|error| match error.kind() {
        ErrorKind::LockNotAvailable | ErrorKind::Timeout => error.with_hint(format!(
            "an open transaction has used `{}`: end it, or reserve more keys at once",
            counter.table.name
        )),
        _ => error,
    })?;
    let moved = advance(counter, scope.executor(), &table, count).await;
    // Before all else: nobody else can use the table.
    let unlock = "UNLOCK TABLES".to_owned();
    counter.run(scope.executor(), unlock, kind).await?;
    let last = moved?;
    scope.commit().await?;
    Numbers::through(last, count).ok_or_else(|| counter.astray())
}

/// Moves the counter by `count`; the last number before it.
async fn advance(
    counter: &Counter,
    executor: &dyn Executor,
    table: &str,
    count: u32,
) -> Result<i64> {
    let astray = || counter.astray();
    let first = next(counter, executor).await?.ok_or_else(astray)?;
    let beyond = first.checked_add(count.into()).ok_or_else(astray)?;
    let alter = format!("ALTER TABLE {table} WAIT {PATIENCE} AUTO_INCREMENT = {beyond}");
    counter.run(executor, alter, StatementKind::Other).await?;
    match next(counter, executor).await? {
        Some(next) if next == beyond => Ok(beyond - 1),
        _ => Err(astray()),
    }
}

async fn next(counter: &Counter, executor: &dyn Executor) -> Result<Option<i64>> {
    let schema = Value::String(counter.table.schema.map(str::to_owned));
    let args = vec![schema, text(counter.table.name)];
    let kind = StatementKind::Schema;
    let found: Vec<Option<i64>> = counter.ask(executor, NEXT.to_owned(), kind, args).await?;
    Ok(found.into_iter().flatten().next())
}
