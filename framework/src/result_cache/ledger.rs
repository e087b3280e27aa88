//! Who writes what now, in numbers: a load compares them before and after, an entry carries those of its load.
//!
//! A table has three counters: of all writes (for results of queries), of writes to unknown rows, and of new rows. A row
//! has a *stripe*: one of a fixed number of places that rows share by hash, so that memory does not grow with the keys
//! written, and a deleted row is remembered without a tombstone of its own. Two rows in one stripe only make a load be
//! forgotten that could have been kept.
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hash},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    },
};

use super::rows::Rows;
pub(super) use crate::executor::written::plain_name as plain;
use crate::schema::{Cardinality, KeyPart, OnDelete, TableDef};

const STRIPES: usize = 1_024;

/// Writes begun, and those that have not ended.
#[derive(Debug, Default)]
pub(super) struct Counter {
    begun: AtomicU64,
    pending: AtomicU32,
}

impl Counter {
    fn starting_with(pending: u32) -> Self {
        Self {
            begun: AtomicU64::new(0),
            pending: AtomicU32::new(pending),
        }
    }

    /// A write begins. It is pending before it is counted, so that whoever sees the old number sees it pending, or a
    /// new number later.
    pub(super) fn begin(&self) {
        self.pending.fetch_add(1, SeqCst);
        self.begun.fetch_add(1, SeqCst);
    }

    pub(super) fn end(&self) {
        self.pending.fetch_sub(1, SeqCst);
    }

    /// The number of writes begun.
    pub(super) fn now(&self) -> u64 {
        self.begun.load(SeqCst)
    }

    /// The number of writes begun, if all have ended.
    pub(super) fn quiet(&self) -> Option<u64> {
        self.quiet_but(0)
    }

    /// The number of writes begun, if all have ended but `own`.
    pub(super) fn quiet_but(&self, own: u32) -> Option<u64> {
        let begun = self.now();
        (self.pending.load(SeqCst) == own).then_some(begun)
    }
}

/// One table, or a tag that queries were given.
#[derive(Debug, Default)]
pub(super) struct TableState {
    /// Every write.
    pub(super) any: Counter,
    /// Writes to rows that nobody named.
    pub(super) bulk: Counter,
    /// Inserts of rows whose keys were not known before.
    pub(super) new: Counter,
    /// Writes under way that may remove rows.
    pub(super) removing: AtomicU32,
    /// Until when nothing is kept of it, in milliseconds since the cache was made.
    closed_until: AtomicU64,
    /// The entities of the table that are cached.
    pub(super) rows: RwLock<Vec<Arc<Rows>>>,
}

impl TableState {
    pub(super) fn close_until(&self, until: u64) {
        self.closed_until.fetch_max(until, SeqCst);
    }

    pub(super) fn is_closed(&self, now: u64) -> bool {
        self.closed_until.load(SeqCst) > now
    }

    /// A write to any of its rows begins.
    pub(super) fn begin_all(&self) {
        self.any.begin();
        self.bulk.begin();
        self.new.begin();
    }

    pub(super) fn end_all(&self) {
        self.new.end();
        self.bulk.end();
        self.any.end();
    }
}

/// All tables that were read or written.
#[derive(Debug, Default)]
pub(super) struct Tables(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    states: HashMap<Box<str>, Arc<TableState>>,
    /// By table: those whose rows a delete takes along or changes.
    dependents: HashMap<Box<str>, HashSet<Box<str>>>,
    learned: HashSet<usize>,
    /// Writes to anything that have not ended.
    pending: u32,
    closed_until: u64,
}

impl Tables {
    /// The table called `name`, in whatever case and schema.
    pub(super) fn state(&self, name: &str) -> Arc<TableState> {
        let name = plain(name);
        if let Some(state) = self.read().states.get(&*name) {
            return Arc::clone(state);
        }
        self.write().state(&name)
    }

    /// Does `begin` to the table and, if rows are removed, to those that go along; nobody learns of others meanwhile.
    pub(super) fn begin(
        &self,
        name: &str,
        removes: bool,
        mut begin: impl FnMut(Arc<TableState>, &str, bool),
    ) {
        let state = self.state(name);
        let known = self.read();
        if removes {
            state.removing.fetch_add(1, SeqCst);
        }
        begin(state, name, true);
        if removes && !known.dependents.is_empty() {
            for name in known.dependents_of(&plain(name)) {
                if let Some(state) = known.states.get(name) {
                    begin(Arc::clone(state), name, false);
                }
            }
        }
    }

    /// A write that may have removed rows of the table has ended.
    pub(super) fn end_removal(&self, name: &str) {
        self.state(name).removing.fetch_sub(1, SeqCst);
    }

    /// A write to anything begins.
    pub(super) fn begin_all(&self) {
        let mut known = self.write();
        known.pending += 1;
        known.states.values().for_each(|state| state.begin_all());
    }

