//! Levels inside a transaction.
use std::sync::Mutex;

use super::*;
use crate::{error::ErrorKind, executor::AtomicScope, pool::tests::cancel_after};

#[tokio::test]
async fn a_savepoint_takes_back_only_its_own() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    send(&tx, "UPDATE 1").await.unwrap();
    let inner = tx.begin().await.unwrap();
    send(&inner, "UPDATE 2").await.unwrap();
    inner.rollback().await.unwrap();
    send(&tx, "UPDATE 3").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        setup.server.take_texts(),
        [
            "BEGIN",
            "UPDATE 1",
            "SAVEPOINT entourage_1",
            "UPDATE 2",
            "ROLLBACK TO SAVEPOINT entourage_1; RELEASE SAVEPOINT entourage_1",
            "UPDATE 3",
            "COMMIT"
        ]
    );
    setup.assert_clean().await;
}

#[tokio::test]
async fn a_dropped_savepoint_is_rolled_back_before_the_next_statement() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    let inner = tx.begin().await.unwrap();
    let innermost = inner.begin().await.unwrap();
    setup.server.refuse("UPDATE 1", "23505");
    send(&innermost, "UPDATE 1").await.unwrap_err();
    drop(inner);
    drop(innermost);
    send(&tx, "UPDATE 2").await.unwrap();
    tx.commit().await.unwrap();
    let texts = setup.server.take_texts();
    assert_eq!(texts[texts.len() - 2..], ["UPDATE 2", "COMMIT"]);
    setup.assert_clean().await;
}

#[tokio::test]
async fn an_error_inside_a_savepoint_is_over_with_it() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    let inner = tx.begin().await.unwrap();
    setup.server.refuse("UPDATE 1", "23505");
    send(&inner, "UPDATE 1").await.unwrap_err();
    let error = inner.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionAborted);
    send(&tx, "UPDATE 2").await.unwrap();
    tx.commit().await.unwrap();
    setup.assert_clean().await;
}

#[tokio::test]
async fn a_deadlock_on_mysql_ends_every_level() {
    let setup = Setup::new(Dialect::Mysql).await;
    let tx = setup.begin().await;
    let inner = tx.begin().await.unwrap();
    setup.server.refuse("UPDATE 1", "1213");
    assert!(send(&inner, "UPDATE 1").await.unwrap_err().is_deadlock());
    inner.rollback().await.unwrap();
    let error = send(&tx, "UPDATE 2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionAborted);
    assert!(tx.commit().await.is_err());
    setup.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_statement_on_the_outer_level_waits_for_the_savepoint_and_says_so() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    let inner = tx.begin().await.unwrap();
    let error = send(&tx, "UPDATE 1").await.unwrap_err();
    assert!(error.is_timeout());
    assert!(error.to_string().contains("savepoints.rs"), "{error}");

    let waiting = tokio::spawn({
        let tx = tx.clone();
        async move { send(&tx, "UPDATE 2").await }
    });
    settle().await;
    inner.commit().await.unwrap();
    waiting.await.unwrap().unwrap();
    tx.commit().await.unwrap();
    setup.assert_clean().await;
}

#[tokio::test]
async fn savepoints_begun_at_once_take_turns() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    let one = |number: usize| {
        let tx = tx.clone();
        async move {
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            let inner = tx.begin().await.unwrap();
            send(&inner, "UPDATE 1").await.unwrap();
            tokio::task::yield_now().await;
            match number % 3 {
                0 => inner.commit().await.unwrap(),
                1 => inner.rollback().await.unwrap(),
                _ => drop(inner),
            }
        }
    };
    futures_util::future::join_all((0..12).map(one)).await;
    tx.commit().await.unwrap();
    setup.assert_clean().await;
}

#[tokio::test]
async fn hooks_go_with_their_savepoint() {
    let setup = Setup::new(Dialect::Postgres).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |text: &'static str| {
        let seen = Arc::clone(&seen);
        move || seen.lock().unwrap().push(text)
    };
    let tx = setup.begin().await;
    tx.after_commit(note("outer"));
    let kept = tx.begin().await.unwrap();
    kept.after_commit(note("kept"));
    kept.commit().await.unwrap();
    let dropped = tx.begin().await.unwrap();
    dropped.after_commit(note("never"));
    dropped.after_rollback(note("taken back"));
    drop(dropped);
    tx.after_commit(note("last"));
    tx.commit().await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        ["taken back", "outer", "kept", "last"]
    );
}

#[tokio::test]
async fn an_atomic_scope_of_a_transaction_is_a_savepoint() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    {
        let scope = tx.atomic(Location::caller()).await.unwrap();
        scope
            .executor()
            .run(&statement("UPDATE 1"), &mut NoRows)
            .await
            .unwrap();
        scope.commit().await.unwrap();
        let scope: Box<dyn AtomicScope + '_> = tx.atomic(Location::caller()).await.unwrap();
        scope.rollback().await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(setup.server.take_texts().len(), 7);
    setup.assert_clean().await;
}

#[tokio::test]
async fn cancelling_a_savepoint_anywhere_leaves_a_clean_connection() {
    for polls in 0..30 {
        let setup = Setup::new(Dialect::Postgres).await;
        let tx = setup.begin().await;
        let work = async {
            let inner = tx.begin().await?;
            send(&inner, "UPDATE 1").await?;
            inner.commit().await
        };
        let done = cancel_after(polls, work).await;
        if let Some(done) = done {
            done.unwrap();
        }
        // It may go on or not, but it must not go on wrongly.
        let _ = send(&tx, "UPDATE 2").await;
        let _ = tx.commit().await;
        setup.assert_clean().await;
    }
}
