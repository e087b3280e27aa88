//! For how long a replica has not had what the primary had.
//!
//! Clocks of servers differ, and the time of the last transaction applied grows on a primary where nothing happens. So
//! the lag is measured here: the age of the oldest position of the primary that the replica has not reached. It is as
//! exact as the servers are asked often. Pure; the clock is handed in.
use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::Position;

/// How many positions of the primary are remembered. Beyond that, some in between are left out.
const MOST: usize = 1_024;

/// Where the primary was, and when, as far as not every replica has been there.
#[derive(Debug, Default)]
pub(super) struct Track(VecDeque<(Position, Instant)>);

impl Track {
    /// The primary was at `position`.
    pub(super) fn saw(&mut self, position: &Position, now: Instant) {
        if self.0.back().is_some_and(|(last, _)| last == position) {
            return;
        }
        if self.0.len() == MOST {
            self.0.remove(1);
        }
        self.0.push_back((position.clone(), now));
    }

    /// How long ago the primary was first where a replica at `position` has not been; none if nothing is known of the
    /// primary.
    pub(super) fn lag(&self, position: &Position, now: Instant) -> Option<Duration> {
        let (latest, _) = self.0.back()?;
        if position.has_reached(latest) {
            return Some(Duration::ZERO);
        }
        let missed = self.0.iter().find(|(was, _)| !position.has_reached(was));
        missed.map(|(_, at)| now.saturating_duration_since(*at))
    }

    /// Where the primary was last.
    pub(super) fn latest(&self) -> Option<&Position> {
        self.0.back().map(|(position, _)| position)
    }

    /// Forgets what every replica has reached, but for the last.
    pub(super) fn forget(&mut self, least: impl Fn(&Position) -> bool) {
        while self.0.len() > 1 && self.0.front().is_some_and(|(was, _)| least(was)) {
            self.0.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn lag_is_the_age_of_what_is_missing_and_none_on_an_idle_primary() {
        let now = Instant::now();
        let at = Position::Lsn;
        let mut track = Track::default();
        assert_eq!(track.lag(&at(7), now), None);
        for (second, position) in [(0, 10), (1, 10), (2, 20), (3, 30)] {
            track.saw(&at(position), now + seconds(second));
        }
        let lag = |position| track.lag(&at(position), now + seconds(5)).unwrap();
        assert_eq!([5, 10, 15, 20, 29].map(lag), [5, 3, 3, 2, 2].map(seconds));
        assert_eq!(lag(30), Duration::ZERO);
        assert_eq!(
            track.lag(&at(30), now + seconds(3_600)),
            Some(Duration::ZERO)
        );
        track.forget(|was| at(20).has_reached(was));
        assert_eq!(track.0.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_the_oldest_stays() {
        let now = Instant::now();
        let mut track = Track::default();
        for step in 0..10_000 {
            track.saw(&Position::Lsn(step + 1), now + seconds(step));
        }
        assert_eq!(track.0.len(), MOST);
        let lag = track.lag(&Position::Lsn(0), now + seconds(10_000));
        assert_eq!(lag, Some(seconds(10_000)));
    }
}
