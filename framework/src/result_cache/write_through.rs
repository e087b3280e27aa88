//! Writes: what they close while they are under way, and what they put in once they are committed.
//!
//! A write *begins* before anybody can see it: before its statement, or before COMMIT. From then on nothing that was kept
//! of its rows is given out, and nothing that is loaded is kept. It *ends* when it is known how it ended; rows that it
//! left behind are put in then, if no other write was under way that may have come later. So the order in which two
//! writers come back from the database does not matter.
use std::{collections::HashMap, sync::Arc};

use super::{
    Inner,
    ledger::TableState,
    rows::{Kept, Rows},
    stats::count,
};
use crate::{
    executor::written::{PendingWrites, Settled, Told, Write},
    observe::CacheEventKind,
    schema::{CacheWrite, KeyPart, TableDef},
    statement::{Touched, touched::TouchedRows},
};

/// A write of more keys than this is one of unknown rows: dropping them one by one would cost more than it saves.
const MOST_KEYS: usize = 256;

/// Writes under way.
pub(super) struct Pending {
    cache: Arc<Inner>,
    /// Whether they are to anything.
    anything: bool,
    tables: Vec<TableWrite>,
    /// The tables that rows may be removed from, once for each write.
    removals: Vec<Arc<str>>,
    open: bool,
}

/// What is written to one table.
struct TableWrite {
    state: Arc<TableState>,
    name: Arc<str>,
    /// Whether rows are written that nobody named.
    bulk: bool,
    /// Whether rows are added whose keys the database makes.
    new: bool,
    /// The keys named, and their places.
    keys: Vec<KeyPart>,
    places: Vec<usize>,
    touched: Vec<Arc<Touched>>,
    /// The counters after the own writes have begun, where no others were under way.
    any_before: Option<u64>,
    bulk_before: Option<u64>,
    new_before: Option<u64>,
}

impl Pending {
    pub(super) fn begin(cache: Arc<Inner>, writes: Vec<Write>) -> Self {
        let mut pending = Self {
            anything: false,
            tables: Vec::new(),
            removals: Vec::new(),
            open: true,
            cache: Arc::clone(&cache),
        };
        let mut gathered = Gathered::default();
        for write in writes {
            match write {
                Write::Anything => pending.anything = true,
                Write::Table {
                    name,
                    removes,
                    touched,
                } => {
                    if let Some(touched) = &touched {
                        cache.tables.learn(touched.table, cache.doubtful_until());
                    }
                    gathered.add(&cache, &name, removes, touched);
                    if removes {
                        pending.removals.push(name);
                    }
                }
            }
        }
        if pending.anything {
            cache.tables.begin_all();
            cache.tell("", CacheEventKind::Invalidate);
        }
        pending.tables = gathered.tables;
        for write in &mut pending.tables {
            write.begin(&cache);
        }
        pending
    }

    fn finish(&mut self, settled: Settled) {
        self.open = false;
        // Before anything is kept again: who loads it then must see the write.
        self.cache.mark(settled);
        let closed_until = match settled {
            Settled::Unknown => Some(self.cache.doubtful_until()),
            Settled::Kept | Settled::TakenBack => None,
        };
        for write in &mut self.tables {
            write.state.close_until(closed_until.unwrap_or_default());
            let fresh = match settled {
                Settled::Kept if !self.anything => write.fresh(&self.cache),
                _ => HashMap::new(),
            };
            write.end(&self.cache, fresh);
        }
        for name in self.removals.drain(..) {
            self.cache.tables.end_removal(&name);
        }
        if self.anything {
            self.cache.tables.end_all(closed_until);
        }
    }
}

impl PendingWrites for Pending {
    fn announced(&mut self) -> Told {
        None
    }

    fn end(mut self: Box<Self>, settled: Settled) -> Told {
        self.finish(settled);
        None
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.open {
            self.finish(Settled::Unknown);
        }
    }
}

/// The writes by table.
#[derive(Default)]
struct Gathered {
    tables: Vec<TableWrite>,
}

impl Gathered {
    fn add(&mut self, cache: &Inner, name: &str, removes: bool, touched: Option<Arc<Touched>>) {
        let tables = &mut self.tables;
        cache.tables.begin(name, removes, |state, name, is_named| {
            let at = tables
                .iter()
                .position(|write| Arc::ptr_eq(&write.state, &state));
            let write = match at {
                Some(at) => &mut tables[at],
                None => {
                    // Counted at once, while nobody can learn of other tables that go along.
                    state.any.begin();
                    tables.push(TableWrite::new(state, name));
                    tables.last_mut().expect("one was added just now")
                }
            };
            match &touched {
                Some(touched) if is_named => write.add(touched),
                _ => write.bulk = true,
            }
        });
    }
}

