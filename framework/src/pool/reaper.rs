//! The tasks of a lane, as long as it lives: one closes what nobody uses, keeps the least number open and reports leaks;
//! one pings what lies still. They are apart, because a ping may hang.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{PoolOptions, lane::Lane};

/// Starts the tasks of a lane, those that its settings give anything to do.
pub(super) fn start(lane: &Arc<Lane>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    if let Some(period) = period(&lane.options) {
        runtime.spawn(reap(Arc::downgrade(lane), period));
    }
    if let Some(silence) = lane.options.keep_alive {
        runtime.spawn(keep_alive(Arc::downgrade(lane), half(silence)));
    }
}

async fn reap(lane: Weak<Lane>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(lane) = lane.upgrade() else {
            return;
        };
        lane.report_leaks();
        if !lane.reap() {
            return;
        }
        lane.refill();
    }
}

async fn keep_alive(lane: Weak<Lane>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(lane) = lane.upgrade() else {
            return;
        };
        if !lane.keep_alive().await {
            return;
        }
    }
}

/// How often to look: half the shortest limit. A least number alone is looked after every second.
fn period(options: &PoolOptions) -> Option<Duration> {
    let least = (options.min_connections > 0).then_some(Duration::from_secs(2));
    let limits = [
        options.idle_timeout,
        options.max_lifetime,
        options.leak_after,
        least,
    ];
    limits.into_iter().flatten().min().map(half)
}

/// Half of `limit`, but not more often than once a second, and not less often than once a minute.
fn half(limit: Duration) -> Duration {
    (limit / 2).clamp(Duration::from_secs(1), Duration::from_secs(60))
}
