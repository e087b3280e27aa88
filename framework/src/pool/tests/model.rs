//! Random operations against a reference that only counts.
use std::time::Duration;

use super::{
    heard::{Heard, heard},
    *,
};

/// A small generator, so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[tokio::test(start_paused = true)]
async fn the_pool_counts_like_its_model() {
    for seed in 1..=60 {
        let mut random = Random(seed * 0x9E37_79B9);
        let max = 1 + random.below(4);
        let server = postgres();
        let options = PoolOptions::new()
            .max_connections(max)
            .min_connections(random.below(max))
            .acquire_timeout(Duration::from_secs(1_000_000))
            .idle_timeout(Duration::from_secs(50))
            .max_lifetime(Duration::from_secs(400))
            .keep_alive(Duration::from_secs(20))
            .leak_after(Duration::from_secs(60));
        let (pool, heard) = heard(&server, options).await;
        let mut lent = Vec::new();
        let mut waiting = Vec::new();
        for step in 0..120 {
            match random.below(9) {
                0 | 1 => {
                    let mut future = Box::pin(acquire(&pool));
                    match cancel_after(40, &mut future).await {
                        Some(connection) => lent.push(connection.unwrap()),
                        None => waiting.push(future),
                    }
                }
                2 if !lent.is_empty() => drop(lent.swap_remove(random.below(lent.len()))),
                3 if !lent.is_empty() => {
                    let mut connection = lent.swap_remove(random.below(lent.len()));
                    server.lose("boom");
                    connection.batch("boom").await.unwrap_err();
                }
                4 if !lent.is_empty() => {
                    let mut connection = lent.swap_remove(random.below(lent.len()));
                    connection.begin_cleanup("ROLLBACK");
                    connection.batch("BEGIN").await.unwrap();
                }
                5 if !waiting.is_empty() => {
                    drop(waiting.remove(random.below(waiting.len())));
                }
                6 => server.lose("ping"),
                7 => tokio::time::advance(Duration::from_secs(random.below(30) as u64)).await,
                8 => pool.0.main.refill(),
                _ => {}
            }
            settle().await;
            pool.0.main.report_leaks();
            pool.0.main.reap();
            pool.0.main.keep_alive().await;
            settle().await;
            // Whoever was served meanwhile, in the order of waiting.
            let mut still = Vec::new();
            for mut future in waiting.drain(..) {
                match cancel_after(2, &mut future).await {
                    Some(connection) => {
                        assert!(
                            still.is_empty(),
                            "served out of turn, seed {seed} step {step}"
                        );
                        lent.push(connection.unwrap());
                    }
                    None => still.push(future),
                }
            }
            waiting = still;
            let stats = pool.stats();
            let context = format!("seed {seed} step {step}: {stats:?}");
            assert_eq!(stats.in_use, lent.len(), "{context}");
            assert_eq!(stats.pending, waiting.len(), "{context}");
            assert!(waiting.is_empty() || lent.len() == max, "{context}");
            assert_eq!(stats.open, stats.idle + stats.in_use, "{context}");
            assert_eq!(stats.open, server.live(), "{context}");
            assert!(server.peak() <= max, "{context}");
            assert_counters(&pool, lent.len(), &context);
            assert_told(&pool, &heard, &context);
        }
        let context = format!("seed {seed}");
        let forced = random.below(2) == 0;
        if !forced {
            // In this order: who still waits would be handed what comes back.
            waiting.clear();
            lent.clear();
        }
        let report = pool.close().await;
        assert_eq!(report.forced, lent.len(), "{context}");
        for future in waiting {
            future.await.unwrap_err();
        }
        lent.clear();
        settle().await;
        assert_eq!((pool.stats().open, server.live()), (0, 0), "{context}");
        assert_counters(&pool, 0, &context);
        assert_told(&pool, &heard, &context);
    }
}

/// The events say what the counters say.
fn assert_told(pool: &Pool, heard: &Heard, context: &str) {
    let (stats, times) = (pool.stats(), pool.histograms());
    assert_eq!(heard.count("opened"), stats.opened as usize, "{context}");
    assert_eq!(
        heard.count("released"),
        times.used.count as usize,
        "{context}"
    );
    assert_eq!(heard.count("leaked"), stats.leaked as usize, "{context}");
    let closed = stats.opened as usize - stats.open;
    assert_eq!(heard.count("closed"), closed, "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_end_with_nothing_in_use() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(8)).await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for step in 0..50_000 {
                    let connection = acquire(&pool).await.unwrap();
                    // Now and then a queue builds up.
                    if step % 1_000 == 0 {
                        tokio::task::yield_now().await;
                    }
                    drop(connection);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    settle().await;
    let stats = pool.stats();
    assert_eq!(
        (stats.in_use, stats.pending, stats.acquired),
        (0, 0, 2_500_001)
    );
    assert!(stats.waited > 0, "{stats:?}");
    assert_eq!(pool.histograms().used.count, 2_500_001);
    assert!(server.peak() <= 8);
}
