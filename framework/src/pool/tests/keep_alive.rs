//! Pinging what lies still.
use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> PoolOptions {
    PoolOptions::new()
        .max_connections(3)
        .keep_alive(4 * SECOND)
        .ping_after(6 * SECOND)
}

async fn two_idle(server: &FakeServer, options: PoolOptions) -> Pool {
    let pool = pool(server, options).await;
    let both = (acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap());
    drop(both);
    settle().await;
    assert_eq!(pool.stats().idle, 2);
    server.take_texts();
    pool
}

#[tokio::test(start_paused = true)]
async fn what_lies_still_is_pinged_and_needs_no_ping_when_it_is_lent() {
    let server = postgres();
    let pool = two_idle(&server, options()).await;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(server.take_texts(), ["ping", "ping"]);
    tokio::time::sleep(2 * SECOND).await;
    // 7 seconds unused, but heard of 3 seconds ago.
    acquire(&pool).await.unwrap().batch("fine").await.unwrap();
    assert_eq!(server.take_texts(), ["fine"]);
    assert_eq!(server.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_closed_before_anybody_gets_it() {
    let server = postgres();
    let pool = two_idle(&server, options()).await;
    server.lose("ping");
    tokio::time::sleep(5 * SECOND).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.closed_broken), (1, 1, 1));
    acquire(&pool).await.unwrap().batch("fine").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_no_use_and_does_not_keep_an_unused_connection() {
    let server = postgres();
    let options = options().idle_timeout(20 * SECOND);
    let pool = two_idle(&server, options).await;
    tokio::time::sleep(40 * SECOND).await;
    assert_eq!((pool.stats().open, pool.stats().closed_idle), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_hangs_is_given_up_and_holds_nobody_up() {
    let server = postgres();
    let pool = two_idle(&server, options()).await;
    let gate = server.gate("ping");
    gate.reached().await;
    // One is being pinged, the other is free, the third can be opened.
    let held = (acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap());
    assert_eq!(pool.stats().idle, 1);
    let third = tokio::spawn(acquire(&pool));
    tokio::time::sleep(10 * SECOND).await;
    let mut third = third.await.unwrap().unwrap();
    server.remove_gates();
    third.batch("fine").await.unwrap();
    assert_eq!(pool.stats().closed_broken, 1);
    drop((held, third));
    assert_eq!(pool.stats().idle, 3);
}

#[tokio::test(start_paused = true)]
async fn a_ping_hands_its_connection_to_who_waits_meanwhile() {
    let server = postgres();
    let pool = two_idle(&server, options().max_connections(2)).await;
    let gate = server.gate("ping");
    gate.reached().await;
    let held = acquire(&pool).await.unwrap();
    let waiting = tokio::spawn(acquire(&pool));
    settle().await;
    assert_eq!(pool.stats().pending, 1);
    server.remove_gates();
    waiting.await.unwrap().unwrap();
    drop(held);
    assert_eq!(server.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_round_cancelled_anywhere_loses_no_place() {
    for polls in 0..20 {
        let server = postgres();
        let pool = two_idle(&server, options()).await;
        tokio::time::advance(5 * SECOND).await;
        let _ = cancel_after(polls, pool.0.main.keep_alive()).await;
        settle().await;
        let stats = pool.stats();
        assert_eq!((stats.open, stats.in_use), (stats.idle, 0), "{stats:?}");
        assert_eq!(stats.open, server.live(), "{stats:?}");
        pool.close().await;
        assert_eq!((server.live(), pool.stats().open), (0, 0));
    }
}
