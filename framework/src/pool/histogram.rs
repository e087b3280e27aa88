//! How long things take in a pool, as distributions.
//!
//! Recorded are, under the lock that is held anyway: the wait of each caller that found no fit connection (in vain or
//! not), the use of each connection that came back, and each opening of one. A caller that found a connection at once
//! is only counted; its wait enters the distribution as zero when somebody asks. Callers that went away are in none.
//! Values are kept with two digits, from 100 ns to one hour.
use std::time::Duration;

use hdrhistogram::Histogram;

/// How long callers waited, connections were used and took to open, since the pool was opened.
///
/// ```
/// # async fn run() -> entourage::Result<()> {
/// let db = entourage::Database::connect("sqlite::memory:").await?;
/// db.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY)").await?;
/// let histograms = db.pool_histograms();
/// assert_eq!(histograms.create.count, 1);
/// assert!(histograms.used.count >= 1 && histograms.used.p50 <= histograms.used.max);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolHistograms {
    /// How long callers waited; zero for those that found a connection at once.
    pub wait: Distribution,
    /// How long connections were lent.
    pub used: Distribution,
    /// How long it took to open connections.
    pub create: Distribution,
}

/// How some times are distributed. All are zero if there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distribution {
    /// How many there are.
    pub count: u64,
    /// The shortest.
    pub min: Duration,
    /// The median.
    pub p50: Duration,
    /// Nine of ten are not longer.
    pub p90: Duration,
    /// 99 of 100 are not longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
    /// The mean.
    pub mean: Duration,
}

/// The times of one lane.
#[derive(Debug, Clone)]
pub(super) struct Times {
    pub(super) wait: Samples,
    pub(super) used: Samples,
    pub(super) create: Samples,
}

impl Default for Times {
    fn default() -> Self {
        let new = Samples::new;
        Self {
            wait: new(),
            used: new(),
            create: new(),
        }
    }
}

impl Times {
    pub(super) fn add(&mut self, other: &Self) {
        self.wait.add(&other.wait);
        self.used.add(&other.used);
        self.create.add(&other.create);
    }

    pub(super) fn summary(&self) -> PoolHistograms {
        PoolHistograms {
            wait: self.wait.summary(),
            used: self.used.summary(),
            create: self.create.summary(),
        }
    }
}

/// Times in nanoseconds, in buckets.
#[derive(Debug, Clone)]
pub(super) struct Samples(Histogram<u64>);

impl Samples {
    const SHORTEST: u64 = 100;
    const LONGEST: u64 = 3_600_000_000_000;
    const DIGITS: u8 = 2;

    fn new() -> Self {
        let histogram = Histogram::new_with_bounds(Self::SHORTEST, Self::LONGEST, Self::DIGITS);
        Self(histogram.expect("the bounds are constants that fit"))
    }

    #[inline]
    pub(super) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    pub(super) fn record_zeroes(&mut self, count: u64) {
        self.0.saturating_record_n(0, count);
    }

    fn add(&mut self, other: &Self) {
        let added = self.0.add(&other.0);
        added.expect("both have the same bounds");
    }

    fn summary(&self) -> Distribution {
        if self.0.is_empty() {
            return Distribution::default();
        }
        let at = |quantile| Duration::from_nanos(self.0.value_at_quantile(quantile));
        Distribution {
            count: self.0.len(),
            min: Duration::from_nanos(self.0.min()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: Duration::from_nanos(self.0.max()),
            mean: Duration::from_nanos(self.0.mean() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_two_digits_and_lanes_add_up() {
        let (mut one, mut two) = (Times::default(), Times::default());
        for milliseconds in 1..=50 {
            one.wait.record(Duration::from_millis(milliseconds));
            two.wait.record(Duration::from_millis(50 + milliseconds));
        }
        one.add(&two);
        let wait = one.summary().wait;
        assert_eq!(wait.count, 100);
        let close = |time: Duration, expected: u64| {
            let off = time.as_secs_f64() * 1000.0 / expected as f64;
            (0.99..1.02).contains(&off)
        };
        assert!(
            close(wait.p50, 50) && close(wait.p90, 90) && close(wait.p99, 99),
            "{wait:?}"
        );
        assert!(close(wait.min, 1) && close(wait.max, 100), "{wait:?}");
        assert_eq!(one.summary().used, Distribution::default());
    }

    #[test]
    fn callers_that_did_not_wait_waited_zero() {
        let mut times = Times::default();
        times.wait.record_zeroes(99);
        times.wait.record(Duration::from_secs(1));
        let wait = times.summary().wait;
        assert_eq!((wait.count, wait.min), (100, Duration::ZERO));
        assert!(wait.p90 < Duration::from_micros(1), "{wait:?}");
        assert!(wait.max >= Duration::from_secs(1), "{wait:?}");
    }
}
