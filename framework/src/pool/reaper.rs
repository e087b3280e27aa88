//! A task that closes what nobody uses and keeps the least number open, as long as the lane lives.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{PoolOptions, lane::Lane};

/// Starts the reaper of a lane, if its settings give it anything to do.
pub(super) fn start(lane: &Arc<Lane>) {
    let Some(period) = period(&lane.options) else {
        return;
    };
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(run(Arc::downgrade(lane), period));
    }
}

async fn run(lane: Weak<Lane>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(lane) = lane.upgrade() else {
            return;
        };
        if !lane.reap() {
            return;
        }
        lane.refill();
    }
}

/// How often to look: half the shortest limit, but not more than once a second.
fn period(options: &PoolOptions) -> Option<Duration> {
    let limits = [options.idle_timeout, options.max_lifetime];
    let shortest = limits.into_iter().flatten().min()?;
    Some((shortest / 2).clamp(Duration::from_secs(1), Duration::from_secs(60)))
}
