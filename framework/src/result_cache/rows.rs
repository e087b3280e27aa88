//! The rows of one entity, by primary key.
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    clock::Clock,
    flight::Flights,
    ledger::{Stripe, Stripes, TableState, plain},
    stats::{CacheFigures, Figures, count},
    store::{Store, Stored, Times},
    tier::{Place, may_be_shared},
};
use crate::{
    executor::written::Ticket,
    schema::{CacheCapacity, CacheDef, CachedRow, Cell, KeyPart, TableDef, Value},
};

/// A row, or the knowledge that there is none.
pub(super) type Kept = Option<Arc<dyn CachedRow>>;

/// The rows of one entity.
pub(super) struct Rows {
    pub(super) table: &'static TableDef,
    pub(super) def: CacheDef,
    pub(super) state: Arc<TableState>,
    pub(super) flights: Flights<KeyPart, Ticket, Kept>,
    pub(super) figures: Figures,
    /// Whether they may be given to a second tier.
    pub(super) is_shared: bool,
    /// Of the entity and its columns.
    fingerprint: u64,
    /// The table's plain name.
    name: Box<str>,
    store: Store<KeyPart, Entry>,
    /// Evictions that observers were told of.
    told: AtomicU64,
}

/// One row with the numbers under which it was loaded. It is copied at each hit, which is cheaper than to follow one
/// more pointer.
#[derive(Debug, Clone)]
struct Entry {
    row: Kept,
    bulk: u64,
    new: u64,
    expires: u64,
    /// When it was asked for last, where that matters.
    used: Option<Arc<AtomicU64>>,
    weight: u32,
}

impl Stored for Entry {
    fn weight(&self) -> u32 {
        self.weight
    }
}

/// What a look into the cache found.
pub(super) enum Found {
    Kept(Kept),
    /// Something that a write has made old.
    Old,
    Nothing,
}

impl Rows {
    pub(super) fn new(table: &'static TableDef, def: CacheDef, state: Arc<TableState>) -> Self {
        let times = Times {
            ttl: def.ttl,
            tti: def.tti,
        };
        let store = match def.capacity {
            CacheCapacity::Rows(rows) => Store::of_entries(rows, times),
            CacheCapacity::Bytes(bytes) => Store::of_weight(bytes, times),
        };
        Self {
            table,
            def,
            state,
            flights: Flights::default(),
            figures: Figures::default(),
            is_shared: may_be_shared(table),
            fingerprint: table.fingerprint(),
            name: plain(table.name).into(),
            store,
            told: AtomicU64::new(0),
        }
    }

    /// What is kept under `key`. Two comparisons of numbers say whether it is still true.
    pub(super) fn look(&self, key: &KeyPart, clock: &Clock) -> Found {
        let Some(entry) = self.store.get(key) else {
            return Found::Nothing;
        };
        let outlived = entry.bulk != self.state.bulk.now()
            || (entry.row.is_none() && entry.new != self.state.new.now());
        if outlived {
            self.store.remove(key);
            return Found::Old;
        }
        let now = clock.now();
        let unused = |(tti, used): (Duration, &Arc<AtomicU64>)| {
            now.saturating_sub(used.load(Relaxed)) >= super::clock::nanos(tti)
        };
        if now >= entry.expires || self.def.tti.zip(entry.used.as_ref()).is_some_and(unused) {
            self.store.remove(key);
            return Found::Nothing;
        }
        if let Some(used) = &entry.used {
            used.store(now, Relaxed);
        }
        Found::Kept(entry.row)
    }

    /// Whether anything is kept under `key`, true or not; this does not count as a use of it.
    pub(super) fn has(&self, key: &KeyPart) -> bool {
        self.store.has(key)
    }

    /// Permission to keep what is loaded from now on.
    pub(super) fn ticket(&self, key: &KeyPart, stripes: &Stripes, clock: &Clock) -> Option<Ticket> {
        let bulk = self.state.bulk.quiet()?;
        let row = stripes.lock(stripes.place(&self.state, key)).quiet()?;
        let settled = self.state.new.quiet();
        if self.state.is_closed(clock.millis()) {
            return None;
        }
        Some(Ticket {
            row,
            bulk,
            new: settled.unwrap_or_else(|| self.state.new.now()),
            settled: settled.is_some(),
        })
    }

    /// Keeps a row that was loaded after `ticket` was given; whether it was not too late.
    pub(super) fn keep(
        &self,
        key: &KeyPart,
        row: Kept,
        ticket: Ticket,
        stripes: &Stripes,
        clock: &Clock,
    ) -> bool {
        let is_asked_for = match &row {
            None => self.def.negative && ticket.settled,
            Some(row) => self.key_of(&**row).as_ref() == Some(key),
        };
        if !is_asked_for {
            return true;
        }
        // The place stays locked until the row is in: a write that begins now finds it and drops it.
        let stripe = stripes.lock(stripes.place(&self.state, key));
        if stripe.quiet() != Some(ticket.row) || self.state.bulk.now() != ticket.bulk {
            drop(stripe);
            count(&self.figures.stale_drops);
            return false;
        }
        self.put(&stripe, key.clone(), row, ticket.bulk, ticket.new, clock);
        true
    }

    /// Puts a row in. `_stripe` is the proof that its place is locked.
    pub(super) fn put(
        &self,
        _stripe: &Stripe,
        key: KeyPart,
        row: Kept,
        bulk: u64,
        new: u64,
        clock: &Clock,
    ) {
        let ttl = clock.jittered(self.def.ttl);
        let now = clock.now();
        let weight = match self.def.capacity {
            CacheCapacity::Rows(_) => 1,
            CacheCapacity::Bytes(_) => self.bytes(&row),
        };
        let entry = Entry {
            row,
            bulk,
            new,
            expires: now.saturating_add(super::clock::nanos(ttl)),
            used: self.def.tti.map(|_| Arc::new(AtomicU64::new(now))),
            weight,
        };
        self.store.insert(key, entry);
    }

    /// Drops what is kept under `key`. `_stripe` is the proof that its place is locked.
    pub(super) fn remove(&self, _stripe: &Stripe, key: &KeyPart) {
        self.store.remove(key);
    }

    /// Where they are in a second tier.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            name: &self.name,
            table: self.table,
            fingerprint: self.fingerprint,
        }
    }

    pub(super) fn clear(&self) {
        self.store.clear();
    }

    pub(super) fn read_figures(&self) -> CacheFigures {
        let entries = self.store.len();
        self.figures.read(self.store.evicted(), entries)
    }

    /// How many were evicted since the last call.
    pub(super) fn newly_evicted(&self) -> u64 {
        let evicted = self.store.evicted();
        evicted.saturating_sub(self.told.fetch_max(evicted, Relaxed))
    }

    fn key_of(&self, row: &dyn CachedRow) -> Option<KeyPart> {
        let columns = &self.table.primary_key;
        KeyPart::from_values(columns.iter().map(|&column| row.column_value(column)))
    }

    /// The size of the row's values, and some for the entry itself.
    fn bytes(&self, row: &Kept) -> u32 {
        const ENTRY: usize = 96;
        let size = |row: &Arc<dyn CachedRow>| -> usize {
            let columns = 0..self.table.columns.len();
            columns.map(|at| value_size(&row.column_value(at))).sum()
        };
        let bytes = ENTRY + row.as_ref().map_or(0, size);
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Json(Some(json)) => json.to_string().len(),
        value => 8 + Cell::from_value(value, "").size(),
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("entity", &self.table.entity)
            .finish_non_exhaustive()
    }
}
