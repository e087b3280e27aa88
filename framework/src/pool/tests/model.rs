//! Random operations against a reference that only counts.
use super::*;

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

#[tokio::test]
async fn the_pool_counts_like_its_model() {
    for seed in 1..=60 {
        let mut random = Random(seed * 0x9E37_79B9);
        let max = 1 + random.below(4);
        let server = postgres();
        let pool = pool(&server, PoolOptions::new().max_connections(max)).await;
        let mut lent = Vec::new();
        let mut waiting = Vec::new();
        for step in 0..120 {
            match random.below(6) {
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
                _ => {}
            }
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
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_end_with_nothing_in_use() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(8)).await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for _ in 0..2_000 {
                    drop(acquire(&pool).await.unwrap());
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
        (0, 0, 100_001)
    );
    assert!(server.peak() <= 8);
}
