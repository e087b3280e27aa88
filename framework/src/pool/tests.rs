//! The pool's promises, on a fake server; interleavings are forced with gates and by polling, never by sleeping.
mod cancel;
mod close;
mod growth;
mod heard;
mod keep_alive;
mod leaks;
mod model;
mod queue;
mod retry;

use std::{future::Future, panic::Location, pin::pin, sync::Arc, task::Poll};

use super::{Access, Connect, Pool, PoolConnection, PoolOptions, Topology, fake::FakeServer};
use crate::{dialect::Dialect, error::Result};

async fn pool(server: &FakeServer, options: PoolOptions) -> Pool {
    open(server, options, Topology::Shared).await.unwrap()
}

async fn open(server: &FakeServer, options: PoolOptions, topology: Topology) -> Result<Pool> {
    let connect: Arc<dyn Connect> = Arc::new(server.clone());
    Pool::open(connect, &options, topology).await
}

#[track_caller]
fn acquire(pool: &Pool) -> impl Future<Output = Result<PoolConnection>> + Send + use<> {
    acquire_for(pool, Access::Write)
}

#[track_caller]
fn acquire_for(
    pool: &Pool,
    access: Access,
) -> impl Future<Output = Result<PoolConnection>> + Send + use<> {
    let (pool, call_site) = (pool.clone(), Location::caller());
    async move { pool.acquire(access, call_site).await }
}

fn postgres() -> FakeServer {
    FakeServer::new(Dialect::Postgres)
}

/// Lets every other task of a current-thread runtime get as far as it can.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Polls `future` `times` times, other tasks in between, and drops it. `Some` if it ended before.
pub(crate) async fn cancel_after<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Whatever was opened is open or was closed for a reason; whatever was lent is lent or came back.
fn assert_counters(pool: &Pool, lent: usize, context: &str) {
    let (stats, times) = (pool.stats(), pool.histograms());
    let closed =
        stats.closed_idle + stats.closed_lifetime + stats.closed_broken + stats.closed_with_pool;
    assert_eq!(stats.opened, stats.open as u64 + closed, "{context}");
    assert_eq!(times.create.count, stats.opened, "{context}");
    assert_eq!(stats.acquired, lent as u64 + times.used.count, "{context}");
}
