//! Closing: who is waited for, and for how long.
use std::time::Duration;

use super::*;
use crate::error::ErrorKind;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn close_goes_on_without_what_does_not_come_back_and_names_its_caller() {
    let server = postgres();
    let options = PoolOptions::new().close_timeout(5 * SECOND);
    let pool = pool(&server, options).await;
    let mut held = acquire(&pool).await.unwrap();
    let other = acquire(&pool).await.unwrap();
    drop(other);
    let began = tokio::time::Instant::now();
    let report = pool.close().await;
    assert_eq!(began.elapsed(), 5 * SECOND);
    assert_eq!((report.forced, report.is_clean()), (1, false));
    let text = report.to_string();
    assert!(
        text.starts_with("closed by force, 1 connection had not come back; held by "),
        "{text}"
    );
    assert!(report.held_by[0].file().ends_with("close.rs"), "{text}");
    // What is lent works on, and is closed when it comes back.
    held.batch("fine").await.unwrap();
    assert_eq!((pool.stats().open, server.live()), (1, 1));
    drop(held);
    settle().await;
    assert_eq!((pool.stats().open, server.live()), (0, 0));
    assert_eq!(pool.stats().closed_with_pool, 2);
    assert_eq!(acquire(&pool).await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(pool.close().await.is_clean());
}

#[tokio::test]
async fn a_close_that_waits_for_none_closes_what_is_free() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().min_connections(2)).await;
    assert!(pool.close_within(Duration::ZERO).await.is_clean());
    settle().await;
    assert_eq!((server.live(), pool.stats().open), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_left_open_is_rolled_back_before_a_closed_pool_lets_it_go() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new()).await;
    let mut held = acquire(&pool).await.unwrap();
    held.begin_cleanup("ROLLBACK");
    held.batch("BEGIN").await.unwrap();
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    settle().await;
    drop(held);
    assert!(closing.await.unwrap().is_clean());
    let log = server.take_texts();
    assert_eq!(log, ["connect Write", "BEGIN", "ROLLBACK", "close"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_opens_too_late_is_counted_and_closed() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().close_timeout(SECOND)).await;
    let held = acquire(&pool).await.unwrap();
    let gate = server.gate("connect");
    let waiting = tokio::spawn(acquire(&pool));
    gate.reached().await;
    let report = pool.close().await;
    assert_eq!((report.forced, report.held_by.len()), (2, 1));
    waiting.await.unwrap().unwrap_err();
    gate.open();
    drop(held);
    settle().await;
    assert_eq!((server.live(), pool.stats().open), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn retired_connections_are_not_lent_again_whoever_had_them() {
    let server = postgres();
    let options = PoolOptions::new().max_connections(3);
    let pool = pool(&server, options).await;
    let (lent, dirty) = (acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap());
    drop(acquire(&pool).await.unwrap());
    let mut dirty = dirty;
    dirty.begin_cleanup("ROLLBACK");
    pool.retire();
    settle().await;
    // The free one is closed at once, the others when they come back, cleaned up or not.
    assert_eq!(server.live(), 2);
    drop((lent, dirty));
    settle().await;
    assert_eq!((server.live(), pool.stats().open), (0, 0));
    assert_eq!(pool.stats().closed_broken, 3);
    // Who waits for one that comes back gets a new one.
    let options = PoolOptions::new().max_connections(1);
    let pool = super::pool(&server, options).await;
    let lent = acquire(&pool).await.unwrap();
    let waiting = tokio::spawn(acquire(&pool));
    settle().await;
    pool.retire();
    drop(lent);
    let new = waiting.await.unwrap().unwrap();
    assert_eq!((pool.stats().opened, pool.stats().closed_broken), (2, 1));
    drop(new);
    drop(acquire(&pool).await.unwrap());
    assert_eq!(pool.stats().opened, 2);
    assert_counters(&pool, 0, "at the end");
}
