//! Cancelling at every await point: the next borrower is clean, nothing leaks.
use std::sync::Mutex;

use super::*;
use crate::{
    error::Error,
    pool::tests::cancel_after,
    transaction::{End, Retry},
};

#[tokio::test]
async fn a_transaction_cancelled_anywhere_leaves_a_clean_connection() {
    for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite] {
        for polls in 0..30 {
            let setup = Setup::new(dialect).await;
            let work = async {
                let tx = setup.transaction().begin().await?;
                send(&tx, "UPDATE 1").await?;
                tx.commit().await
            };
            let _ = cancel_after(polls, work).await;
            settle().await;
            if dialect != Dialect::Sqlite {
                setup.assert_clean().await;
            }
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
