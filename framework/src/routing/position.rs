//! How far a server is in the log of changes, and whether it has what another one had.
//!
//! PostgreSQL counts the bytes of its log. MariaDB counts transactions by *domain*, of which there is usually one. MySQL
//! keeps sets of transactions by the server that made them; this one was tested as text only.
use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::error::{Error, Result};

/// How far a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// PostgreSQL: how many bytes of the log were written, or applied.
    Lsn(u64),
    /// MariaDB: the last transaction of each domain.
    Gtids(Gtids),
    /// MySQL: all transactions, by the server that made them.
    GtidSet(GtidSet),
}

/// The last transaction of each replication domain of MariaDB: `0-1-42,7-2-3`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gtids(BTreeMap<u32, Gtid>);

/// A transaction within a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gtid {
    server: u32,
    sequence: u64,
}

/// A set of MySQL's transactions: `3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:11`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GtidSet(BTreeMap<Box<str>, Vec<(u64, u64)>>);

impl Position {
    /// Whether a server that is here has everything that one at `wanted` had. Never across products.
    pub fn has_reached(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Lsn(here), Self::Lsn(wanted)) => here >= wanted,
            (Self::Gtids(here), Self::Gtids(wanted)) => here.has_reached(wanted),
            (Self::GtidSet(here), Self::GtidSet(wanted)) => here.has_reached(wanted),
            _ => false,
        }
    }

    /// The least position that has reached both; of two products the other's.
    #[must_use]
    pub(super) fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Lsn(one), Self::Lsn(other)) => Self::Lsn(one.max(*other)),
            (Self::Gtids(mut one), Self::Gtids(other)) => {
                one.add(other);
                Self::Gtids(one)
            }
            (Self::GtidSet(mut one), Self::GtidSet(other)) => {
                one.add(other);
                Self::GtidSet(one)
            }
            (_, other) => other.clone(),
        }
    }

    /// How many bytes of PostgreSQL's log `ahead` is before this.
    pub(super) fn bytes_behind(&self, ahead: &Self) -> Option<u64> {
        match (self, ahead) {
            (Self::Lsn(here), Self::Lsn(ahead)) => Some(ahead.saturating_sub(*here)),
            _ => None,
        }
    }
}

impl Gtids {
    /// Whether the last transaction of each domain of `primary` has been written by the server that wrote here last.
    pub(super) fn is_of(&self, primary: &Self) -> bool {
        primary.0.iter().all(|(domain, wrote)| {
            let here = self.0.get(domain);
            here.is_some_and(|here| here.server == wrote.server)
        })
    }

    fn has_reached(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|(domain, wanted)| {
            let here = self.0.get(domain);
            here.is_some_and(|here| here.sequence >= wanted.sequence)
        })
    }

    fn add(&mut self, other: &Self) {
        for (domain, gtid) in &other.0 {
            let own = self.0.entry(*domain).or_insert(*gtid);
            if own.sequence < gtid.sequence {
                *own = *gtid;
            }
        }
    }
}

impl GtidSet {
    fn has_reached(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|(server, wanted)| {
            let here = self.0.get(server).map_or(&[][..], Vec::as_slice);
            let covers = |&(from, to): &(u64, u64)| {
                here.iter()
                    .any(|&(first, last)| first <= from && to <= last)
            };
            wanted.iter().all(covers)
        })
    }

    fn add(&mut self, other: &Self) {
        for (server, intervals) in &other.0 {
            let own = self.0.entry(server.clone()).or_default();
            own.extend_from_slice(intervals);
            tidy(own);
        }
    }
}

/// Puts intervals in order, and joins those that meet.
fn tidy(intervals: &mut Vec<(u64, u64)>) {
    intervals.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::with_capacity(intervals.len());
    for &(from, to) in intervals.iter() {
        match joined.last_mut() {
            Some((_, last)) if from <= last.saturating_add(1) => *last = to.max(*last),
            _ => joined.push((from, to)),
        }
    }
    *intervals = joined;
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lsn(lsn) => write!(f, "{:X}/{:X}", lsn >> 32, lsn & 0xFFFF_FFFF),
            Self::Gtids(gtids) => gtids.fmt(f),
            Self::GtidSet(set) => set.fmt(f),
        }
    }
}

