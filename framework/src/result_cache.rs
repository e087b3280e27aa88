//! The result cache: rows and results of queries that were read before, given out again without a statement.
//!
//! It belongs to one database handle, and nothing is kept unless an entity (`#[entity(cache(..))]`) or a query
//! (`.cached(ttl)`) asks for it. Values are kept behind `Arc`, not serialised. What it promises:
//!
//! - **A load that a write has overtaken is not kept.** Every load takes a [`Ticket`] first: numbers that each write
//!   counts up. What was loaded is put in only if they are still the same, under a lock that a write needs too.
//! - **Nobody is given an old row after a write has returned, and nobody sees the old row after the new one.** A write
//!   *begins* before it can be seen by anybody: before its statement, or before COMMIT. Until it ends, reads of its rows
//!   go to the database and are not kept. So reads through the cache and past it are as if there were none.
//! - **Nothing enters or leaves before COMMIT.** A transaction collects its writes ([`Write`]), by savepoint; rolled back,
//!   they are forgotten. Reads inside it pass the cache by.
//! - **Two writers leave no row of the earlier one.** A write puts in the row that it left only if no other write to that
//!   row was under way at the same time; else the row is read again by whoever asks next.
//! - **No write is forgotten**, because they are noticed at the executor's seam by kind and tables of the statement: raw
//!   SQL, bulk changes, links, schemas. A write that does not say which rows it changes drops all rows of its table;
//!   one that names no table drops everything. Deletes drop the tables too whose foreign keys cascade from theirs.
//! - **When nobody knows whether a write happened** (connection lost, future dropped), its tables are read from the
//!   database alone for a while, [`CacheOptions::doubt`].
//!
//! It does not see what others write: triggers, connections lent from sqlx, and other handles and processes unless they
//! [share](CacheOptions::share) what they write. For those there is the time to live, and [`Cache::invalidate_table`] and
//! its like.
//!
//! Where things are: numbers of writes in `ledger`, writes in `write_through`, loads that are shared in `flight`, rows
//! in `rows`, results in `results`, moka in `store`; what other processes are told in `processes`, what a server keeps for
//! all of them in `tier`.
#![doc = include_str!("docs/cache.md")]
mod clock;
mod flight;
mod key_text;
mod ledger;
mod listen_notify;
mod options;
mod processes;
#[cfg(feature = "redis")]
mod redis;
mod results;
mod rows;
mod stats;
mod store;
#[cfg(test)]
mod tests;
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "only Redis keeps rows for all processes")
)]
mod tier;
#[cfg(feature = "write-behind")]
pub mod write_behind;
mod write_through;

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use clock::Clock;
use flight::Landing;
use futures_util::future::BoxFuture;
use ledger::{Stripes, TableState, Tables, address};
use processes::{Processes, SharedWrites};
use results::Results;
use rows::{Kept, Rows};

#[cfg(feature = "redis")]
pub use self::redis::RedisOptions;
pub use listen_notify::ListenNotify;
pub use options::CacheOptions;
pub use processes::{SharedFigures, link::Share};
pub use results::QueryKey;
pub use stats::{CacheFigures, CacheStats};

use crate::{
    driver::ConnectOptions,
    error::Result,
    executor::{
        Executor,
        written::{
            Fetched, Loaded, PendingWrites, RowCache, Settled, Ticket, Write, WriteListener,
        },
    },
    observe::{CacheEvent, CacheEventKind, Event, Observers, scope},
    routing::Session,
    schema::{CachedRow, Entity, Key, KeyPart, TableDef},
};

/// What tags are called among the tables: no table has such a name.
const TAG: char = '#';

/// The result cache of a database handle. Cheap to clone; clones are the same cache.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    options: CacheOptions,
    observers: Arc<Observers>,
    clock: Clock,
    tables: Tables,
    stripes: Stripes,
    entities: RwLock<HashMap<usize, Arc<Rows>, foldhash::fast::RandomState>>,
    results: Results,
    /// The others that use the database, if they share what they write.
    processes: OnceLock<Processes>,
    /// Where writes leave a mark for those who read from replicas.
    marks: OnceLock<Arc<Session>>,
}

