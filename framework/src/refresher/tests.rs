//! The agenda alone, by a clock of the test's.
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{
    Schedule,
    agenda::{Agenda, Now},
};

struct Clock {
    start: Now,
}

impl Clock {
    fn new() -> Self {
        let time: DateTime<Utc> = "2026-03-14T02:00:00Z".parse().unwrap();
        Self {
            start: Now {
                instant: Instant::now(),
                time,
            },
        }
    }

    fn at(&self, seconds: u64) -> Now {
        let passed = Duration::from_secs(seconds);
        Now {
            instant: self.start.instant + passed,
            time: self.start.time + passed,
        }
    }

    /// In seconds from the start.
    fn due(&self, agenda: &Agenda) -> Option<f64> {
        let due = agenda.due(self.start)?;
        Some(due.duration_since(self.start.instant).as_secs_f64())
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn writes_are_waited_out_but_not_for_ever() {
    let clock = Clock::new();
    let schedule = Schedule::after_writes(seconds(2), seconds(5));
    let mut agenda = Agenda::new(schedule, 7, clock.at(0));
    assert_eq!(clock.due(&agenda), None);
    agenda.written(7, clock.at(1));
    assert!(!agenda.is_pending());
    agenda.written(8, clock.at(10));
    assert_eq!(clock.due(&agenda), Some(12.0));
    agenda.written(9, clock.at(11));
    assert_eq!(clock.due(&agenda), Some(13.0));
    agenda.written(11, clock.at(14));
    assert_eq!(clock.due(&agenda), Some(15.0));
    agenda.begins(11, clock.at(16));
    agenda.succeeded(clock.at(16));
    assert_eq!((clock.due(&agenda), agenda.is_pending()), (None, false));
}

#[test]
fn a_write_during_a_refresh_is_followed_by_another() {
    let clock = Clock::new();
    let schedule = Schedule::after_writes(seconds(2), seconds(5));
    let mut agenda = Agenda::new(schedule, 0, clock.at(0));
    agenda.written(1, clock.at(0));
    agenda.begins(1, clock.at(3));
    agenda.succeeded(clock.at(3));
    agenda.written(2, clock.at(3));
    assert_eq!(clock.due(&agenda), Some(5.0));
}

#[test]
fn failures_are_waited_out_longer_and_longer() {
    let clock = Clock::new();
    let schedule = Schedule::after_writes(seconds(0), seconds(0)).or_every(seconds(1));
    let mut agenda = Agenda::new(schedule, 0, clock.at(0));
    agenda.written(1, clock.at(0));
    for (failures, longest) in [(1, 1.0), (2, 2.0), (3, 4.0)] {
        agenda.begins(1, clock.at(10));
        let (delay, count) = agenda.failed(clock.at(10));
        assert_eq!(count, failures);
        assert!(
            (longest / 2.0..=longest).contains(&delay.as_secs_f64()),
            "{delay:?}"
        );
        let due = clock.due(&agenda).unwrap();
        assert!((due - 10.0 - delay.as_secs_f64()).abs() < 1e-6, "{due}");
        assert!(agenda.is_pending());
    }
    for _ in 0..40 {
        assert!(agenda.failed(clock.at(10)).0 <= seconds(60));
    }
    agenda.begins(1, clock.at(100));
    agenda.succeeded(clock.at(100));
    assert!(!agenda.is_pending());
    assert!((100.9..=101.0).contains(&clock.due(&agenda).unwrap()));
}

#[test]
fn the_first_of_several_reasons_counts() {
    let clock = Clock::new();
    let schedule = Schedule::cron("0 3 * * *")
        .unwrap()
        .or_every(seconds(7_200));
    let mut agenda = Agenda::new(schedule, 0, clock.at(0));
    assert_eq!(clock.due(&agenda), Some(3_600.0));
    // Without `after_writes` nobody minds them.
    agenda.written(3, clock.at(1));
    assert!(!agenda.is_pending());
    agenda.begins(3, clock.at(3_600));
    agenda.succeeded(clock.at(3_600));
    let due = clock.due(&agenda).unwrap();
    assert!(
        (3_600.0 + 6_480.0..=3_600.0 + 7_200.0).contains(&due),
        "{due}"
    );
}

#[test]
fn a_time_that_comes_during_a_refresh_is_not_passed_over() {
    let clock = Clock::new();
    let schedule = Schedule::cron("0 3 * * *").unwrap();
    let mut agenda = Agenda::new(schedule, 0, clock.at(0));
    // From 2:58 to 3:05.
    agenda.begins(0, clock.at(58 * 60));
    agenda.succeeded(clock.at(65 * 60));
    let late = clock.at(65 * 60);
    assert_eq!(agenda.due(late), Some(late.instant));
    agenda.begins(0, clock.at(65 * 60));
    agenda.succeeded(clock.at(66 * 60));
    assert_eq!(clock.due(&agenda), Some(25.0 * 3_600.0));
}

/// The clock on the wall is set, or the machine sleeps.
#[test]
fn a_time_of_day_is_one_of_the_wall_clock() {
    let clock = Clock::new();
    let schedule = Schedule::cron("0 3 * * *").unwrap();
    let mut agenda = Agenda::new(schedule, 0, clock.at(0));
    let set = |now: Now, by: i64| Now {
        time: now.time + chrono::TimeDelta::seconds(by),
        ..now
    };
    let asleep = set(clock.at(10), 3_600);
    assert!(!agenda.is_due(clock.at(3_599)));
    assert!(agenda.is_due(clock.at(3_600)));
    assert!(agenda.is_due(asleep));
    let back = |at| set(clock.at(at), -600);
    assert!(!agenda.is_due(back(3_600)));
    assert!(agenda.is_due(back(4_200)));
    agenda.begins(0, back(4_200));
    agenda.succeeded(back(4_201));
    assert!(!agenda.is_due(back(4_202)));
    let look = agenda.look_at(clock.at(0)).unwrap();
    assert_eq!(look, clock.at(30).instant);
}

#[test]
fn what_lies_beyond_all_time_never_comes() {
    let clock = Clock::new();
    let schedule = Schedule::after_writes(seconds(2), Duration::MAX).or_every(Duration::MAX);
    let mut agenda = Agenda::new(schedule, 0, clock.at(0));
    assert_eq!(clock.due(&agenda), None);
    agenda.written(1, clock.at(1));
    assert_eq!(clock.due(&agenda), Some(3.0));
}
