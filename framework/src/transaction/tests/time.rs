//! Deadlines, and warnings of transactions that stay open, in tokio's paused time.
use std::{sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep};

use super::*;
use crate::{
    error::{Error, ErrorKind},
    transaction::{End, Retry, monitor::Monitor},
};

const SECOND: Duration = Duration::from_secs(1);

async fn begin_with_deadline(setup: &Setup) -> Transaction {
    setup.transaction().deadline(SECOND).begin().await.unwrap()
}

#[track_caller]
fn assert_late(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let text = error.to_string();
    assert!(
        text.contains("tests/time.rs") && text.contains("1s"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_runs_at_the_deadline_is_given_up_with_its_transaction() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let setup = Setup::new(dialect).await;
        let tx = begin_with_deadline(&setup).await;
        let _gate = setup.server.gate("UPDATE 1");
        assert_late(&send(&tx, "UPDATE 1").await.unwrap_err());
        assert_late(&send(&tx, "UPDATE 2").await.unwrap_err());
        assert_late(&tx.begin().await.unwrap_err());
        assert_late(&tx.commit().await.unwrap_err());
        setup.assert_clean().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_sends_nothing_more_is_rolled_back_at_its_deadline() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = begin_with_deadline(&setup).await;
    let end = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&end);
    tx.after_end(move |end| *seen.lock().unwrap() = Some(end));
    let inner = tx.begin().await.unwrap();
    send(&inner, "UPDATE 1").await.unwrap();
    sleep(2 * SECOND).await;
    assert_eq!(*end.lock().unwrap(), Some(End::RolledBack));
    assert_eq!(setup.server.take_texts().last().unwrap(), "ROLLBACK");
    setup.assert_clean().await;
    assert_late(&send(&inner, "UPDATE 1").await.unwrap_err());
    assert_late(&tx.commit().await.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_over_in_time_knows_no_deadline() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = begin_with_deadline(&setup).await;
    send(&tx, "UPDATE 1").await.unwrap();
    let handle = tx.clone();
    tx.commit().await.unwrap();
    sleep(2 * SECOND).await;
    let error = send(&handle, "UPDATE 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let texts = setup.server.take_texts();
    assert_eq!(
        texts,
        [
            "BEGIN; SET LOCAL statement_timeout = 1000",
            "UPDATE 1",
            "COMMIT"
        ]
    );
    setup.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_on_its_way_is_not_given_up() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = begin_with_deadline(&setup).await;
    let gate = setup.server.gate("COMMIT");
    let commit = tokio::spawn(tx.commit());
    gate.reached().await;
    sleep(2 * SECOND).await;
    gate.open();
    commit.await.unwrap().unwrap();
    setup.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_connection_and_all_attempts_count() {
    let setup = Setup::new(Dialect::Postgres).await;
    let holder = setup.begin().await;
    let waited = setup.transaction().deadline(SECOND).begin().await;
    assert_late(&waited.unwrap_err());
    drop(holder);
    setup.assert_clean().await;

    for _ in 0..1_000 {
        setup.server.refuse("UPDATE 1", "40001");
    }
    let began = Instant::now();
    let run = setup
        .transaction()
        .deadline(SECOND)
        .retry(Retry::default().attempts(1_000));
    let result = run.run(|tx| async move { send(&tx, "UPDATE 1").await });
    let error = result.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Serialization);
    assert!(began.elapsed() <= SECOND, "{:?}", began.elapsed());
    setup.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_overstays_is_told_at_its_next_call() {
    let setup = Setup::new(Dialect::Mysql).await;
    let run = setup.transaction().deadline(SECOND).retry(Retry::default());
    let result = run.run(|tx| async move {
        send(&tx, "UPDATE 1").await?;
        sleep(2 * SECOND).await;
        Ok::<_, Error>(())
    });
    assert_late(&result.await.unwrap_err());
    let texts = setup.server.take_texts();
    assert_eq!(texts, ["BEGIN", "UPDATE 1", "ROLLBACK"]);
    setup.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_open_for_long_is_told_of_once_with_its_lines() {
    let setup = Setup::new(Dialect::Postgres).await;
    let warnings = setup.warnings();
    let line = line!() + 1;
    let tx = setup.transaction().begin().await.unwrap();
    send(&tx, "UPDATE 1").await.unwrap();
    sleep(5 * SECOND - Duration::from_millis(1)).await;
    assert!(warnings.take().is_empty());
    sleep(Duration::from_millis(2)).await;
    let told = warnings.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains(&format!("tests/time.rs:{line}")),
        "{told:?}"
    );
    assert!(told[0].contains("5.0s"), "{told:?}");
    assert!(told[0].contains("last statement"), "{told:?}");
    sleep(100 * SECOND).await;
    tx.commit().await.unwrap();
    assert!(warnings.take().is_empty());

    let tx = setup.transaction().warn_after(SECOND).begin().await;
    sleep(2 * SECOND).await;
    assert!(warnings.take()[0].contains("has sent no statement"));
    drop(tx);
    setup.assert_clean().await;
    let tx = setup.transaction().warn_after(Duration::MAX).begin().await;
    sleep(1_000_000 * SECOND).await;
    drop(tx);
    assert!(warnings.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn transactions_are_told_of_as_each_is_due_and_not_once_they_are_over() {
    let observers = Arc::new(Observers::default());
    let warnings = Arc::new(Warnings::default());
    observers.add(warnings.clone());
    let monitor = Monitor::new(observers);
    let here = Location::caller();
    let open: Vec<_> = [5, 1, 3, 9]
        .map(|seconds| monitor.watch(seconds * SECOND, here))
        .into();
    let [five, one, three, nine] = &mut { open }[..] else {
        panic!("four are watched");
    };
    sleep(2 * SECOND).await;
    assert!(warnings.take()[0].contains("1.0s"));
    *three = None;
    sleep(2 * SECOND).await;
    assert!(warnings.take().is_empty());
    sleep(2 * SECOND).await;
    assert!(warnings.take()[0].contains("5.0s"));
    (*five, *one, *nine) = (None, None, None);
    sleep(10 * SECOND).await;
    assert!(warnings.take().is_empty());
}
