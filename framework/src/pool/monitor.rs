//! A task that looks at the pool from time to time and tells what it sees.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{Lanes, Pool, TARGET};
use crate::{
    error::{Error, Result},
    observe::{PoolEventKind, PoolStats},
};

impl Pool {
    /// Tells the observers the pool's figures every `period`, as long as the pool is open, and alerts them: when more
    /// callers wait than the time before, and when more than four fifths of the connections are in use. Alerts go to
    /// `tracing::warn!` too.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for a period of zero.
    pub fn monitor(&self, period: Duration) -> Result<()> {
        if period.is_zero() {
            return Err(Error::configuration(
                "the monitor's period is zero, so it would do nothing else",
            )
            .with_hint("some seconds are usual"));
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(run(Arc::downgrade(&self.0), period));
        }
        Ok(())
    }
}

async fn run(lanes: Weak<Lanes>, period: Duration) {
    let mut alerts = Alerts::default();
    loop {
        tokio::time::sleep(period).await;
        let Some(lanes) = lanes.upgrade() else {
            return;
        };
        if lanes.main.is_closed() {
            return;
        }
        let stats = lanes.stats();
        lanes.main.tell(PoolEventKind::Snapshot(stats));
        for alert in alerts.look(&stats).into_iter().flatten() {
            warn(lanes.main.options.get_name(), alert);
            lanes.main.tell(alert);
        }
    }
}

/// What was seen before.
#[derive(Debug, Default)]
struct Alerts {
    pending: usize,
    full: bool,
}

impl Alerts {
    /// What is new and worth an alert.
    fn look(&mut self, stats: &PoolStats) -> [Option<PoolEventKind<'static>>; 2] {
        let (before, was_full) = (self.pending, self.full);
        (self.pending, self.full) = (stats.pending, stats.is_nearly_full());
        let growing = before > 0 && stats.pending > before;
        let full = self.full && !was_full;
        [
            growing.then_some(PoolEventKind::PendingGrowing {
                pending: stats.pending,
                before,
            }),
            full.then_some(PoolEventKind::NearlyFull {
                in_use: stats.in_use,
                max: stats.max,
            }),
        ]
    }
}

fn warn(pool: &str, alert: PoolEventKind<'_>) {
    match alert {
        PoolEventKind::PendingGrowing { pending, before } => tracing::warn!(
            target: TARGET, pool, pending, before,
            "more and more callers wait for a connection"
        ),
        PoolEventKind::NearlyFull { in_use, max } => tracing::warn!(
            target: TARGET, pool, in_use, max,
            "more than four fifths of the connections are in use"
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pending: usize, in_use: usize) -> PoolStats {
        PoolStats {
            max: 10,
            pending,
            in_use,
            ..PoolStats::default()
        }
    }

    #[test]
    fn an_alert_is_told_when_it_begins_and_again_after_it_ended() {
        let mut alerts = Alerts::default();
        let mut full = |in_use| alerts.look(&seen(0, in_use))[1].is_some();
        assert_eq!(
            [8, 9, 10, 9, 8, 9].map(&mut full),
            [false, true, false, false, false, true]
        );
    }

    #[test]
    fn callers_that_wait_are_alarming_when_they_become_more() {
        let mut alerts = Alerts::default();
        let mut growing = |pending| alerts.look(&seen(pending, 0))[0].is_some();
        // The first that waits is no alarm.
        assert_eq!(
            [0, 3, 5, 5, 2, 4].map(&mut growing),
            [false, false, true, false, false, true]
        );
    }
}
