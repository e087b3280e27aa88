//! Running the whole again after a conflict.
use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    error::{Error, ErrorKind},
    transaction::Retry,
};

/// An error of a program's own, in which nobody can see ours.
#[derive(Debug)]
struct Opaque;

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something went wrong")
    }
}

impl From<Error> for Opaque {
    fn from(_: Error) -> Self {
        Self
    }
}

async fn attempts(setup: &Setup, retry: Retry) -> (Result<(), Opaque>, usize) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let result = setup
        .transaction()
        .retry(retry)
        .run(move |tx| {
            counter.fetch_add(1, Ordering::Relaxed);
            async move { send(&tx, "UPDATE 1").await.map_err(Opaque::from) }
        })
        .await;
    setup.assert_clean().await;
    (result, attempts.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_conflict_anywhere_runs_the_whole_again_whatever_the_error_type() {
    for (dialect, code) in [
        (Dialect::Postgres, "40001"),
        (Dialect::Postgres, "40P01"),
        (Dialect::Mysql, "1213"),
        (Dialect::Mysql, "1205"),
        (Dialect::Mysql, "1020"),
        (Dialect::Sqlite, "5"),
        (Dialect::Sqlite, "517"),
    ] {
        for place in ["BEGIN", "UPDATE 1", "COMMIT"] {
            let setup = Setup::new(dialect).await;
            setup.server.refuse(place, code);
            setup.server.refuse(place, code);
            let (result, attempts) = attempts(&setup, Retry::default()).await;
            result.unwrap_or_else(|error| panic!("{dialect:?} {code} in {place}: {error}"));
            assert_eq!(attempts, if place == "BEGIN" { 1 } else { 3 });
            let texts = setup.server.take_texts();
            assert_eq!(texts.iter().filter(|text| *text == "COMMIT").count(), {
                if place == "COMMIT" { 3 } else { 1 }
            });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_errors_are_not_run_again() {
    for (dialect, code) in [
        (Dialect::Postgres, "23505"),
        (Dialect::Postgres, "55P03"),
        (Dialect::Mysql, "3572"),
        (Dialect::Sqlite, "2067"),
    ] {
        let setup = Setup::new(dialect).await;
        setup.server.refuse("UPDATE 1", code);
        let (result, attempts) = attempts(&setup, Retry::default()).await;
        assert!(result.is_err());
        assert_eq!(attempts, 1, "{dialect:?} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_limited_and_none_is_the_default() {
    for (retry, expected) in [(Retry::default().attempts(3), 3), (Retry::never(), 1)] {
        let setup = Setup::new(Dialect::Postgres).await;
        for _ in 0..5 {
            setup.server.refuse("UPDATE 1", "40001");
        }
        let (result, attempts) = attempts(&setup, retry).await;
        assert!(result.is_err());
        assert_eq!(attempts, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_commit_is_never_run_again() {
    let setup = Setup::new(Dialect::Postgres).await;
    setup.server.lose("COMMIT");
    let (result, attempts) = attempts(&setup, Retry::default()).await;
    assert!(result.is_err());
    assert_eq!(attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_program_rolls_back_and_comes_out_as_it_is() {
    let setup = Setup::new(Dialect::Postgres).await;
    let run = setup.transaction().retry(Retry::default());
    let result: Result<()> = run
        .run(|tx| async move {
            send(&tx, "UPDATE 1").await?;
            Err(Error::user(std::io::Error::other("no funds")))
        })
        .await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::User);
    assert_eq!(setup.server.take_texts(), ["BEGIN", "UPDATE 1", "ROLLBACK"]);
    setup.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_was_passed_over_is_still_run_again() {
    let setup = Setup::new(Dialect::Postgres).await;
    setup.server.refuse("UPDATE 1", "40001");
    let retry = Retry::default();
    let result: Result<()> = setup
        .transaction()
        .retry(retry)
        .run(|tx| async move {
            let _ = send(&tx, "UPDATE 1").await;
            Ok(())
        })
        .await;
    result.unwrap();
    let texts = setup.server.take_texts();
    assert_eq!(texts.iter().filter(|text| *text == "BEGIN").count(), 2);
}
