//! Isolation: which anomalies each level of each database lets happen, and that none survives the retry helper.
//!
//! The anomalies and their names are those of Adya's thesis (2000), in the form of Martin Kleppmann's catalogue Hermitage
//! (github.com/ept/hermitage), whose results for PostgreSQL and for InnoDB are what the table expects. SQLite is not in
//! the catalogue; its transactions that write run one after the other.

mod anomalies;
mod script;

use std::sync::Arc;

use entourage::dialect::Dialect;
use entourage::prelude::*;
use entourage::transaction::{IsolationLevel, Retry, TransactionMode};
use entourage::{Database, Transaction};
use tokio::sync::Barrier;

use crate::models::bank::*;
use anomalies::ANOMALIES;
pub(super) use script::waiting;
use script::{Outcome, play};

const LEVELS: [IsolationLevel; 4] = [
    IsolationLevel::ReadUncommitted,
    IsolationLevel::ReadCommitted,
    IsolationLevel::RepeatableRead,
    IsolationLevel::Serializable,
];

/// Every anomaly at every level, with two or three transactions step by step.
pub async fn each_level_prevents_what_its_database_promises(db: &Database) {
    let table = "CREATE TABLE test (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)";
    let engine = match db.dialect() {
        Dialect::Mysql => " ENGINE = InnoDB",
        _ => "",
    };
    db.execute_script(&format!("{table}{engine}"))
        .await
        .unwrap();
    let mut wrong = Vec::new();
    for anomaly in ANOMALIES {
        for (level, position) in LEVELS.into_iter().zip(0..) {
            let expected = match db.dialect() {
                Dialect::Postgres => anomaly.postgres[position],
                Dialect::Mysql => anomaly.mysql[position],
                Dialect::Sqlite => match level {
                    IsolationLevel::ReadUncommitted | IsolationLevel::Serializable => {
                        Outcome::Prevented
                    }
                    _ => continue,
                },
            };
            let played = play(db, level, anomaly.script).await;
            let outcome = played.outcome(anomaly.happened);
            if outcome != expected {
                let name = anomaly.name;
                wrong.push(format!(
                    "{name} at {level:?}: {outcome:?} instead of {expected:?}: {played:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(db.pool_stats().in_use, 0);
}

/// The levels that promise that no update is lost.
fn safe_levels(db: &Database) -> &'static [IsolationLevel] {
    match db.dialect() {
        Dialect::Postgres => &[IsolationLevel::RepeatableRead, IsolationLevel::Serializable],
        _ => &[IsolationLevel::Serializable],
    }
}

/// Runs `work` `rounds` times in each of four tasks, again after each conflict.
async fn crowd<F>(
    db: &Database,
    level: IsolationLevel,
    rounds: u64,
    work: impl Fn(Transaction, u64) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Result<()>> + Send,
{
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (db, work) = (db.clone(), work.clone());
            tokio::spawn(async move {
                for round in 0..rounds {
                    let run = db
                        .transaction()
                        .isolation(level)
                        .retry(Retry::default().attempts(1_000));
                    run.run(|tx| work(tx, task * rounds + round)).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(db.pool_stats().in_use, 0);
}

/// Read, add one, write: nothing is lost.
pub async fn every_increment_survives_at_the_levels_that_promise_it(db: &Database) {
    open_accounts(db, 1).await;
    for (level, times) in safe_levels(db).iter().zip(1..) {
        crowd(db, *level, 10, |tx, _| async move {
            let accounts = AccountRepository::new(&tx);
            let mut account = accounts.get(1).await?;
            tokio::task::yield_now().await;
            account.balance += 1;
            accounts.update(&account).await?;
            Ok(())
        })
        .await;
        assert_eq!(total(db).await, 100 + 40 * times, "{level:?}");
    }
}

/// Two programs on one file of SQLite, each with a queue of its own: only the file's locks keep them apart. A deferred
/// transaction may find its snapshot too old to write; it is run again.
pub async fn two_programs_on_one_file_lose_no_update(db: &Database) {
    if db.dialect() != Dialect::Sqlite {
        return;
    }
    open_accounts(db, 1).await;
    let files = db.sql("PRAGMA database_list", args![]);
    let (_, _, file) = files.fetch_one::<(i64, String, String)>().await.unwrap();
    if file.is_empty() {
        // In memory there is no second program.
        return;
    }
    let other = Database::connect(&format!("sqlite://{file}"))
        .await
        .unwrap();
    let modes = [TransactionMode::Deferred, TransactionMode::Immediate];
    for (mode, times) in modes.into_iter().zip(1..) {
        let both = Arc::new(Barrier::new(2));
        let program = |db: &Database| {
            let (db, both) = (db.clone(), Arc::clone(&both));
            tokio::spawn(async move {
                let mut attempts = 0;
                for _ in 0..20 {
                    let mut first = true;
                    let run = db
                        .transaction()
                        .mode(mode)
                        .retry(Retry::default().attempts(1_000));
                    let done: Result<()> = run
                        .run(|tx| {
                            attempts += 1;
                            // Both have read, where both may: then one of two is too old.
                            let meets =
                                std::mem::take(&mut first) && mode == TransactionMode::Deferred;
                            let both = meets.then(|| Arc::clone(&both));
                            async move {
                                let accounts = AccountRepository::new(&tx);
                                let mut account = accounts.get(1).await?;
                                if let Some(both) = both {
                                    both.wait().await;
                                }
                                account.balance += 1;
                                accounts.update(&account).await?;
                                Ok(())
                            }
                        })
                        .await;
                    done.unwrap();
                }
                attempts
            })
        };
        let (one, two) = (program(db), program(&other));
        let attempts = one.await.unwrap() + two.await.unwrap();
        assert_eq!(total(db).await, 100 + 40 * times, "{mode:?}");
        if mode == TransactionMode::Deferred {
            assert!(attempts >= 60, "only {attempts} attempts");
        }
    }
    other.close().await;
}

/// Read two, write two, lock nothing.
pub async fn no_transfer_makes_or_loses_money(db: &Database) {
    open_accounts(db, 5).await;
    for level in safe_levels(db) {
        crowd(db, *level, 10, |tx, round| async move {
            let from = i64::try_from(round % 5).unwrap() + 1;
            let to = i64::try_from(round / 5 % 4 + round + 1).unwrap() % 5 + 1;
            if from == to {
                return Ok(());
            }
            let accounts = AccountRepository::new(&tx);
            let mut giver = accounts.get(from).await?;
            let mut taker = accounts.get(to).await?;
            tokio::task::yield_now().await;
            giver.balance -= 7;
            taker.balance += 7;
            accounts.update(&giver).await?;
            accounts.update(&taker).await?;
            Ok(())
        })
        .await;
        assert_eq!(total(db).await, 500, "{level:?}");
    }
}

/// Two accounts together may not go below zero; no one row says so.
pub async fn a_rule_over_several_rows_holds(db: &Database) {
    open_accounts(db, 2).await;
    crowd(
        db,
        IsolationLevel::Serializable,
        10,
        |tx, round| async move {
            let accounts = AccountRepository::new(&tx);
            let both = accounts.query().all().await?;
            let together: i64 = both.iter().map(|account| account.balance).sum();
            tokio::task::yield_now().await;
            if together < 30 {
                return Ok(());
            }
            let mut account = accounts.get(i64::try_from(round % 2).unwrap() + 1).await?;
            account.balance -= 30;
            accounts.update(&account).await?;
            Ok(())
        },
    )
    .await;
    assert_eq!(total(db).await, 20);
}
