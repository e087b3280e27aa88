//! Transactions: what they keep, what they take back, and what others see meanwhile.

use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use entourage::dialect::Dialect;
use entourage::driver::NoRows;
use entourage::executor::Executor;
use entourage::schema::Cell;
use entourage::statement::{Plan, Statement, StatementKind};
use entourage::transaction::{IsolationLevel, Retry};
use entourage::{Database, Error, ErrorKind, Result, Transaction};

const READ: &str = "SELECT balance FROM accounts WHERE id = 1";
const ADD: &str = "UPDATE accounts SET balance = balance + 1 WHERE id = 1";

async fn make_accounts(db: &Database) {
    let engine = match db.dialect() {
        Dialect::Mysql => " ENGINE = InnoDB",
        _ => "",
    };
    let script = format!(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL){engine}; \
         INSERT INTO accounts (id, balance) VALUES (1, 0), (2, 0)"
    );
    db.execute_script(&script).await.unwrap();
}

#[track_caller]
fn statement(sql: &str) -> Statement {
    let kind = match sql.starts_with("SELECT") {
        true => StatementKind::Select,
        false => StatementKind::Update,
    };
    let plan = Plan::new(sql, kind, vec!["accounts".into()]);
    Statement::new(Arc::new(plan), Vec::new(), Location::caller())
}

async fn send(executor: &dyn Executor, sql: &str) -> Result<()> {
    executor.run(&statement(sql), &mut NoRows).await.map(drop)
}

async fn number(executor: &dyn Executor, sql: &str) -> Result<i64> {
    let mut number = None;
    let mut sink = |cells: &[Cell<'_>]| {
        number = match cells[0] {
            Cell::Int(value) => Some(value),
            _ => None,
        };
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&statement(sql), &mut sink).await?;
    Ok(number.expect("the statement returns one number"))
}

async fn balance(executor: &dyn Executor) -> i64 {
    number(executor, READ).await.unwrap()
}

/// Commit keeps, rollback and drop take back, and the connection is clean for the next one.
pub async fn only_what_is_committed_is_kept(db: &Database) {
    make_accounts(db).await;
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    assert_eq!(balance(&tx).await, 1);
    tx.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    tx.rollback().await.unwrap();
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    drop(tx);
    send(db, ADD).await.unwrap();
    assert_eq!(balance(db).await, 2);
}

/// An error inside a savepoint leaves what is around it alive on every database.
pub async fn a_savepoint_takes_back_only_its_own(db: &Database) {
    make_accounts(db).await;
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    let inner = tx.begin().await.unwrap();
    send(&inner, ADD).await.unwrap();
    let twice = send(&inner, "INSERT INTO accounts (id, balance) VALUES (1, 5)").await;
    assert!(twice.unwrap_err().is_unique_violation());
    inner.rollback().await.unwrap();
    let dropped = tx.begin().await.unwrap();
    send(&dropped, ADD).await.unwrap();
    drop(dropped);
    let kept = tx.begin().await.unwrap();
    send(&kept, ADD).await.unwrap();
    kept.commit().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(balance(db).await, 2);
}

/// PostgreSQL goes on only after a rollback, and the error says why; the others go on.
pub async fn an_error_is_not_hidden_by_the_ones_that_follow(db: &Database) {
    make_accounts(db).await;
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    let twice = send(&tx, "INSERT INTO accounts (id, balance) VALUES (1, 5)").await;
    assert!(twice.unwrap_err().is_unique_violation());
    if db.dialect() == Dialect::Postgres {
        let next = send(&tx, ADD).await.unwrap_err();
        assert_eq!(next.kind(), ErrorKind::TransactionAborted);
        let commit = tx.commit().await.unwrap_err();
        assert_eq!(commit.kind(), ErrorKind::TransactionAborted);
        assert_eq!(balance(db).await, 0);
    } else {
        send(&tx, ADD).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(balance(db).await, 2);
    }
}