    /// A write to anything has ended; nothing is kept before `closed_until`, if given.
    pub(super) fn end_all(&self, closed_until: Option<u64>) {
        let mut known = self.write();
        known.pending -= 1;
        let closed_until = closed_until.unwrap_or_default();
        known.closed_until = known.closed_until.max(closed_until);
        for state in known.states.values() {
            state.close_until(closed_until);
            state.end_all();
        }
    }

    /// The tables that deletes from the table called `name` take rows along of, as far as they are known.
    pub(super) fn dependents(&self, name: &str) -> Vec<String> {
        let known = self.read();
        let dependents = known.dependents_of(&plain(name));
        dependents.into_iter().map(str::to_owned).collect()
    }

    /// Takes note of what deletes take along, in the tables that can be reached from `table` by relations. `doubt` is
    /// until when a table is closed that may be changed just now by a delete that did not know of it.
    pub(super) fn learn(&self, table: &'static TableDef, doubt: u64) {
        if self.read().learned.contains(&address(table)) {
            return;
        }
        let mut known = self.write();
        let mut found = vec![table];
        while let Some(table) = found.pop() {
            if !known.learned.insert(address(table)) {
                continue;
            }
            found.extend(table.view.iter().flat_map(|view| view.sources()));
            for relation in (table.relations)() {
                let target = (relation.target)();
                found.push(target);
                found.extend(relation.through.as_ref().map(|through| (through.table)()));
                let follows = matches!(relation.on_delete, OnDelete::Cascade | OnDelete::SetNull);
                if relation.cardinality == Cardinality::BelongsTo && follows {
                    known.depends(table.name, target.name, doubt);
                }
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn state(&mut self, name: &str) -> Arc<TableState> {
        if let Some(state) = self.states.get(name) {
            return Arc::clone(state);
        }
        let state = Arc::new(TableState {
            any: Counter::starting_with(self.pending),
            bulk: Counter::starting_with(self.pending),
            new: Counter::starting_with(self.pending),
            closed_until: AtomicU64::new(self.closed_until),
            ..TableState::default()
        });
        self.states.insert(name.into(), Arc::clone(&state));
        state
    }

    fn depends(&mut self, child: &str, parent: &str, doubt: u64) {
        let (child, parent) = (plain(child), plain(parent));
        let dependents = self.dependents.entry((&*parent).into()).or_default();
        if dependents.insert((&*child).into()) {
            let state = self.state(&child);
            let parent = self.state(&parent);
            if self.pending > 0 || parent.removing.load(SeqCst) > 0 {
                state.close_until(doubt);
            }
        }
    }

    /// The tables whose rows go along, and those whose rows go along with these.
    fn dependents_of(&self, name: &str) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut next = vec![name];
        while let Some(parent) = next.pop() {
            for child in self.dependents.get(parent).into_iter().flatten() {
                if **child != *name && !found.contains(&&**child) {
                    found.push(child);
                    next.push(child);
                }
            }
        }
        found
    }
}

pub(super) fn address(table: &'static TableDef) -> usize {
    std::ptr::from_ref(table).addr()
}

/// The places that rows share by hash.
#[derive(Debug)]
pub(super) struct Stripes {
    places: Box<[Mutex<Stripe>]>,
    hasher: foldhash::fast::RandomState,
}

/// Writes to the rows of one place.
#[derive(Debug, Default)]
pub(super) struct Stripe {
    /// Writes begun.
    pub(super) begun: u64,
    /// Writes that have not ended.
    pub(super) pending: u32,
    /// Whether two of them were under way at once: then nobody knows which came last.
    pub(super) overlapped: bool,
}

impl Stripe {
    pub(super) fn begin(&mut self) {
        self.begun += 1;
        self.pending += 1;
        self.overlapped |= self.pending > 1;
    }

    pub(super) fn end(&mut self) {
        self.pending -= 1;
        self.overlapped &= self.pending > 0;
    }

    /// Whether the one write under way has been alone all the time.
    pub(super) fn is_alone(&self) -> bool {
        self.pending == 1 && !self.overlapped
    }

    pub(super) fn quiet(&self) -> Option<u64> {
        (self.pending == 0).then_some(self.begun)
    }
}

impl Default for Stripes {
    fn default() -> Self {
        Self {
            places: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl Stripes {
    /// The place of the row with `key` of a table.
    pub(super) fn place(&self, table: &Arc<TableState>, key: &KeyPart) -> usize {
        struct Row<'a>(usize, &'a KeyPart);
        impl Hash for Row<'_> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
                self.1.hash(state);
            }
        }
        let hash = self.hasher.hash_one(Row(Arc::as_ptr(table).addr(), key));
        usize::try_from(hash % STRIPES as u64).expect("fewer stripes than a usize counts")
    }

    pub(super) fn lock(&self, place: usize) -> MutexGuard<'_, Stripe> {
        self.places[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