/// Whether what is kept is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CacheMode {
    /// What is kept is given out, and what is loaded is kept.
    #[default]
    Use,
    /// Neither.
    Bypass,
    /// It is loaded in any case, and kept.
    Refresh,
}

/// The cache behind `executor`, if there is one and it is to be used.
pub(crate) fn behind(executor: &dyn Executor, mode: CacheMode) -> Option<&Cache> {
    let cache: &Cache = executor.cache()?.as_any().downcast_ref()?;
    (mode != CacheMode::Bypass).then_some(cache)
}

/// A cached query: what identifies it, what it reads, and for how long its result is kept.
#[derive(Debug, Clone)]
pub(crate) struct CachedQuery<'q> {
    pub(crate) key: QueryKey,
    /// The entity asked for.
    pub(crate) root: &'static TableDef,
    pub(crate) tables: &'q [Arc<str>],
    pub(crate) tags: &'q [Arc<str>],
    pub(crate) ttl: Duration,
    pub(crate) mode: CacheMode,
}

impl Cache {
    pub(crate) fn new(options: CacheOptions, observers: Arc<Observers>) -> Self {
        Self(Arc::new(Inner {
            clock: Clock::new(options.jitter),
            results: Results::new(options.query_rows),
            options,
            observers,
            tables: Tables::default(),
            stripes: Stripes::default(),
            entities: RwLock::default(),
            processes: OnceLock::new(),
            marks: OnceLock::new(),
        }))
    }

    /// From now on every write that is known of leaves a mark there, before anything is kept again of what it has written:
    /// own ones, and those that other processes tell of.
    pub(crate) fn mark_in(&self, session: Arc<Session>) {
        // Nobody else sets it.
        let _ = self.0.marks.set(session);
    }

    /// For how long a write may still happen of which nobody knows how it ended.
    pub(crate) fn doubt(&self) -> Duration {
        self.0.options.doubt
    }

    /// Joins the other processes, if the options say how.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) for what has no meaning with this database. That nobody answers is
    /// none: nothing is kept until somebody does.
    pub(crate) async fn join(&self, database: &ConnectOptions, shard: Option<&str>) -> Result<()> {
        let Some(share) = &self.0.options.share else {
            return Ok(());
        };
        let link = share.0.link(database, shard)?;
        Processes::join(&self.0, link, share.0.times()).await;
        Ok(())
    }