impl fmt::Display for Gtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (domain, gtid)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{domain}-{}-{}", gtid.server, gtid.sequence)?;
        }
        Ok(())
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (server, intervals)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{server}")?;
            for (from, to) in intervals {
                match from == to {
                    true => write!(f, ":{from}")?,
                    false => write!(f, ":{from}-{to}")?,
                }
            }
        }
        Ok(())
    }
}

/// Reads what [`Display`](fmt::Display) writes, and what the servers do.
impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let position = if text.contains('/') {
            lsn(text).map(Self::Lsn)
        } else if text.contains(':') {
            text.parse().ok().map(Self::GtidSet)
        } else {
            text.parse().ok().map(Self::Gtids)
        };
        position.ok_or_else(|| not_a_position(text))
    }
}

impl FromStr for Gtids {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut gtids = BTreeMap::new();
        for part in parts(text) {
            let mut numbers = part.split('-');
            let mut number = || numbers.next();
            let gtid = (number(), number(), number(), number());
            let (Some(domain), Some(server), Some(sequence), None) = gtid else {
                return Err(not_a_position(text));
            };
            let gtid = Gtid {
                server: parse(server, text)?,
                sequence: parse(sequence, text)?,
            };
            gtids.insert(parse(domain, text)?, gtid);
        }
        Ok(Self(gtids))
    }
}

impl FromStr for GtidSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut set: BTreeMap<Box<str>, Vec<(u64, u64)>> = BTreeMap::new();
        for part in parts(text) {
            let mut parts = part.split(':').map(str::trim);
            let server = parts.next().unwrap_or_default();
            if uuid::Uuid::try_parse(server).is_err() {
                return Err(not_a_position(text));
            }
            let intervals = set.entry(server.to_lowercase().into()).or_default();
            for interval in parts {
                let (from, to) = interval.split_once('-').unwrap_or((interval, interval));
                let (from, to) = (parse(from, text)?, parse(to, text)?);
                if from > to {
                    return Err(not_a_position(text));
                }
                intervals.push((from, to));
            }
            tidy(intervals);
        }
        Ok(Self(set))
    }
}

