//! Cancelling at every await point: the next borrower is clean, nothing leaks.
use std::{sync::Mutex, time::Duration};

use super::*;
use crate::{
    error::Error,
    pool::tests::cancel_after,
    transaction::{End, Retry},
};

#[tokio::test]
async fn a_transaction_cancelled_anywhere_leaves_a_clean_connection() {
    for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite] {
        for deadline in [None, Some(Duration::from_secs(3600))] {
            for polls in 0.. {
                let setup = Setup::new(dialect).await;
                let work = async {
                    let mut transaction = setup.transaction();
                    if let Some(deadline) = deadline {
                        transaction = transaction.deadline(deadline);
                    }
                    let tx = transaction.begin().await?;
                    send(&tx, "UPDATE 1").await?;
                    let inner = tx.begin().await?;
                    send(&inner, "UPDATE 2").await?;
                    inner.commit().await?;
                    tx.commit().await
                };
                let done = cancel_after(polls, work).await;
                settle().await;
                if dialect != Dialect::Sqlite {
                    setup.assert_clean().await;
                }
                // Every await point has been met once the work gets to its end.
                if let Some(done) = done {
                    done.unwrap();
                    assert!(polls > 10, "only {polls} await points");
                    break;
                }
            }
        }
    }
}

/// Whatever goes wrong and wherever the caller has gone: one connection for all, and the next caller finds it clean.
#[tokio::test]
async fn a_transaction_that_fails_and_is_cancelled_anywhere_leaves_a_clean_connection() {
    for needle in ["BEGIN", "UPDATE 1", "SAVEPOINT", "COMMIT"] {
        for lost in [true, false] {
            for polls in 0.. {
                let setup = Setup::new(Dialect::Postgres).await;
                match lost {
                    true => setup.server.lose(needle),
                    false => setup.server.refuse(needle, "40001"),
                }
                let work = async {
                    let tx = setup.transaction().begin().await?;
                    send(&tx, "UPDATE 1").await?;
                    let inner = tx.begin().await?;
                    inner.rollback().await?;
                    tx.commit().await
                };
                let done = cancel_after(polls, work).await;
                setup.assert_clean().await;
                assert!(setup.server.peak() <= 1, "{needle} {polls}");
                if let Some(done) = done {
                    done.unwrap_err();
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_transaction_cancelled_after_its_named_locks_releases_them() {
    for polls in 0.. {
        let setup = Setup::new(Dialect::Mysql).await;
        let work = async {
            let tx = setup.begin().await;
            tx.session(Location::caller())
                .await
                .unwrap()
                .release_named_locks_at_the_end();
            send(&tx, "UPDATE 1").await?;
            tx.commit().await
        };
        let done = cancel_after(polls, work).await;
        setup.assert_clean().await;
        let texts = setup.server.take_texts();
        let sent = texts.iter().any(|text| text == "UPDATE 1");
        let released = texts.iter().any(|text| text.contains("RELEASE_ALL_LOCKS"));
        let closed = setup.server.opened() > 1;
        assert!(!sent || released || closed, "{polls}: {texts:?}");
        if let Some(done) = done {
            done.unwrap();
            break;
        }
    }
}

#[tokio::test]
async fn a_run_cancelled_anywhere_leaves_a_clean_connection() {
    for polls in 0..40 {
        let setup = Setup::new(Dialect::Postgres).await;
        setup.server.refuse("UPDATE 2", "40001");
        let retry = Retry::default().first_delay(std::time::Duration::ZERO);
        let run = setup.transaction().retry(retry).run(|tx| async move {
            send(&tx, "UPDATE 1").await?;
            send(&tx, "UPDATE 2").await
        });
        let _ = cancel_after(polls, run).await;
        setup.assert_clean().await;
    }
}

#[tokio::test]
async fn the_outcome_of_a_cancelled_commit_is_unknown_and_only_of_that() {
    let mut seen_ends = Vec::new();
    for polls in 0..12 {
        let setup = Setup::new(Dialect::Postgres).await;
        let end = Arc::new(Mutex::new(None));
        let tx = setup.begin().await;
        let seen = Arc::clone(&end);
        tx.after_end(move |end| *seen.lock().unwrap() = Some(end));
        let _ = cancel_after(polls, tx.commit()).await;
        seen_ends.push(end.lock().unwrap().unwrap());
        setup.assert_clean().await;
    }
    assert_eq!(seen_ends[0], End::RolledBack);
    assert!(seen_ends.contains(&End::Unknown));
    assert_eq!(*seen_ends.last().unwrap(), End::Committed);
    assert!(seen_ends.is_sorted_by_key(|end| match end {
        End::RolledBack => 0,
        End::Unknown => 1,
        End::Committed => 2,
    }));
}

#[tokio::test]
async fn a_statement_cancelled_inside_ends_the_transaction_and_says_why() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    let gate = setup.server.gate("UPDATE 1");
    let sent = tokio::spawn({
        let tx = tx.clone();
        async move { send(&tx, "UPDATE 1").await }
    });
    gate.reached().await;
    sent.abort();
    assert!(sent.await.is_err());
    let error = send(&tx, "UPDATE 2").await.unwrap_err();
    assert!(
        error.to_string().contains("cancelled in the middle"),
        "{error}"
    );
    tx.rollback().await.unwrap();
    setup.assert_clean().await;
}

#[tokio::test]
async fn a_panic_rolls_back() {
    let setup = Setup::new(Dialect::Postgres).await;
    let transaction = setup.transaction();
    let panicked = tokio::spawn(transaction.run(|tx| async move {
        send(&tx, "UPDATE 1").await?;
        if true {
            panic!("in the middle");
        }
        Ok::<_, Error>(())
    }));
    assert!(panicked.await.unwrap_err().is_panic());
    setup.assert_clean().await;
    let texts = setup.server.take_texts();
    assert!(texts.contains(&"ROLLBACK".to_owned()), "{texts:?}");
}