    /// Tells the other processes what is still to be told, and leaves them. Nothing is kept any more.
    pub(crate) async fn leave(&self) {
        if let Some(processes) = self.0.processes.get() {
            processes.leave(&self.0).await;
        }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_enabled(&self) -> bool {
        !self.0.options.disabled
    }

    /// The figures since the handle was made.
    pub fn stats(&self) -> CacheStats {
        let entities = self
            .0
            .entities
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut entities: Vec<_> = entities
            .values()
            .map(|rows| (rows.table.entity, rows.read_figures()))
            .collect();
        entities.sort_unstable_by_key(|(entity, _)| *entity);
        CacheStats {
            entities,
            queries: self.0.results.read_figures(),
            shared: self.0.processes.get().map(Processes::read_figures),
        }
    }

    /// Drops the row of `E` with this key, and the results of queries that read its table: for changes that were not
    /// made through this handle.
    pub fn invalidate<E: Entity>(&self, key: impl Into<E::Key>) {
        let touched = KeyPart::from_values(key.into().to_values()).map(|key| {
            let rows = crate::statement::touched::TouchedRows::Keys(vec![key]);
            crate::statement::Touched::new(E::table(), rows)
        });
        self.dropped(Write::Table {
            name: E::table().name.into(),
            removes: false,
            touched,
        });
    }

    /// Drops all rows of `E`, and the results of queries that read its table.
    pub fn invalidate_entity<E: Entity>(&self) {
        self.invalidate_table(E::table().name);
    }

    /// Drops everything read from the table called `table`, in whatever schema.
    pub fn invalidate_table(&self, table: &str) {
        self.dropped(Write::Table {
            name: table.into(),
            removes: false,
            touched: None,
        });
    }

    /// Drops the results of queries that were given this tag.
    pub fn invalidate_tag(&self, tag: &str) {
        self.invalidate_table(&tag_name(tag));
    }

    /// Drops everything.
    pub fn clear(&self) {
        self.dropped(Write::Anything);
        let entities = self
            .0
            .entities
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        entities.values().for_each(|rows| rows.clear());
        self.0.results.clear();
    }

    /// What was read before may be old. Other processes hear of it by and by.
    fn dropped(&self, write: Write) {
        drop(self.begin(vec![write]).end(Settled::TakenBack));
    }

    /// What is kept of the row of `table` with `key`; nothing where it is to be refreshed.
    pub(crate) fn hit(
        &self,
        table: &'static TableDef,
        key: &KeyPart,
        mode: CacheMode,
    ) -> Option<Kept> {
        let rows = self.0.rows(table)?;
        (mode == CacheMode::Use)
            .then(|| self.0.look(&rows, key))
            .flatten()
    }

    /// The row of `table` with `key`, for which there was no [`hit`](Cache::hit), as `load` loads it. `None` where the entity is not cached.
    pub(crate) async fn row<F>(
        &self,
        table: &'static TableDef,
        key: &KeyPart,
        mode: CacheMode,
        load: impl Fn() -> F,
    ) -> Result<Kept>
    where
        F: Future<Output = Result<Kept>>,
    {
        let Some(rows) = self.0.rows(table) else {
            return load().await;
        };
        loop {
            // Whoever asks has looked already, and moka counts how often it is asked.
            if mode == CacheMode::Use
                && rows.has(key)
                && let Some(kept) = self.0.look(&rows, key)
            {
                return Ok(kept);
            }
            let Some(ticket) = rows.ticket(key, &self.0.stripes, &self.0.clock) else {
                self.0.told(&rows, CacheEventKind::Bypass);
                return load().await;
            };
            if mode == CacheMode::Refresh {
                self.0.told(&rows, CacheEventKind::Miss);
                let row = load().await?;
                self.0.keep(&rows, key, row.clone(), ticket);
                return Ok(row);
            }
            let load_and_keep = || async {
                let row = self.0.through_tier(&rows, key, &load).await?;
                self.0.keep(&rows, key, row.clone(), ticket);
                Ok(row)
            };
            let patience = self.0.options.patience;
            let flight = rows.flights.load(key, ticket, patience, || {
                self.0.told(&rows, CacheEventKind::Miss);
                load_and_keep()
            });
            match flight.await? {
                Landing::Own(row) => return Ok(row),
                Landing::Shared(row) => {
                    self.0.told(&rows, CacheEventKind::Coalesced);
                    return Ok(row);
                }
                Landing::None => {}
            }
        }
    }

    /// The result of `query`, as it is kept or as `load` loads it; `rows` says how many rows it holds.
    pub(crate) async fn result<T, F>(
        &self,
        query: CachedQuery<'_>,
        rows: impl Fn(&T) -> usize,
        load: impl Fn() -> F,
    ) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T>>,
    {
        let cache = &*self.0;
        let name = query.tables.first().map_or("", |name| name);
        let tell = |kind| cache.tell_of_query(name, kind);
        cache.tables.learn(query.root, cache.doubtful_until());
        let tags = query
            .tags
            .iter()
            .map(|tag| cache.tables.state(&tag_name(tag)));
        let tables = query.tables.iter().map(|table| cache.tables.state(table));
        let states: Vec<_> = tables.chain(tags).collect();
        loop {
            if query.mode == CacheMode::Use {
                match cache.results.look(&query.key, query.ttl, &cache.clock) {
                    results::Found::Kept(value) => {
                        if let Ok(value) = value.downcast() {
                            tell(CacheEventKind::Hit);
                            return Ok(value);
                        }
                    }
                    results::Found::Old => tell(CacheEventKind::StaleDrop),
                    results::Found::Nothing => {}
                }
            }
            let Some(numbers) = cache.numbers(&states) else {
                tell(CacheEventKind::Bypass);
                return load().await.map(Arc::new);
            };
            let load_and_keep = || async {
                let value = Arc::new(load().await?);
                let tables = states
                    .iter()
                    .cloned()
                    .zip(numbers.iter().copied())
                    .collect();
                let (key, count) = (query.key.clone(), rows(&value));
                let any: Arc<dyn Any + Send + Sync> = value.clone();
                cache
                    .results
                    .keep(key, any, count, tables, query.ttl, &cache.clock);
                match cache.results.newly_evicted() {
                    0 => {}
                    evicted => tell(CacheEventKind::Evict(evicted)),
                }
                Ok::<_, crate::error::Error>(value)
            };
            if query.mode == CacheMode::Refresh {
                tell(CacheEventKind::Miss);
                return load_and_keep().await;
            }
            let patience = cache.options.patience;
            let flights = &cache.results.flights;
            let flight = flights.load(&query.key, numbers.clone(), patience, || {
                tell(CacheEventKind::Miss);
                let loaded = load_and_keep();
                async {
                    loaded
                        .await
                        .map(|value| value as Arc<dyn Any + Send + Sync>)
                }
            });
            let (value, is_shared) = match flight.await? {
                Landing::Own(value) => (value, false),
                Landing::Shared(value) => (value, true),
                Landing::None => continue,
            };
            if is_shared {
                tell(CacheEventKind::Coalesced);
            }
            // The key holds the type.
            if let Ok(value) = value.downcast() {
                return Ok(value);
            }
        }
    }
}

impl Inner {
    /// A write has ended.
    fn mark(&self, settled: Settled) {
        match (self.marks.get(), settled) {
            (None, _) => {}
            (Some(marks), Settled::Unknown) => marks.mark_doubtful(self.options.doubt),
            (Some(marks), Settled::Kept | Settled::TakenBack) => marks.mark(),
        }
    }