/// The database itself refuses; the connection may write again afterwards.
pub async fn a_read_only_transaction_cannot_write(db: &Database) {
    make_accounts(db).await;
    let tx = db.transaction().read_only().begin().await.unwrap();
    assert_eq!(balance(&tx).await, 0);
    assert!(send(&tx, ADD).await.is_err());
    drop(tx);
    for _ in 0..10 {
        send(db, ADD).await.unwrap();
    }
    assert_eq!(balance(db).await, 10);
}

/// Read, think, write: with serializable and retry every increment survives.
pub async fn no_update_is_lost_by_transactions_that_run_again(db: &Database) {
    make_accounts(db).await;
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let run = db
                        .transaction()
                        .isolation(IsolationLevel::Serializable)
                        .retry(Retry::default().attempts(1_000));
                    run.run(increment).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(balance(db).await, 60);
    assert_eq!(db.pool_stats().in_use, 0);
}

async fn increment(tx: Transaction) -> Result<()> {
    let before = balance_in(&tx).await?;
    tokio::task::yield_now().await;
    let sql = format!("UPDATE accounts SET balance = {} WHERE id = 1", before + 1);
    send(&tx, &sql).await
}

async fn balance_in(tx: &Transaction) -> Result<i64> {
    number(tx, READ).await
}

/// Two that lock in opposite order: one is told of the deadlock and runs again.
pub async fn two_that_lock_in_opposite_order_both_succeed(db: &Database) {
    make_accounts(db).await;
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let transfer = |from: i32, to: i32| {
        let (db, both) = (db.clone(), Arc::clone(&both));
        tokio::spawn(async move {
            let mut first = true;
            let run = db.transaction().retry(Retry::default());
            run.run(|tx| {
                let both = std::mem::take(&mut first).then(|| Arc::clone(&both));
                async move {
                    send(
                        &tx,
                        &format!("UPDATE accounts SET balance = balance - 5 WHERE id = {from}"),
                    )
                    .await?;
                    // Both hold their first lock, the first time.
                    if let Some(both) = both {
                        both.wait().await;
                    }
                    send(
                        &tx,
                        &format!("UPDATE accounts SET balance = balance + 5 WHERE id = {to}"),
                    )
                    .await
                }
            })
            .await
        })
    };
    let (there, back) = (transfer(1, 2), transfer(2, 1));
    there.await.unwrap().unwrap();
    back.await.unwrap().unwrap();
    assert_eq!(balance(db).await, 0);
}

/// Each level shows what it promises, and is the next transaction's no more.
pub async fn an_isolation_level_holds_for_its_transaction_only(db: &Database) {
    make_accounts(db).await;
    for (level, sees) in [
        (IsolationLevel::ReadCommitted, 1),
        (IsolationLevel::RepeatableRead, 0),
    ] {
        send(db, "UPDATE accounts SET balance = 0 WHERE id = 1")
            .await
            .unwrap();
        let tx = db.transaction().isolation(level).begin().await.unwrap();
        assert_eq!(balance(&tx).await, 0);
        send(db, ADD).await.unwrap();
        assert_eq!(balance(&tx).await, sees, "{level:?}");
        tx.commit().await.unwrap();
        let current = match db.dialect() {
            Dialect::Postgres => {
                "SELECT CASE current_setting('transaction_isolation') WHEN 'read committed' THEN 1 ELSE 0 END::bigint"
            }
            _ => continue,
        };
        assert_eq!(number(db, current).await.unwrap(), 1);
    }
}

/// A level that the database lacks is refused before anything is sent.
pub async fn a_level_that_does_not_exist_is_refused(db: &Database) {
    if db.dialect() == Dialect::Sqlite {
        let level = IsolationLevel::RepeatableRead;
        let refused = db.transaction().isolation(level).begin().await.unwrap_err();
        assert!(refused.is_unsupported());
        assert!(refused.hint().is_some());
    }
    let run = db.transaction().isolation(IsolationLevel::Serializable);
    let done: Result<()> = run.run(|_| async { Ok(()) }).await;
    done.unwrap();
}

