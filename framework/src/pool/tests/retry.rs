//! Opening a pool while its server is not there yet.
use std::time::Duration;

use super::*;
use crate::{error::ErrorKind, pool::ConnectRetry};

fn retry(attempts: u32) -> PoolOptions {
    PoolOptions::new().connect_retry(ConnectRetry {
        attempts,
        jitter: 0.0,
        ..ConnectRetry::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_late_is_waited_for() {
    let server = postgres();
    server.lose("connect");
    server.lose("connect");
    let began = tokio::time::Instant::now();
    let pool = pool(&server, retry(3)).await;
    assert_eq!(began.elapsed(), Duration::from_millis(250 + 500));
    let stats = pool.stats();
    assert_eq!((stats.open, stats.opened, stats.failed), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_come_is_given_up_with_the_last_cause() {
    let server = postgres();
    for _ in 0..3 {
        server.lose("connect");
    }
    let error = open(&server, retry(3), Topology::Shared).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let text = error.to_string();
    assert_eq!(
        text,
        "connection refused; gave up after 3 attempts in 750.0ms"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_told_at_once() {
    let server = postgres();
    server.refuse("connect", "28P01");
    let began = tokio::time::Instant::now();
    let error = open(&server, retry(5), Topology::Shared).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(began.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn pauses_are_shortened_at_random_but_never_lengthened() {
    let retry = ConnectRetry {
        jitter: 0.5,
        ..ConnectRetry::default()
    };
    for attempt in 1..20 {
        let (pause, whole) = (retry.jittered_pause(attempt), retry.pause(attempt));
        assert!(
            pause <= whole && pause >= whole.mul_f64(0.49),
            "{pause:?} of {whole:?}"
        );
    }
}