impl TableWrite {
    fn new(state: Arc<TableState>, name: &str) -> Self {
        Self {
            state,
            name: name.into(),
            bulk: false,
            new: false,
            keys: Vec::new(),
            places: Vec::new(),
            touched: Vec::new(),
            any_before: None,
            bulk_before: None,
            new_before: None,
        }
    }

    fn add(&mut self, touched: &Arc<Touched>) {
        self.touched.push(Arc::clone(touched));
        match &touched.rows {
            TouchedRows::New => self.new = true,
            TouchedRows::Keys(keys) => self.keys.extend(keys.iter().cloned()),
        }
        self.bulk |= self.keys.len() > MOST_KEYS;
    }

    fn begin(&mut self, cache: &Inner) {
        if self.bulk {
            self.state.bulk.begin();
            self.new = true;
        }
        if self.new {
            self.state.new.begin();
        }
        self.any_before = self.state.any.quiet_but(1);
        self.bulk_before = self.state.bulk.quiet();
        self.new_before = self.state.new.quiet();
        let caches = cache.caches_of(&self.state);
        for rows in &caches {
            count(&rows.figures.invalidations);
        }
        if !self.bulk {
            self.keys.sort_unstable();
            self.keys.dedup();
            self.begin_keys(cache, &caches);
        }
        cache.tell(&self.name, CacheEventKind::Invalidate);
    }

    fn begin_keys(&mut self, cache: &Inner, caches: &[Arc<Rows>]) {
        let place = |key| cache.stripes.place(&self.state, key);
        let mut placed: Vec<(usize, &KeyPart)> =
            self.keys.iter().map(|key| (place(key), key)).collect();
        placed.sort_unstable_by_key(|(place, _)| *place);
        for keys in placed.chunk_by(|one, other| one.0 == other.0) {
            let mut stripe = cache.stripes.lock(keys[0].0);
            stripe.begin();
            for rows in caches {
                for (_, key) in keys {
                    rows.remove(&stripe, key);
                }
            }
        }
        self.places = placed.into_iter().map(|(place, _)| place).collect();
        self.places.dedup();
    }

    /// The rows as the writes left them, by entity and key; the last one counts. Nothing, where rows were written that
    /// nobody named.
    fn fresh(&self, cache: &Inner) -> HashMap<usize, Vec<(Arc<Rows>, KeyPart, Kept)>> {
        let mut by_place: HashMap<usize, Vec<_>> = HashMap::new();
        if self.bulk {
            return by_place;
        }
        let mut last: HashMap<KeyPart, Option<(&'static TableDef, Kept)>> = HashMap::new();
        for touched in &self.touched {
            if let TouchedRows::Keys(keys) = &touched.rows {
                last.extend(keys.iter().map(|key| (key.clone(), None)));
            }
            for fresh in touched.take() {
                last.insert(fresh.key, Some((touched.table, fresh.row)));
            }
        }
        for (key, written) in last {
            let Some((table, row)) = written else {
                continue;
            };
            let Some(rows) = cache.rows(table) else {
                continue;
            };
            let is_kept = rows.def.write == CacheWrite::Through
                && (row.is_some() || (rows.def.negative && !self.new));
            if is_kept {
                let place = cache.stripes.place(&self.state, &key);
                by_place.entry(place).or_default().push((rows, key, row));
            }
        }
        by_place
    }

    fn end(&self, cache: &Inner, mut fresh: HashMap<usize, Vec<(Arc<Rows>, KeyPart, Kept)>>) {
        if self.state.is_closed(cache.clock.millis()) {
            fresh.clear();
        }
        for &place in &self.places {
            let mut stripe = cache.stripes.lock(place);
            if stripe.is_alone() {
                let rows = fresh.remove(&place).unwrap_or_default();
                self.put(cache, &stripe, rows);
            } else {
                fresh.remove(&place);
            }
            stripe.end();
        }
        // Rows whose keys were not known before: no other write to the table may have begun since.
        for (place, rows) in fresh {
            let stripe = cache.stripes.lock(place);
            let alone = self.any_before.is_some() && self.state.any.quiet_but(1) == self.any_before;
            if alone && stripe.pending == 0 {
                self.put(cache, &stripe, rows);
            }
        }
        if self.new {
            self.state.new.end();
        }
        if self.bulk {
            self.state.bulk.end();
        }
        self.state.any.end();
    }

    fn put(
        &self,
        cache: &Inner,
        stripe: &super::ledger::Stripe,
        fresh: Vec<(Arc<Rows>, KeyPart, Kept)>,
    ) {
        let Some(bulk) = self.bulk_before else {
            return;
        };
        for (rows, key, row) in fresh {
            let new = match (&row, self.new_before) {
                (None, None) => continue,
                (_, new) => new.unwrap_or_default(),
            };
            count(&rows.figures.written);
            rows.put(stripe, key, row, bulk, new, &cache.clock);
        }
    }
}
