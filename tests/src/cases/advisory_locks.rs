//! Advisory locks: whom they keep out, and that none outlives its transaction.

use std::time::Duration;

use entourage::{Database, ErrorKind, dialect::Dialect};

use crate::models::bank::*;

/// One at a time, by name or number; the transaction's end is the lock's.
pub async fn an_advisory_lock_lasts_as_long_as_its_transaction(db: &Database) {
    let watcher = db.begin().await.unwrap();
    for end in ["commit", "rollback", "drop"] {
        let key = format!("report {end}");
        let holder = db.begin().await.unwrap();
        holder.advisory_lock(key.as_str()).await.unwrap();
        assert!(holder.try_advisory_lock(key.clone()).await.unwrap());
        let other = db.begin().await.unwrap();
        assert!(!other.try_advisory_lock(key.as_str()).await.unwrap());
        assert!(other.try_advisory_lock(7).await.unwrap());
        other.rollback().await.unwrap();
        match end {
            "commit" => holder.commit().await.unwrap(),
            "rollback" => holder.rollback().await.unwrap(),
            _ => drop(holder),
        }
        // A dropped transaction is rolled back on its way to the pool.
        while !watcher.try_advisory_lock(key.as_str()).await.unwrap() {
            assert_eq!(end, "drop");
        }
    }
    watcher.commit().await.unwrap();
    while db.pool_stats().in_use > 0 {
        tokio::task::yield_now().await;
    }
}

/// The next one gets it when the first has committed, and sees what it did.
pub async fn an_advisory_lock_is_waited_for(db: &Database) {
    open_accounts(db, 1).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let tx = db.begin().await?;
                tx.advisory_lock(i64::MIN).await?;
                let mut account = AccountRepository::new(&tx).get(1).await?;
                account.balance += 1;
                AccountRepository::new(&tx).update(&account).await?;
                tx.commit().await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(total(db).await, 108);
}

/// A wait that is given up holds nobody up afterwards.
pub async fn a_wait_for_an_advisory_lock_can_be_given_up(db: &Database) {
    let holder = db.begin().await.unwrap();
    holder.advisory_lock("report").await.unwrap();
    let waiter = db.begin().await.unwrap();
    let wait = waiter.advisory_lock("report");
    let given_up = tokio::time::timeout(Duration::from_millis(50), wait).await;
    assert!(given_up.is_err());
    let next = waiter.try_advisory_lock(1).await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::TransactionAborted);
    waiter.rollback().await.unwrap();
    holder.commit().await.unwrap();
    let next = db.begin().await.unwrap();
    next.advisory_lock("report").await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(db.pool_stats().in_use, 0);
}

/// SQLite's word for it is another.
pub async fn sqlite_names_what_it_has_instead(db: &Database) {
    if db.dialect() != Dialect::Sqlite {
        return;
    }
    let tx = db.begin().await.unwrap();
    let recording = db.recorded();
    let error = tx.advisory_lock("report").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let hint = error.hint().unwrap();
    assert!(hint.contains("TransactionMode::Immediate"), "{hint}");
    assert!(tx.try_advisory_lock(1).await.is_err());
    assert_eq!(recording.count(), 0);
    tx.commit().await.unwrap();
}
