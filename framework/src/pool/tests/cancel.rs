//! Cancelling at every await point: nothing is lost, the next caller gets a clean connection.
use std::time::Duration;

use super::*;

/// The pool is whole: everything is idle, nothing waits, and it still works.
async fn assert_whole(server: &FakeServer, pool: &Pool, max: usize) {
    server.remove_gates();
    settle().await;
    let stats = pool.stats();
    assert_eq!(
        (stats.in_use, stats.pending, stats.opening),
        (0, 0, 0),
        "{stats:?}"
    );
    assert_counters(pool, 0, &format!("{stats:?}"));
    assert_eq!(stats.open, stats.idle, "{stats:?}");
    assert_eq!(stats.open, server.live(), "{stats:?}");
    assert!(
        server.peak() <= max,
        "{} connections at once",
        server.peak()
    );
    let mut all = Vec::new();
    for _ in 0..max {
        let mut connection = acquire(pool).await.unwrap();
        connection.batch("expects no transaction").await.unwrap();
        all.push(connection);
    }
    assert_eq!(pool.stats().in_use, max);
}

#[tokio::test]
async fn an_acquire_cancelled_anywhere_loses_nothing() {
    for polls in 0..30 {
        let server = postgres();
        let pool = pool(&server, PoolOptions::new().max_connections(2)).await;
        let held = acquire(&pool).await.unwrap();
        let second = cancel_after(polls, acquire(&pool)).await;
        let third = cancel_after(polls, acquire(&pool)).await;
        drop((held, second, third));
        assert_whole(&server, &pool, 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_acquire_cancelled_anywhere_while_things_fail_loses_nothing() {
    for fault in ["connect", "ping", "ROLLBACK"] {
        for polls in 0..25 {
            let server = postgres();
            let options = PoolOptions::new()
                .max_connections(2)
                .ping_after(Duration::ZERO)
                .keep_alive(Duration::from_secs(3));
            let pool = pool(&server, options).await;
            tokio::time::advance(Duration::from_secs(1)).await;
            let mut held = acquire(&pool).await.unwrap();
            held.begin_cleanup("ROLLBACK");
            held.batch("BEGIN").await.unwrap();
            server.lose(fault);
            let mut second = Box::pin(acquire(&pool));
            let first_try = cancel_after(polls / 2, &mut second).await;
            drop(held);
            tokio::time::advance(Duration::from_secs(4)).await;
            let checking = cancel_after(polls, pool.0.main.keep_alive()).await;
            let third = cancel_after(polls, acquire(&pool)).await;
            drop((first_try, second, checking, third));
            settle().await;
            // Whatever has not failed by now shall not fail in the look at the pool.
            server.remove_faults();
            assert_whole(&server, &pool, 2).await;
        }
    }
}

#[tokio::test]
async fn a_waiting_acquire_cancelled_as_it_is_served_hands_its_connection_on() {
    for polls in 0..10 {
        for before in [true, false] {
            let server = postgres();
            let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
            let held = acquire(&pool).await.unwrap();
            let mut first = Box::pin(acquire(&pool));
            assert!(cancel_after(polls.max(1), &mut first).await.is_none());
            let second = tokio::spawn(acquire(&pool));
            settle().await;
            // Either cancelled with the connection on its way, or just before.
            if before {
                drop(first);
                drop(held);
            } else {
                drop(held);
                drop(first);
            }
            second.await.unwrap().unwrap();
            assert_whole(&server, &pool, 1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_cancelled_anywhere_loses_nothing() {
    for polls in 0..8 {
        let server = postgres();
        let options = PoolOptions::new()
            .max_connections(1)
            .ping_after(Duration::ZERO);
        let pool = pool(&server, options).await;
        tokio::time::advance(Duration::from_millis(1)).await;
        drop(cancel_after(polls, acquire(&pool)).await);
        assert_whole(&server, &pool, 1).await;
    }
}

#[tokio::test]
async fn a_statement_cancelled_anywhere_never_returns_a_dirty_connection() {
    for polls in 0..8 {
        let server = postgres();
        let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
        let mut connection = acquire(&pool).await.unwrap();
        connection.begin_cleanup("ROLLBACK");
        let begun = cancel_after(polls, connection.batch("BEGIN")).await;
        drop((begun, connection));
        assert_whole(&server, &pool, 1).await;
    }
}

#[tokio::test]
async fn a_clean_up_cancelled_anywhere_never_returns_a_dirty_connection() {
    for polls in 0..8 {
        let server = postgres();
        let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
        let mut connection = acquire(&pool).await.unwrap();
        connection.begin_cleanup("ROLLBACK");
        connection.batch("BEGIN").await.unwrap();
        let cleaned = cancel_after(polls, connection.clean_up()).await;
        drop((cleaned, connection));
        assert_whole(&server, &pool, 1).await;
    }
}

#[tokio::test]
async fn close_cancelled_anywhere_can_be_called_again() {
    for polls in 0..12 {
        let server = postgres();
        let pool = pool(&server, PoolOptions::new().min_connections(2)).await;
        let held = acquire(&pool).await.unwrap();
        let _ = cancel_after(polls, pool.close()).await;
        drop(held);
        pool.close().await;
        assert_eq!((server.live(), pool.stats().open), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_that_are_aborted_at_random_leave_the_pool_whole() {
    for round in 0..40 {
        let server = postgres();
        let pool = pool(&server, PoolOptions::new().max_connections(3)).await;
        let tasks: Vec<_> = (0..24)
            .map(|number| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    for step in 0..20 {
                        let mut connection = acquire(&pool).await.unwrap();
                        connection.begin_cleanup("ROLLBACK");
                        connection.batch("expects no transaction").await.unwrap();
                        connection.batch("BEGIN").await.unwrap();
                        if (number + step) % 3 != 0 {
                            connection.batch("COMMIT").await.unwrap();
                            connection.end_cleanup();
                        }
                    }
                })
            })
            .collect();
        for (number, task) in tasks.iter().enumerate() {
            for _ in 0..(round * number) % 7 {
                tokio::task::yield_now().await;
            }
            if number % 2 == 0 {
                task.abort();
            }
        }
        for task in tasks {
            if let Err(error) = task.await {
                assert!(error.is_cancelled(), "{error}");
            }
        }
        while pool.stats().in_use + pool.stats().opening > 0 {
            tokio::task::yield_now().await;
        }
        assert_whole(&server, &pool, 3).await;
    }
}
