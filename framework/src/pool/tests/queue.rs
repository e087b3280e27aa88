//! Waiting: the order, the error of those that wait in vain, and connections that arrive meanwhile.
use std::time::Duration;

use super::*;
use crate::error::ErrorKind;

#[tokio::test]
async fn callers_are_served_in_their_order() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let held = acquire(&pool).await.unwrap();
    let mut callers = Vec::new();
    for number in 0..20 {
        let (waiting, order) = (acquire(&pool), Arc::clone(&order));
        callers.push(tokio::spawn(async move {
            let _connection = waiting.await.unwrap();
            order.lock().unwrap().push(number);
            tokio::task::yield_now().await;
        }));
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.stats().pending, 20);
    drop(held);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    assert_eq!(pool.stats().acquired, 22);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_how_many_there_are_and_who_holds_them() {
    let server = postgres();
    let options = PoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(3));
    let pool = pool(&server, options).await;
    let held = (acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap());
    let error = acquire(&pool).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let text = error.to_string();
    let start = "no connection became free within 3s: 2 of 2 connections are in use at ";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains("held by ") && text.contains("2 connections, longest"),
        "{text}"
    );
    assert!(text.contains("queue.rs:"), "{text}");
    assert_eq!((pool.stats().timeouts, pool.stats().pending), (1, 0));
    drop(held);
    assert_eq!(pool.stats().idle, 2);
}

#[tokio::test]
async fn a_connection_that_comes_back_serves_who_waits_for_a_new_one() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(2)).await;
    let held = acquire(&pool).await.unwrap();
    let gate = server.gate("connect");
    let waiting = tokio::spawn(acquire(&pool));
    gate.reached().await;
    drop(held);
    let served = waiting.await.unwrap().unwrap();
    gate.open();
    settle().await;
    assert_eq!((pool.stats().in_use, pool.stats().idle), (1, 1));
    drop(served);
}

#[tokio::test]
async fn a_connection_whose_caller_went_away_is_there_for_the_next() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(2)).await;
    let held = acquire(&pool).await.unwrap();
    let gate = server.gate("connect");
    let waiting = tokio::spawn(acquire(&pool));
    gate.reached().await;
    waiting.abort();
    assert!(waiting.await.is_err());
    assert_eq!(pool.stats().pending, 0);
    gate.open();
    settle().await;
    assert_eq!((pool.stats().open, pool.stats().idle), (2, 1));
    drop(held);
}

#[tokio::test]
async fn a_transaction_left_open_is_rolled_back_before_the_next_caller() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
    let mut connection = acquire(&pool).await.unwrap();
    connection.begin_cleanup("ROLLBACK");
    connection.batch("BEGIN").await.unwrap();
    let next = tokio::spawn(acquire(&pool));
    settle().await;
    drop(connection);
    let mut connection = next.await.unwrap().unwrap();
    connection.batch("expects no transaction").await.unwrap();
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn a_connection_cleaned_up_by_its_holder_is_there_for_the_next_caller() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(2)).await;
    let mut connection = acquire(&pool).await.unwrap();
    connection.begin_cleanup("ROLLBACK");
    connection.batch("BEGIN").await.unwrap();
    connection.clean_up().await;
    drop(connection);
    let mut connection = acquire(&pool).await.unwrap();
    connection.batch("expects no transaction").await.unwrap();
    assert_eq!((pool.stats().open, pool.stats().opening), (1, 0));
    server.refuse("ROLLBACK", "XX000");
    connection.begin_cleanup("ROLLBACK");
    connection.clean_up().await;
    drop(connection);
    assert_eq!((pool.stats().open, pool.stats().closed_broken), (0, 1));
}

#[tokio::test]
async fn a_connection_that_cannot_be_cleaned_up_is_closed() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
    let mut connection = acquire(&pool).await.unwrap();
    connection.begin_cleanup("ROLLBACK");
    connection.batch("BEGIN").await.unwrap();
    server.refuse("ROLLBACK", "XX000");
    drop(connection);
    let mut connection = acquire(&pool).await.unwrap();
    connection.batch("expects no transaction").await.unwrap();
    assert_eq!((server.opened(), pool.stats().closed_broken), (2, 1));
}
