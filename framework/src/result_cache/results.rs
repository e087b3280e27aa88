//! Results of queries, by the text that would load them and its arguments.
use std::{
    any::{Any, TypeId},
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    clock::{Clock, nanos},
    flight::Flights,
    ledger::TableState,
    stats::{CacheFigures, Figures},
    store::{Lasting, Store, Stored},
};
use crate::schema::{KeyPart, Value};

/// A result of any type.
pub(super) type AnyValue = Arc<dyn Any + Send + Sync>;

/// What identifies a result: the text of the one statement that loads the whole graph, its arguments, and the type.
///
/// Arguments are told apart by their types too: `1` and `true` are one key for a row, and two for a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueryKey {
    sql: Arc<str>,
    args: Box<[(mem::Discriminant<Value>, Option<KeyPart>)]>,
    output: TypeId,
}

impl QueryKey {
    /// The key of what `sql` with `args` gives as a `T`.
    pub fn of<T: 'static>(sql: Arc<str>, args: &[Value]) -> Self {
        let key = |value: &Value| (mem::discriminant(value), KeyPart::from_value(value.clone()));
        Self {
            sql,
            args: args.iter().map(key).collect(),
            output: TypeId::of::<T>(),
        }
    }
}

/// The results of one handle's queries.
pub(super) struct Results {
    pub(super) flights: Flights<QueryKey, Box<[u64]>, AnyValue>,
    pub(super) figures: Figures,
    store: Store<QueryKey, Arc<Entry>>,
    told: AtomicU64,
}

/// One result with the numbers of its tables under which it was loaded.
struct Entry {
    value: AnyValue,
    tables: Box<[(Arc<TableState>, u64)]>,
    born: u64,
    ttl: Duration,
    rows: u32,
}

impl Stored for Arc<Entry> {
    fn weight(&self) -> u32 {
        self.rows.max(1)
    }
}

impl Lasting for Arc<Entry> {
    fn ttl(&self) -> Duration {
        self.ttl
    }
}

/// What a look into the cache found.
pub(super) enum Found {
    Kept(AnyValue),
    Old,
    Nothing,
}

impl Results {
    pub(super) fn new(rows: u64) -> Self {
        Self {
            flights: Flights::default(),
            figures: Figures::default(),
            store: Store::of_lasting(rows),
            told: AtomicU64::new(0),
        }
    }

    /// What is kept under `key`, if it is younger than `ttl`.
    pub(super) fn look(&self, key: &QueryKey, ttl: Duration, clock: &Clock) -> Found {
        let Some(entry) = self.store.get(key) else {
            return Found::Nothing;
        };
        if entry
            .tables
            .iter()
            .any(|(table, number)| table.any.now() != *number)
        {
            self.store.remove(key);
            return Found::Old;
        }
        let age = clock.now().saturating_sub(entry.born);
        if age >= nanos(entry.ttl) {
            self.store.remove(key);
            return Found::Nothing;
        }
        match age < nanos(ttl) {
            true => Found::Kept(Arc::clone(&entry.value)),
            false => Found::Nothing,
        }
    }

    /// Keeps a result under the numbers that its tables had before it was loaded. One that came too late is kept for
    /// nobody: its numbers are old.
    pub(super) fn keep(
        &self,
        key: QueryKey,
        value: AnyValue,
        rows: usize,
        tables: Box<[(Arc<TableState>, u64)]>,
        ttl: Duration,
        clock: &Clock,
    ) {
        let entry = Entry {
            value,
            tables,
            born: clock.now(),
            ttl: clock.jittered(ttl),
            rows: u32::try_from(rows).unwrap_or(u32::MAX),
        };
        self.store.insert(key, Arc::new(entry));
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
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").finish_non_exhaustive()
    }
}
