//! Who holds the connections: for the error of a caller that waited in vain, and for the report of leaks.
use std::{collections::BTreeMap, panic::Location, time::Duration};

use tokio::time::Instant;

/// The callers that hold a connection now.
#[derive(Debug, Default)]
pub(super) struct Holders {
    slots: Vec<Option<Holder>>,
    free: Vec<usize>,
}

/// A loan of a connection that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holding {
    /// The user's call that holds it.
    pub call_site: &'static Location<'static>,
    /// For how long.
    pub held: Duration,
}

/// A caller with a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    pub(super) call_site: &'static Location<'static>,
    pub(super) since: Instant,
    /// Whether it was reported as a leak.
    pub(super) reported: bool,
}

impl Holder {
    pub(super) fn held(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

impl Holders {
    /// Notes a holder; the ticket is for [`Holders::remove`].
    pub(super) fn insert(
        &mut self,
        call_site: &'static Location<'static>,
        since: Instant,
    ) -> usize {
        let holder = Some(Holder {
            call_site,
            since,
            reported: false,
        });
        match self.free.pop() {
            Some(ticket) => {
                self.slots[ticket] = holder;
                ticket
            }
            None => {
                self.slots.push(holder);
                self.slots.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, ticket: usize) -> Option<Holder> {
        let holder = self.slots[ticket].take();
        if holder.is_some() {
            self.free.push(ticket);
        }
        holder
    }

    /// Those that hold a connection for longer than `limit` and were not reported yet; now they are.
    pub(super) fn overdue(&mut self, limit: Duration, now: Instant) -> Vec<Holder> {
        let mut overdue = Vec::new();
        for holder in self.slots.iter_mut().flatten() {
            if !holder.reported && holder.held(now) > limit {
                holder.reported = true;
                overdue.push(*holder);
            }
        }
        overdue
    }

    /// The calls that hold a connection, longest first.
    pub(super) fn call_sites(&self) -> Vec<&'static Location<'static>> {
        let mut holders: Vec<Holder> = self.slots.iter().flatten().copied().collect();
        holders.sort_by_key(|holder| holder.since);
        holders.iter().map(|holder| holder.call_site).collect()
    }

    /// The loans, longest first.
    pub(super) fn holdings(&self, now: Instant) -> Vec<Holding> {
        let holding = |holder: &Holder| Holding {
            call_site: holder.call_site,
            held: holder.held(now),
        };
        let mut holdings: Vec<_> = self.slots.iter().flatten().map(holding).collect();
        holdings.sort_by_key(|holding| std::cmp::Reverse(holding.held));
        holdings
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The holders in one line, most connections first: `src/a.rs:10 (3 connections, longest 2.5s)`.
    pub(super) fn describe(&self, now: Instant) -> String {
        const SHOWN: usize = 5;
        let mut sites = BTreeMap::new();
        for holder in self.slots.iter().flatten() {
            let held = holder.held(now);
            let site = (holder.call_site.file(), holder.call_site.line());
            let (count, longest) = sites.entry(site).or_insert((0_usize, held));
            *count += 1;
            *longest = held.max(*longest);
        }
        let mut sites: Vec<_> = sites.into_iter().collect();
        sites.sort_by_key(|&(_, (count, longest))| std::cmp::Reverse((count, longest)));
        let more = sites.len().saturating_sub(SHOWN);
        let mut lines: Vec<String> = sites
            .iter()
            .take(SHOWN)
            .map(|((file, line), (count, longest))| match count {
                1 => format!("{file}:{line} (for {longest:.1?})"),
                _ => format!("{file}:{line} ({count} connections, longest {longest:.1?})"),
            })
            .collect();
        if more > 0 {
            lines.push(format!("{more} other places"));
        }
        lines.join(", ")
    }
}
