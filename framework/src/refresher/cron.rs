//! Cron expressions of five fields: minute, hour, day of the month, month, day of the week. In UTC.
//!
//! As in cron, a day matches by either field where both days are restricted. `7` is Sunday too; names of months and days
//! have three letters.
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Utc};

use crate::error::{Error, Result};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The longest wait there can be: from one 29th of February to the next over a century.
const YEARS: u64 = 8;

/// The times that an expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether both days are restricted, so that either is enough.
    either_day: bool,
}

/// One field: its name, its numbers, and the names of its first numbers.
struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

impl Cron {
    /// # Errors
    /// What does not fit, and the field that it is in.
    pub(super) fn parse(expression: &str) -> Result<Self> {
        let fields: Vec<_> = expression.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(Error::configuration(format!(
                "the cron expression {expression:?} has {} fields instead of five",
                fields.len()
            ))
            .with_hint("minute, hour, day of the month, month, day of the week: \"0 3 * * *\" is every night at three"));
        };
        let field = |name, first, last, names| Field {
            name,
            first,
            last,
            names,
        };
        let weekdays = field("day of the week", 0, 7, &DAYS).parse(weekday)?;
        let cron = Self {
            minutes: field("minute", 0, 59, &[]).parse(minute)?,
            hours: field("hour", 0, 23, &[]).parse(hour)?,
            days: field("day of the month", 1, 31, &[]).parse(day)?,
            months: field("month", 1, 12, &MONTHS).parse(month)?,
            weekdays: weekdays | (weekdays >> 7),
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        match cron.next(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(cron),
            None => Err(Error::configuration(format!(
                "the cron expression {expression:?} names a day that never comes"
            ))),
        }
    }

    /// The first time after `moment`.
    pub(super) fn next(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let moment = moment.naive_utc();
        let today = moment.date();
        let days = (0..YEARS * 366).map_while(|days| today.checked_add_days(Days::new(days)));
        days.filter(|day| self.names_day(*day))
            .flat_map(|day| self.times(day))
            .find(|time| *time > moment)
            .map(|time| time.and_utc())
    }

    fn names_day(&self, day: NaiveDate) -> bool {
        let by_month = has(self.days, day.day());
        let by_week = has(self.weekdays, day.weekday().num_days_from_sunday());
        let named = match self.either_day {
            true => by_month || by_week,
            false => by_month && by_week,
        };
        named && has(self.months, day.month())
    }

    fn times(&self, day: NaiveDate) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let hours = (0..24).filter(|hour| has(self.hours, *hour));
        let times = hours.flat_map(move |hour| {
            let minutes = (0..60).filter(|minute| has(self.minutes, *minute));
            minutes.map(move |minute| (hour, minute))
        });
        times.filter_map(move |(hour, minute)| day.and_hms_opt(hour, minute, 0))
    }
}

fn has(numbers: u64, number: u32) -> bool {
    numbers & (1 << number) != 0
}

impl Field {
    /// The numbers that `text` names, as bits.
    fn parse(&self, text: &str) -> Result<u64> {
        let mut numbers = 0;
        for part in text.split(',') {
            let named = self.part(part).ok_or_else(|| {
                let Self {
                    name, first, last, ..
                } = self;
                Error::configuration(format!("{part:?} is no {name} of a cron expression"))
                    .with_hint(format!(
                        "write a number from {first} to {last}, a range such as {first}-{last}, `*`, or a step such as */2; several with commas"
                    ))
            })?;
            numbers |= named;
        }
        Ok(numbers)
    }

    fn part(&self, text: &str) -> Option<u64> {
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => (range, Some(step.parse::<usize>().ok()?)),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (self.first, self.last),
            (_, Some((first, last))) => (self.number(first)?, self.number(last)?),
            (single, None) => {
                let number = self.number(single)?;
                // As in cron, a step from a number goes to the end.
                (number, if step.is_some() { self.last } else { number })
            }
        };
        let step = step.unwrap_or(1);
        if first > last || step == 0 {
            return None;
        }
        Some(
            (first..=last)
                .step_by(step)
                .fold(0, |bits, number| bits | (1 << number)),
        )
    }

    fn number(&self, text: &str) -> Option<u32> {
        if let Some(at) = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text))
        {
            return Some(self.first + u32::try_from(at).ok()?);
        }
        let number = text.parse().ok()?;
        (self.first..=self.last).contains(&number).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;

    use super::*;

    fn next(expression: &str, after: &str) -> String {
        let after = after.parse::<DateTime<Utc>>().unwrap();
        let next = Cron::parse(expression).unwrap().next(after).unwrap();
        assert_eq!(next.second(), 0);
        next.format("%Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn the_next_time_is_found() {
        let now = "2026-03-14T15:09:26Z"; // a Saturday
        for (expression, expected) in [
            ("* * * * *", "2026-03-14 15:10"),
            ("0 3 * * *", "2026-03-15 03:00"),
            ("*/15 * * * *", "2026-03-14 15:15"),
            ("5/20 * * * *", "2026-03-14 15:25"),
            ("9 15 * * *", "2026-03-15 15:09"),
            ("0 0 1 * *", "2026-04-01 00:00"),
            ("30 8-10,20 * * *", "2026-03-14 20:30"),
            ("0 9 * * mon-fri", "2026-03-16 09:00"),
            ("0 9 * * 7", "2026-03-15 09:00"),
            ("0 9 * * SUN", "2026-03-15 09:00"),
            ("0 0 13 * 5", "2026-03-20 00:00"),
            ("0 0 */2 * 5", "2026-03-27 00:00"),
            ("0 0 29 2 *", "2028-02-29 00:00"),
            ("0 0 1 JAN *", "2027-01-01 00:00"),
        ] {
            assert_eq!(next(expression, now), expected, "{expression}");
        }
        assert_eq!(
            next("0 0 29 2 *", "2096-03-01T00:00:00Z"),
            "2104-02-29 00:00"
        );
        assert_eq!(
            next("0 3 * * *", "2026-03-14T03:00:00Z"),
            "2026-03-15 03:00"
        );
    }

    #[test]
    fn what_is_no_expression_is_named() {
        for (expression, expected) in [
            ("0 3 * *", "has 4 fields instead of five"),
            ("60 * * * *", "\"60\" is no minute"),
            ("* 5-3 * * *", "\"5-3\" is no hour"),
            ("* * 0 * *", "\"0\" is no day of the month"),
            ("* * * foo *", "\"foo\" is no month"),
            ("* * * * 8", "\"8\" is no day of the week"),
            ("*/0 * * * *", "\"*/0\" is no minute"),
            (", * * * *", "\"\" is no minute"),
            ("0 0 31 2 *", "a day that never comes"),
        ] {
            let error = Cron::parse(expression).unwrap_err().to_string();
            assert!(error.contains(expected), "{expression}: {error}");
        }
    }
}
