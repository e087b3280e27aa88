//! Loads that are shared: one statement for all who ask at one time, and nobody is given what was read too early.
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::{error::Result, result_cache::CacheMode};

/// Loads that wait until the test lets them go on.
struct Gated {
    cache: Cache,
    loads: AtomicUsize,
    value: AtomicUsize,
    reached: Semaphore,
    opened: Semaphore,
}

impl Gated {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            cache: cache(),
            loads: AtomicUsize::new(0),
            value: AtomicUsize::new(0),
            reached: Semaphore::new(0),
            opened: Semaphore::new(0),
        })
    }

    /// Reads the value of now, and returns it once the gate is open.
    async fn get(self: Arc<Self>, fails: bool) -> Result<i64> {
        let load = || async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            let value = i64::try_from(self.value.load(Ordering::SeqCst)).unwrap();
            self.reached.add_permits(1);
            self.opened.acquire().await.unwrap().forget();
            match fails {
                true => Err(Error::decode("the load failed")),
                false => Ok(Some(Arc::new(Item { id: 1, value }) as Arc<dyn CachedRow>)),
            }
        };
        let key = KeyPart::Int(1);
        let row = self
            .cache
            .row(Item::table(), &key, CacheMode::Use, load)
            .await?;
        Ok(value_of(row.unwrap()).value)
    }

    async fn reached(&self, loads: u32) {
        self.reached.acquire_many(loads).await.unwrap().forget();
    }

    fn spawn(self: &Arc<Self>, fails: bool) -> tokio::task::JoinHandle<Result<i64>> {
        tokio::spawn(Arc::clone(self).get(fails))
    }
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn sixty_four_who_ask_at_one_time_are_one_load() {
    let gated = Gated::new();
    let tasks: Vec<_> = (0..64).map(|_| gated.spawn(false)).collect();
    gated.reached(1).await;
    settle().await;
    gated.opened.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 0);
    }
    let figures = gated.cache.stats().entity("Item");
    assert_eq!((figures.misses, figures.coalesced), (1, 63), "{figures:?}");
}

#[tokio::test(start_paused = true)]
async fn another_one_takes_over_from_a_loader_that_is_cancelled() {
    let gated = Gated::new();
    let first = gated.spawn(false);
    gated.reached(1).await;
    let second = gated.spawn(false);
    settle().await;
    first.abort();
    gated.reached(1).await;
    gated.opened.add_permits(1);
    assert_eq!(second.await.unwrap().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_fails_fails_nobody_else() {
    let gated = Gated::new();
    let first = gated.spawn(true);
    gated.reached(1).await;
    let others: Vec<_> = (0..3).map(|_| gated.spawn(false)).collect();
    settle().await;
    gated.opened.add_permits(1);
    assert!(first.await.unwrap().is_err());
    // They load at the same time, not one after the other.
    gated.reached(3).await;
    gated.opened.add_permits(3);
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let gated = Gated::new();
    let _stuck = gated.spawn(false);
    gated.reached(1).await;
    let patient = gated.spawn(false);
    // The clock goes on by itself when nothing else can be done.
    gated.reached(1).await;
    gated.opened.add_permits(2);
    assert_eq!(patient.await.unwrap().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_asks_after_a_write_is_not_given_what_was_read_before_it() {
    let gated = Gated::new();
    let early = gated.spawn(false);
    gated.reached(1).await;
    let pending = gated.cache.begin(vec![anywhere()]);
    gated.value.store(7, Ordering::SeqCst);
    // While it is written everybody reads for themselves.
    let during = gated.spawn(false);
    gated.reached(1).await;
    drop(pending.end(Settled::Kept));
    let late = gated.spawn(false);
    gated.reached(1).await;
    gated.opened.add_permits(3);
    assert_eq!(early.await.unwrap().unwrap(), 0);
    assert_eq!(during.await.unwrap().unwrap(), 7);
    assert_eq!(late.await.unwrap().unwrap(), 7);
    // Only the last one was kept.
    let figures = gated.cache.stats().entity("Item");
    assert_eq!(
        (figures.bypassed, figures.stale_drops),
        (1, 1),
        "{figures:?}"
    );
    assert_eq!(gated.spawn(false).await.unwrap().unwrap(), 7);
    assert_eq!(gated.loads.load(Ordering::SeqCst), 3);
}
