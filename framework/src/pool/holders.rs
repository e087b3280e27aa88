//! Who holds the connections, for the error of a caller that waited in vain.
use std::{collections::BTreeMap, panic::Location};

use tokio::time::Instant;

/// The callers that hold a connection now.
#[derive(Debug, Default)]
pub(super) struct Holders {
    slots: Vec<Option<Holder>>,
    free: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    call_site: &'static Location<'static>,
    since: Instant,
}

impl Holders {
    /// Notes a holder; the ticket is for [`Holders::remove`].
    pub(super) fn insert(
        &mut self,
        call_site: &'static Location<'static>,
        since: Instant,
    ) -> usize {
        let holder = Some(Holder { call_site, since });
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

    pub(super) fn remove(&mut self, ticket: usize) {
        if self.slots[ticket].take().is_some() {
            self.free.push(ticket);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The holders in one line, most connections first: `src/a.rs:10 (3 connections, longest 2.5s)`.
    pub(super) fn describe(&self, now: Instant) -> String {
        const SHOWN: usize = 5;
        let mut sites = BTreeMap::new();
        for holder in self.slots.iter().flatten() {
            let held = now.saturating_duration_since(holder.since);
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
