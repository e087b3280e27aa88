//! How a transaction ends, and what is told of it.
use std::sync::Mutex;

use super::*;
use crate::{
    error::ErrorKind,
    observe::Recording,
    transaction::{End, IsolationLevel},
};

#[tokio::test]
async fn what_is_committed_is_sent_once_and_in_order() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    send(&tx, "UPDATE 1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(setup.server.take_texts(), ["BEGIN", "UPDATE 1", "COMMIT"]);
    setup.assert_clean().await;
    assert_eq!(setup.server.opened(), 1);
}

#[tokio::test]
async fn what_is_dropped_is_rolled_back_on_the_same_connection() {
    for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite] {
        let setup = Setup::new(dialect).await;
        let tx = setup.begin().await;
        send(&tx, "UPDATE 1").await.unwrap();
        drop(tx);
        setup.assert_clean().await;
        assert_eq!(setup.server.opened(), 1);
        assert!(setup.server.take_texts().contains(&"ROLLBACK".to_owned()));
    }
}

#[tokio::test]
async fn a_handle_that_is_left_over_says_how_the_transaction_ended() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    let left = tx.clone();
    tx.commit().await.unwrap();
    let error = send(&left, "UPDATE 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains("committed already"), "{error}");
    assert!(left.rollback().await.is_err());
    setup.assert_clean().await;
}

#[tokio::test]
async fn an_error_poisons_a_postgresql_transaction_and_names_itself() {
    let setup = Setup::new(Dialect::Postgres).await;
    let tx = setup.begin().await;
    setup.server.refuse("UPDATE 1", "23505");
    let first = send(&tx, "UPDATE 1").await.unwrap_err();
    assert!(first.is_unique_violation());
    assert_eq!(first.table(), Some("accounts"));
    assert!(first.call_site().unwrap().file().ends_with("tests.rs"));
    let next = send(&tx, "UPDATE 2").await.unwrap_err();
    assert_eq!(next.kind(), ErrorKind::TransactionAborted);
    assert!(next.to_string().contains("as the test asked"), "{next}");
    let commit = tx.commit().await.unwrap_err();
    assert_eq!(commit.kind(), ErrorKind::TransactionAborted);
    assert_eq!(setup.server.take_texts(), ["BEGIN", "UPDATE 1", "ROLLBACK"]);
    setup.assert_clean().await;
}

#[tokio::test]
async fn the_other_databases_go_on_after_an_error() {
    for (dialect, code) in [(Dialect::Mysql, "1062"), (Dialect::Sqlite, "2067")] {
        let setup = Setup::new(dialect).await;
        let tx = setup.begin().await;
        setup.server.refuse("UPDATE 1", code);
        assert!(
            send(&tx, "UPDATE 1")
                .await
                .unwrap_err()
                .is_unique_violation()
        );
        send(&tx, "UPDATE 2").await.unwrap();
        tx.commit().await.unwrap();
        setup.assert_clean().await;
    }
}

#[tokio::test]
async fn a_connection_lost_in_commit_is_ambiguous_unless_it_only_read() {
    let setup = Setup::new(Dialect::Postgres).await;
    let ends = Arc::new(Mutex::new(Vec::new()));
    for read_only in [false, true] {
        let builder = setup.transaction();
        let builder = match read_only {
            true => builder.read_only(),
            false => builder,
        };
        let tx = builder.begin().await.unwrap();
        let seen = Arc::clone(&ends);
        tx.after_end(move |end| seen.lock().unwrap().push(end));
        setup.server.lose("COMMIT");
        let error = tx.commit().await.unwrap_err();
        let expected = match read_only {
            true => ErrorKind::Connection,
            false => ErrorKind::AmbiguousCommit,
        };
        assert_eq!(error.kind(), expected);
        setup.assert_clean().await;
    }
    assert_eq!(*ends.lock().unwrap(), [End::Unknown, End::RolledBack]);
    assert_eq!(setup.server.opened(), 3);
}

#[tokio::test]
async fn a_refused_commit_keeps_nothing() {
    for (dialect, code) in [
        (Dialect::Postgres, "23503"),
        (Dialect::Mysql, "1213"),
        (Dialect::Sqlite, "5"),
    ] {
        let setup = Setup::new(dialect).await;
        let tx = setup.begin().await;
        setup.server.refuse("COMMIT", code);
        let error = tx.commit().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        setup.assert_clean().await;
    }
}

#[tokio::test]
async fn hooks_run_in_order_and_a_panic_stops_none() {
    let setup = Setup::new(Dialect::Postgres).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |text: &'static str| {
        let seen = Arc::clone(&seen);
        move || seen.lock().unwrap().push(text)
    };
    let tx = setup.begin().await;
    tx.after_commit(note("first"));
    tx.after_commit(|| panic!("in a hook"));
    tx.after_rollback(note("never"));
    tx.after_commit(note("second"));
    tx.commit().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["first", "second"]);

    let tx = setup.begin().await;
    tx.after_commit(note("never"));
    tx.after_rollback(note("taken back"));
    drop(tx);
    assert_eq!(seen.lock().unwrap()[2..], ["taken back"]);
    setup.assert_clean().await;
}

#[tokio::test]
async fn settings_of_the_connection_are_put_back() {
    let setup = Setup::new(Dialect::Sqlite).await;
    let builder = || {
        setup
            .transaction()
            .read_only()
            .isolation(IsolationLevel::ReadUncommitted)
    };
    builder().begin().await.unwrap().commit().await.unwrap();
    let restore = "PRAGMA read_uncommitted = 0; PRAGMA query_only = 0";
    assert_eq!(setup.server.take_texts()[2], restore);
    drop(builder().begin().await.unwrap());
    setup.assert_clean().await;
    assert_eq!(setup.server.take_texts()[1], format!("{restore}; ROLLBACK"));
}

#[tokio::test]
async fn an_isolation_level_that_does_not_exist_takes_no_connection() {
    let setup = Setup::new(Dialect::Sqlite).await;
    let builder = setup.transaction().isolation(IsolationLevel::ReadCommitted);
    let error = builder.begin().await.unwrap_err();
    assert!(error.is_unsupported());
    assert!(error.call_site().unwrap().file().ends_with("ends.rs"));
    assert!(setup.server.take_texts().is_empty());
}

#[tokio::test]
async fn every_statement_is_told_with_its_kind() {
    let setup = Setup::new(Dialect::Postgres).await;
    let recording = Recording::start(&setup.origin.observers);
    let tx = setup.begin().await;
    send(&tx, "UPDATE 1").await.unwrap();
    let inner = tx.begin().await.unwrap();
    inner.commit().await.unwrap();
    tx.commit().await.unwrap();
    let told: Vec<_> = recording
        .statements()
        .iter()
        .map(|run| (run.sql.to_string(), run.kind))
        .collect();
    let transaction = |sql: &str| (sql.to_owned(), StatementKind::Transaction);
    assert_eq!(
        told,
        [
            transaction("BEGIN"),
            ("UPDATE 1".to_owned(), StatementKind::Update),
            transaction("SAVEPOINT entourage_1"),
            transaction("RELEASE SAVEPOINT entourage_1"),
            transaction("COMMIT"),
        ]
    );
    assert_eq!(recording.count(), 1);
}
