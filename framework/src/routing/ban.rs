//! Whether a replica is read from: banned when it fails, for longer each time, and back when it does well. Pure but for
//! the clock, which is handed in.
use std::time::Duration;

use tokio::time::Instant;

use crate::observe::BanReason;

/// For how long a replica is left alone after it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

/// What became of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing that is worth telling.
    None,
    /// It is not read from any more, or for another reason than before.
    Banned(BanReason),
    /// It is read from again, after this time.
    Recovered(Duration),
}

/// The state of one replica. It begins banned: nobody has seen it yet.
#[derive(Debug, Clone)]
pub(super) struct Ban {
    pauses: Pauses,
    banned: Option<Banned>,
    /// How often it was unreachable without having been well for long in between.
    failures: u32,
    /// Since when it is well.
    well_since: Option<Instant>,
    /// How often it was banned.
    pub(super) count: u64,
}

#[derive(Debug, Clone, Copy)]
struct Banned {
    reason: BanReason,
    since: Instant,
    /// Until when it is left alone.
    until: Instant,
}

impl Ban {
    pub(super) fn new(pauses: Pauses) -> Self {
        Self {
            pauses,
            banned: None,
            failures: 0,
            well_since: None,
            count: 0,
        }
    }

    /// Why it is not read from; nothing if it is.
    pub(super) fn reason(&self) -> Option<BanReason> {
        self.banned.map(|banned| banned.reason)
    }

    /// Until when it is left alone.
    pub(super) fn until(&self) -> Option<Instant> {
        self.banned.map(|banned| banned.until)
    }

    /// It could not be reached, or a connection to it was lost.
    pub(super) fn failed(&mut self, now: Instant) -> Change {
        // Readers that fail together fail once.
        if let Some(banned) = self.banned
            && banned.reason == BanReason::Unreachable
            && now < banned.until
        {
            return Change::None;
        }
        let recovered_long_ago = |since: Instant| now - since >= self.pauses.longest;
        if self.well_since.is_some_and(recovered_long_ago) {
            self.failures = 0;
        }
        let pause = self.pauses.first * 2_u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let until = now + pause.min(self.pauses.longest);
        self.ban(BanReason::Unreachable, now, until)
    }

    /// It answered, and is not to be read from all the same; or it is well.
    pub(super) fn answered(&mut self, unfit: Option<BanReason>, now: Instant) -> Change {
        if let Some(reason) = unfit {
            return self.ban(reason, now, now);
        }
        match self.banned {
            Some(banned) if now < banned.until => Change::None,
            Some(banned) => {
                self.banned = None;
                self.well_since = Some(now);
                Change::Recovered(now - banned.since)
            }
            None => {
                self.well_since.get_or_insert(now);
                Change::None
            }
        }
    }

    fn ban(&mut self, reason: BanReason, now: Instant, until: Instant) -> Change {
        let before = self.banned;
        self.well_since = None;
        self.banned = Some(Banned {
            reason,
            since: before.map_or(now, |banned| banned.since),
            until,
        });
        if before.is_some_and(|banned| banned.reason == reason) {
            return Change::None;
        }
        self.count += 1;
        Change::Banned(reason)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSES: Pauses = Pauses {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(1),
    };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_the_longest_and_start_anew_after_a_long_good_time() {
        let start = Instant::now();
        let mut ban = Ban::new(PAUSES);
        let mut now = start;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            ban.failed(now);
            let until = ban.until().unwrap();
            pauses.push(until - now);
            now = until;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000].map(ms));
        assert_eq!(ban.count, 1, "it was banned once, for long");
        assert_eq!(ban.answered(None, now), Change::Recovered(now - start));
        // Well for a moment only: it is left alone for long again.
        ban.failed(now + ms(10));
        assert_eq!(ban.until(), Some(now + ms(1010)));
        now += ms(1010);
        assert_eq!(ban.answered(None, now), Change::Recovered(ms(1000)));
        ban.failed(now + ms(1000));
        assert_eq!(ban.until(), Some(now + ms(1100)));
    }

    #[tokio::test(start_paused = true)]
    async fn readers_that_fail_together_ban_once_and_an_answer_in_the_pause_changes_nothing() {
        let now = Instant::now();
        let mut ban = Ban::new(PAUSES);
        assert_eq!(ban.failed(now), Change::Banned(BanReason::Unreachable));
        for after in [0, 1, 99] {
            assert_eq!(ban.failed(now + ms(after)), Change::None);
            assert_eq!(ban.answered(None, now + ms(after)), Change::None);
        }
        assert_eq!(ban.until(), Some(now + ms(100)));
        assert_eq!(
            ban.answered(None, now + ms(100)),
            Change::Recovered(ms(100))
        );
        assert_eq!(ban.reason(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_lags_is_back_as_soon_as_it_does_not() {
        let now = Instant::now();
        let mut ban = Ban::new(PAUSES);
        let lagging = Some(BanReason::Lagging);
        assert_eq!(
            ban.answered(lagging, now),
            Change::Banned(BanReason::Lagging)
        );
        assert_eq!(ban.answered(lagging, now + ms(5)), Change::None);
        assert_eq!(ban.answered(None, now + ms(6)), Change::Recovered(ms(6)));
        // Another reason is worth telling.
        ban.failed(now + ms(7));
        assert_eq!(
            ban.answered(lagging, now + ms(8)),
            Change::Banned(BanReason::Lagging)
        );
    }

    proptest! {
        #[test]
        fn whatever_happens_the_pause_is_bounded_and_a_good_answer_after_it_brings_it_back(
            steps in prop::collection::vec((0..3_u8, 0..2_000_u64), 1..60),
        ) {
            let mut now = Instant::now();
            let mut ban = Ban::new(PAUSES);
            for (what, after) in steps {
                now += ms(after);
                let change = match what {
                    0 => ban.failed(now),
                    1 => ban.answered(Some(BanReason::Lagging), now),
                    _ => ban.answered(None, now),
                };
                if let Some(until) = ban.until() {
                    prop_assert!(until <= now + PAUSES.longest);
                }
                prop_assert_eq!(matches!(change, Change::Recovered(_)) && ban.reason().is_some(), false);
            }
            let after = ban.until().unwrap_or(now).max(now);
            ban.answered(None, after);
            prop_assert_eq!(ban.reason(), None);
        }
    }
}
