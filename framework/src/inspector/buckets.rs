//! Times in buckets of a quarter of an octave: small enough to keep one for every statement, and to be drawn as they are.
use std::time::Duration;

const PER_OCTAVE: f64 = 4.0;

/// From one microsecond to 17 minutes.
const BUCKETS: usize = 120;

/// How some times are distributed. A percentile is right to a tenth of its value.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    counts: [u32; BUCKETS],
    count: u64,
    sum: Duration,
    max: Duration,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            count: 0,
            sum: Duration::ZERO,
            max: Duration::ZERO,
        }
    }
}

impl Buckets {
    pub(super) fn record(&mut self, time: Duration) {
        let bucket = bucket(time);
        self.counts[bucket] = self.counts[bucket].saturating_add(1);
        self.count += 1;
        self.sum += time;
        self.max = self.max.max(time);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn sum(&self) -> Duration {
        self.sum
    }

    pub(super) fn max(&self) -> Duration {
        self.max
    }

    pub(super) fn mean(&self) -> Duration {
        match self.count {
            0 => Duration::ZERO,
            count => self.sum.div_f64(count as f64),
        }
    }

    /// The time that `part` of all are not longer than; zero if there are none.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        let wanted = (part * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if *count > 0 && seen >= wanted {
                return middle(bucket).min(self.max);
            }
        }
        Duration::ZERO
    }

    /// The longest time of each bucket and how many are in it, from the first to the last that has any.
    pub(super) fn bars(&self) -> Vec<(Duration, u32)> {
        let is_used = |count: &u32| *count > 0;
        let first = self.counts.iter().position(is_used).unwrap_or(0);
        let last = self
            .counts
            .iter()
            .rposition(is_used)
            .map_or(0, |last| last + 1);
        (first..last)
            .map(|bucket| (micros(bucket as f64 + 1.0), self.counts[bucket]))
            .collect()
    }
}

fn bucket(time: Duration) -> usize {
    let micros = time.as_secs_f64() * 1e6;
    // Less than a microsecond is negative here, and saturates.
    ((micros.log2() * PER_OCTAVE) as usize).min(BUCKETS - 1)
}

fn middle(bucket: usize) -> Duration {
    micros(bucket as f64 + 0.5)
}

fn micros(octaves: f64) -> Duration {
    Duration::from_secs_f64((octaves / PER_OCTAVE).exp2() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_tenth() {
        let mut buckets = Buckets::default();
        for milliseconds in 1..=1000 {
            buckets.record(Duration::from_millis(milliseconds));
        }
        for (part, milliseconds) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0)] {
            let off = buckets.quantile(part).as_secs_f64() * 1000.0 / milliseconds;
            assert!((0.9..1.1).contains(&off), "{part}: {off}");
        }
        assert_eq!(buckets.max(), Duration::from_secs(1));
        assert_eq!(buckets.count(), 1000);
        let bars = buckets.bars();
        assert_eq!(
            bars.iter().map(|(_, count)| u64::from(*count)).sum::<u64>(),
            1000
        );
        assert!(bars[0].1 > 0 && bars[bars.len() - 1].1 > 0);
    }

    #[test]
    fn nothing_is_no_time_and_extremes_find_a_bucket() {
        let mut buckets = Buckets::default();
        assert_eq!(buckets.quantile(0.5), Duration::ZERO);
        assert!(buckets.bars().is_empty());
        buckets.record(Duration::ZERO);
        assert_eq!(buckets.quantile(0.5), Duration::ZERO);
        buckets.record(Duration::from_secs(100_000));
        assert_eq!(buckets.bars().len(), BUCKETS);
    }
}