fn lsn(text: &str) -> Option<u64> {
    let (high, low) = text.trim().split_once('/')?;
    let half = |text: &str| u32::from_str_radix(text, 16).ok();
    Some((u64::from(half(high)?) << 32) | u64::from(half(low)?))
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn parse<N: FromStr>(number: &str, whole: &str) -> Result<N> {
    number.parse().map_err(|_| not_a_position(whole))
}

#[cold]
fn not_a_position(text: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::invalid_query(format!("{shown:?} is no position in a log"))
        .with_hint("pass on the text of `Database::token` unchanged")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(text: &str) -> Position {
        text.parse().unwrap()
    }

    #[test]
    fn a_log_position_of_postgres_is_a_number_of_bytes() {
        assert_eq!(position("0/16B3748"), Position::Lsn(0x16B_3748));
        assert_eq!(position("1A/0"), Position::Lsn(0x1A_0000_0000));
        assert!(position("1/0").has_reached(&position("0/FFFFFFFF")));
        assert!(!position("0/FFFFFFFF").has_reached(&position("1/0")));
        assert_eq!(position("0/10").bytes_behind(&position("0/30")), Some(32));
        assert_eq!(position("0/30").bytes_behind(&position("0/10")), Some(0));
    }

    #[test]
    fn mariadb_counts_by_domain_whoever_wrote() {
        let here = position("0-2-42,7-1-3");
        assert!(here.has_reached(&position("0-1-42")));
        assert!(here.has_reached(&position("")));
        assert!(!here.has_reached(&position("0-1-43")));
        assert!(!here.has_reached(&position("8-1-1")));
        let both = position("0-1-5,1-1-1").and(&position("0-2-4,2-1-9"));
        assert_eq!(both.to_string(), "0-1-5,1-1-1,2-1-9");
    }

    #[test]
    fn mysql_has_sets_with_holes() {
        let (one, two) = (
            "3e11fa47-71ca-11e1-9e33-c80aa9429562",
            "4e11fa47-71ca-11e1-9e33-c80aa9429562",
        );
        let here = position(&format!("{one}:1-5:7-9,\n{two}:1"));
        assert!(here.has_reached(&position(&format!("{one}:2-4:8,{two}:1"))));
        assert!(!here.has_reached(&position(&format!("{one}:6"))));
        assert!(!here.has_reached(&position(&format!("{two}:1-2"))));
        let whole = here.and(&position(&format!("{}:6", one.to_uppercase())));
        assert_eq!(whole.to_string(), format!("{one}:1-9,{two}:1"));
    }

    #[test]
    fn products_never_reach_each_other_and_nonsense_is_refused() {
        assert!(!position("0/1").has_reached(&position("0-1-1")));
        for text in [
            "0/",
            "/1",
            "0/1/2",
            "0-1",
            "0-1-x",
            "a:1",
            "0-1-1-1",
            "1/123456789",
        ] {
            let error = text.parse::<Position>().unwrap_err();
            assert!(error.to_string().contains("is no position"), "{text}");
        }
        let long = "x".repeat(10_000).parse::<Position>().unwrap_err();
        assert!(long.to_string().len() < 300);
    }

    fn any_gtids() -> impl Strategy<Value = Position> {
        let gtid = (0..4_u32, 1..4_u32, 1..20_u64);
        prop::collection::vec(gtid, 0..4).prop_map(|gtids| {
            let gtid = |(domain, server, sequence)| (domain, Gtid { server, sequence });
            Position::Gtids(Gtids(gtids.into_iter().map(gtid).collect()))
        })
    }

    fn any_set() -> impl Strategy<Value = Position> {
        let interval = (0..3_u8, 1..20_u64, 0..5_u64);
        prop::collection::vec(interval, 0..6).prop_map(|intervals| {
            let mut set = GtidSet::default();
            for (server, from, more) in intervals {
                let server = format!("3e11fa47-71ca-11e1-9e33-c80aa942956{server}");
                let own = set.0.entry(server.into()).or_default();
                own.push((from, from + more));
                tidy(own);
            }
            Position::GtidSet(set)
        })
    }

    fn any_position() -> impl Strategy<Value = [Position; 3]> {
        let lsn = any::<u64>().prop_map(Position::Lsn).boxed();
        prop_oneof![
            [lsn.clone(), lsn.clone(), lsn],
            [any_gtids(), any_gtids(), any_gtids()],
            [any_set(), any_set(), any_set()],
        ]
    }

    proptest! {
        #[test]
        fn reaching_is_an_order_and_both_is_its_least_upper_bound([one, two, three] in any_position()) {
            prop_assert!(one.has_reached(&one));
            if one.has_reached(&two) && two.has_reached(&three) {
                prop_assert!(one.has_reached(&three));
            }
            let both = one.clone().and(&two);
            prop_assert!(both.has_reached(&one) && both.has_reached(&two));
            prop_assert_eq!(
                three.has_reached(&both),
                three.has_reached(&one) && three.has_reached(&two)
            );
        }

        #[test]
        fn text_holds_all_of_it([one, two, _] in any_position()) {
            if let Ok(read) = one.to_string().parse::<Position>() && !one.to_string().is_empty() {
                prop_assert!(read.has_reached(&one) && one.has_reached(&read));
                prop_assert_eq!(read.has_reached(&two), one.has_reached(&two));
            } else {
                prop_assert_eq!(one.to_string(), "");
            }
        }
    }
}