    /// The row as the second tier keeps it, or as it is loaded.
    async fn through_tier<F>(
        &self,
        rows: &Rows,
        key: &KeyPart,
        load: impl Fn() -> F,
    ) -> Result<Kept>
    where
        F: Future<Output = Result<Kept>>,
    {
        let Some(fetching) = self.fetch(rows, std::slice::from_ref(key)) else {
            return load().await;
        };
        match fetching.await.pop() {
            Some(Fetched::Row(row)) => Ok(Some(row)),
            Some(Fetched::Missing(lease)) => {
                let row = load().await?;
                self.fill(rows, vec![(key.clone(), row.clone(), lease)])
                    .await;
                Ok(row)
            }
            Some(Fetched::Closed) | None => load().await,
        }
    }

    /// The rows of the entity with `table`, if it is cached.
    fn rows(&self, table: &'static TableDef) -> Option<Arc<Rows>> {
        let def = table.cache?;
        let entities = self.entities.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = entities.get(&address(table)) {
            return Some(Arc::clone(rows));
        }
        drop(entities);
        self.tables.learn(table, self.doubtful_until());
        let state = self.tables.state(table.name);
        let mut entities = self
            .entities
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let rows = entities.entry(address(table)).or_insert_with(|| {
            let rows = Arc::new(Rows::new(table, def, Arc::clone(&state)));
            let mut of_table = state.rows.write().unwrap_or_else(PoisonError::into_inner);
            of_table.push(Arc::clone(&rows));
            rows
        });
        Some(Arc::clone(rows))
    }

