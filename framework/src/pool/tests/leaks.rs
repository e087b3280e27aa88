//! Reports: leaks, events, figures, the monitor.
use std::time::Duration;

use super::{heard::heard, *};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_leak_is_told_once_with_its_call_and_told_again_when_it_returns() {
    let server = postgres();
    let options = PoolOptions::new().name("web").leak_after(10 * SECOND);
    let (pool, heard) = heard(&server, options).await;
    let held = acquire(&pool).await.unwrap();
    heard.take();
    tokio::time::sleep(8 * SECOND).await;
    assert_eq!(heard.count("leaked"), 0);
    tokio::time::sleep(60 * SECOND).await;
    let told = heard.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("leaked for 1") && told[0].ends_with("(web)"),
        "{told:?}"
    );
    assert_eq!(pool.stats().leaked, 1);
    drop(held);
    assert_eq!(
        heard.take(),
        ["returned after 68s (web)", "released after 68s (web)"]
    );
    // The next loan of the same connection is a new one.
    let _again = acquire(&pool).await.unwrap();
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!((heard.count("leaked"), pool.stats().leaked), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn every_step_of_a_connection_is_told_with_its_time() {
    let server = postgres();
    let options = PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(3 * SECOND);
    let (pool, heard) = heard(&server, options).await;
    let all = |lines: &[&str]| -> Vec<String> {
        lines
            .iter()
            .map(|line| format!("{line} (default)"))
            .collect()
    };
    assert_eq!(
        heard.take(),
        all(&["opened", "acquired", "released after 0ns"])
    );
    let mut held = acquire(&pool).await.unwrap();
    let waiting = tokio::spawn(acquire(&pool));
    acquire(&pool).await.unwrap_err();
    waiting.await.unwrap().unwrap_err();
    assert_eq!(
        heard.take(),
        all(&["acquired", "timed out after 3s", "timed out after 3s"])
    );
    let waiting = tokio::spawn(acquire(&pool));
    tokio::time::sleep(2 * SECOND).await;
    drop(held);
    held = waiting.await.unwrap().unwrap();
    assert_eq!(
        heard.take(),
        all(&["released after 5s", "acquired after 2s"])
    );
    server.lose("boom");
    held.batch("boom").await.unwrap_err();
    server.lose("connect");
    drop(held);
    acquire(&pool).await.unwrap_err();
    assert_eq!(
        heard.take(),
        all(&[
            "closed Broken",
            "released after 0ns",
            "open failed: Connection"
        ])
    );
    pool.close().await;
    assert_eq!(heard.take(), all(&[]));
    let times = pool.histograms();
    // Both at once: two in vain, one after 2 s, one for a connection that could not be opened.
    assert_eq!(
        (times.wait.count, times.used.count, times.create.count),
        (6, 3, 1)
    );
    assert!(
        times.wait.p50 < 3 * SECOND && times.wait.max >= 3 * SECOND,
        "{times:?}"
    );
    assert!(
        times.used.max >= 5 * SECOND && times.used.min.is_zero(),
        "{times:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_monitor_tells_figures_and_alerts() {
    let server = postgres();
    let options = PoolOptions::new().max_connections(2);
    let (pool, heard) = heard(&server, options).await;
    pool.monitor(SECOND).unwrap();
    assert!(pool.monitor(Duration::ZERO).is_err());
    let held = (acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap());
    heard.take();
    tokio::time::sleep(SECOND + SECOND / 2).await;
    assert_eq!(
        heard.take(),
        ["snapshot, 2 in use (default)", "full 2 of 2 (default)"]
    );
    let mut waiting = vec![tokio::spawn(acquire(&pool))];
    tokio::time::sleep(SECOND).await;
    assert_eq!(heard.take(), ["snapshot, 2 in use (default)"]);
    waiting.push(tokio::spawn(acquire(&pool)));
    tokio::time::sleep(SECOND).await;
    assert_eq!(
        heard.take(),
        ["snapshot, 2 in use (default)", "pending 1 to 2 (default)"]
    );
    drop(held);
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
    pool.close().await;
    heard.take();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(heard.take(), [""; 0]);
}

#[tokio::test]
async fn what_nobody_listens_to_is_counted_all_the_same() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new()).await;
    for _ in 0..10 {
        drop(acquire(&pool).await.unwrap());
    }
    let times = pool.histograms();
    assert_eq!(
        (times.wait.count, times.used.count, times.create.count),
        (11, 11, 1)
    );
    assert_eq!(times.wait.max, Duration::ZERO);
}