/// Whatever a task was doing when it was aborted, the next one finds clean connections.
pub async fn tasks_aborted_at_random_leave_nothing_open(db: &Database) {
    make_accounts(db).await;
    for round in 0_u64..30 {
        let task = tokio::spawn({
            let db = db.clone();
            async move {
                loop {
                    let tx = db.begin().await?;
                    send(&tx, ADD).await?;
                    let inner = tx.begin().await?;
                    send(&inner, ADD).await?;
                    inner.rollback().await?;
                    tx.rollback().await?;
                }
                #[allow(unreachable_code, reason = "names the error of the `?` above")]
                Ok::<(), Error>(())
            }
        });
        tokio::time::sleep(Duration::from_micros(137 * round)).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(balance(db).await, 0);
    }
    send(db, ADD).await.unwrap();
    assert_eq!(balance(db).await, 1);
    // The last clean-up may still be on its way.
    while db.pool_stats().in_use > 0 {
        tokio::task::yield_now().await;
    }
}

/// A statement dropped on the wire ends its transaction; its connection is not lent again.
pub async fn a_statement_cancelled_on_the_server_ends_its_transaction(db: &Database) {
    make_accounts(db).await;
    let sleep = match db.dialect() {
        Dialect::Postgres => "SELECT 1::bigint FROM pg_sleep(30)",
        _ => "SELECT SLEEP(30)",
    };
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    let slow = tokio::time::timeout(Duration::from_millis(50), send(&tx, sleep)).await;
    assert!(slow.is_err());
    let next = send(&tx, ADD).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::TransactionAborted);
    tx.rollback().await.unwrap();
    assert_eq!(balance(db).await, 0);
    let stats = db.pool_stats();
    assert_eq!((stats.in_use, stats.closed_broken), (0, 1));
}

/// A killed connection is a typed error for who had it, and nothing for anybody else.
pub async fn a_killed_connection_is_replaced(db: &Database) {
    make_accounts(db).await;
    let own = match db.dialect() {
        Dialect::Postgres => "SELECT pg_backend_pid()::bigint",
        _ => "SELECT CONNECTION_ID()",
    };
    let tx = db.begin().await.unwrap();
    send(&tx, ADD).await.unwrap();
    let killed = number(&tx, own).await.unwrap();
    let kill = match db.dialect() {
        Dialect::Postgres => format!("SELECT pg_terminate_backend({killed})"),
        _ => format!("KILL {killed}"),
    };
    db.execute_script(&kill).await.unwrap();
    let lost = send(&tx, ADD).await.unwrap_err();
    assert!(lost.is_connection(), "{lost:?}");
    let next = send(&tx, ADD).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::TransactionAborted);
    drop(tx);
    for _ in 0..3 {
        assert_eq!(balance(db).await, 0);
    }
}

/// COMMIT on a connection that is gone: nobody knows, and nobody runs it again.
pub async fn a_commit_on_a_lost_connection_is_ambiguous(db: &Database) {
    make_accounts(db).await;
    let own = match db.dialect() {
        Dialect::Postgres => "SELECT pg_backend_pid()::bigint",
        _ => "SELECT CONNECTION_ID()",
    };
    let mut attempts = 0;
    let counted = &mut attempts;
    let run = db.transaction().retry(Retry::default());
    let result: Result<()> = run
        .run(|tx| {
            *counted += 1;
            let db = db.clone();
            async move {
                send(&tx, ADD).await?;
                let killed = number(&tx, own).await?;
                let kill = match db.dialect() {
                    Dialect::Postgres => format!("SELECT pg_terminate_backend({killed})"),
                    _ => format!("KILL {killed}"),
                };
                db.execute_script(&kill).await
            }
        })
        .await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCommit, "{error:?}");
    assert_eq!(attempts, 1);
}