    /// The entities of a table that are cached.
    fn caches_of(&self, state: &TableState) -> Vec<Arc<Rows>> {
        state
            .rows
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn look(&self, rows: &Rows, key: &KeyPart) -> Option<Kept> {
        match rows.look(key, &self.clock) {
            rows::Found::Kept(kept) => {
                self.told(rows, CacheEventKind::Hit);
                Some(kept)
            }
            rows::Found::Old => {
                self.told(rows, CacheEventKind::StaleDrop);
                None
            }
            rows::Found::Nothing => None,
        }
    }

    fn keep(&self, rows: &Rows, key: &KeyPart, row: Kept, ticket: Ticket) {
        if !rows.keep(key, row, ticket, &self.stripes, &self.clock) {
            self.tell(rows.table.name, CacheEventKind::StaleDrop);
        }
        match rows.newly_evicted() {
            0 => {}
            evicted => self.tell(rows.table.name, CacheEventKind::Evict(evicted)),
        }
    }

    /// The numbers of the tables, if nothing is written to any of them.
    fn numbers(&self, states: &[Arc<TableState>]) -> Option<Box<[u64]>> {
        let now = self.clock.millis();
        let number = |state: &Arc<TableState>| {
            let number = state.any.quiet()?;
            (!state.is_closed(now)).then_some(number)
        };
        states.iter().map(number).collect()
    }

    /// Until when a table is read from the database alone, if there is doubt of it now.
    fn doubtful_until(&self) -> u64 {
        self.clock.millis() + clock::nanos(self.options.doubt) / 1_000_000
    }

    /// Counts what happened to rows of an entity, and tells of it.
    fn told(&self, rows: &Rows, kind: CacheEventKind) {
        rows.figures.note(kind);
        self.tell(rows.table.name, kind);
    }

    fn tell(&self, table: &str, kind: CacheEventKind) {
        self.emit(table, false, kind);
    }

    fn tell_of_query(&self, table: &str, kind: CacheEventKind) {
        self.results.figures.note(kind);
        self.emit(table, true, kind);
    }

    fn emit(&self, table: &str, is_query: bool, kind: CacheEventKind) {
        scope::note_cache(&self.observers, kind);
        if self.observers.is_listening() {
            self.observers
                .emit(&Event::Cache(CacheEvent::new(table, is_query, kind)));
        }
    }
}

impl RowCache for Cache {
    fn kept(&self, table: &'static TableDef, key: &KeyPart) -> Option<Arc<dyn CachedRow>> {
        let rows = self.0.rows(table)?;
        match rows.look(key, &self.0.clock) {
            rows::Found::Kept(Some(row)) => {
                self.0.told(&rows, CacheEventKind::Hit);
                Some(row)
            }
            _ => None,
        }
    }

    fn ticket(&self, table: &'static TableDef, key: &KeyPart) -> Option<Ticket> {
        let rows = self.0.rows(table)?;
        let ticket = rows.ticket(key, &self.0.stripes, &self.0.clock);
        let kind = match ticket {
            Some(_) => CacheEventKind::Miss,
            None => CacheEventKind::Bypass,
        };
        self.0.told(&rows, kind);
        ticket
    }

    fn keep(&self, table: &'static TableDef, key: &KeyPart, row: Kept, ticket: Ticket) {
        if let Some(rows) = self.0.rows(table) {
            self.0.keep(&rows, key, row, ticket);
        }
    }

    fn fetch<'a>(
        &'a self,
        table: &'static TableDef,
        keys: &'a [KeyPart],
    ) -> Option<BoxFuture<'a, Vec<Fetched>>> {
        self.0.processes.get()?;
        let rows = self.0.rows(table)?;
        if keys.is_empty() {
            return None;
        }
        Some(Box::pin(async move {
            match self.0.fetch(&rows, keys) {
                Some(fetching) => fetching.await,
                None => vec![Fetched::Closed; keys.len()],
            }
        }))
    }

    fn fill<'a>(&'a self, table: &'static TableDef, loaded: Vec<Loaded>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Some(rows) = self.0.rows(table) {
                self.0.fill(&rows, loaded).await;
            }
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl WriteListener for Cache {
    fn begin(&self, writes: Vec<Write>) -> Box<dyn PendingWrites> {
        let cache = Arc::clone(&self.0);
        let Some(processes) = self.0.processes.get() else {
            return Box::new(write_through::Pending::begin(cache, writes));
        };
        let telling = processes.begin(&cache, &writes);
        let own = Box::new(write_through::Pending::begin(Arc::clone(&cache), writes));
        Box::new(SharedWrites::new(cache, own, telling))
    }
}

fn tag_name(tag: &str) -> String {
    format!("{TAG}{tag}")
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
