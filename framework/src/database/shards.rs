//! Several databases that each have a part of the rows.
//!
//! A [`Shards`] handle knows by the shard map which database has the rows of a shard key, and lends each of them as a
//! [`Database`] that refuses rows of others. Which calls go where is decided where repositories are.
#![doc = include_str!("../docs/shards.md")]
mod builder;
mod figures;

use std::{collections::BTreeMap, fmt, panic::Location, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{Database, HealthReport};
use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    executor::{
        AtomicScope, Executor, ExecutorHandle, IntoExecutor,
        sharding::{Placement, Role, ShardAccess, ShardSet, Sharding},
        watch,
    },
    observe::{Observed, Observer, Observers, Recording, Scope},
    schema::{ColumnValue, EntitySet, KeyPart},
    statement::Statement,
    transaction::TransactionBuilder,
};

pub use builder::ShardsBuilder;
use figures::Calls;
pub use figures::{ShardFigures, ShardsFigures};

pub use crate::routing::shard::{ShardDirectory, ShardMap, ShardRanges, ShardStrategy, key_hash};

/// Several databases of one schema, each of which has the rows of some shard keys. Cheap to clone.
///
/// See the [guide](self) for what goes to which of them.
#[derive(Clone)]
pub struct Shards {
    inner: Arc<Inner>,
}

struct Inner {
    observers: Arc<Observers>,
    map: Arc<ShardMap>,
    shards: Vec<Shard>,
}

/// One of them.
struct Shard {
    name: Arc<str>,
    /// It refuses rows of other shards.
    db: Database,
    calls: Calls,
}

impl Shards {
    /// Shards to be added, each by its name.
    pub fn builder() -> ShardsBuilder {
        ShardsBuilder::default()
    }

    /// The shards' names, in the order in which they were added.
    pub fn names(&self) -> Vec<Arc<str>> {
        let shards = &self.inner.shards;
        shards.iter().map(|shard| Arc::clone(&shard.name)).collect()
    }

    /// How keys are spread.
    pub fn map(&self) -> Arc<ShardMap> {
        Arc::clone(&self.inner.map)
    }

    /// The name of the shard that has the rows of `key`.
    ///
    /// # Errors
    /// [`NoShard`](ErrorKind::NoShard) if none has.
    pub fn shard_of<T: ColumnValue>(&self, key: &T) -> Result<Arc<str>> {
        let at = self.place_of(key)?;
        Ok(self.name(at))
    }

    /// The database that has the rows of `key`: for transactions, raw SQL and entities without a shard key, which lie
    /// beside those that have one. A row of another shard is refused there.
    ///
    /// # Errors
    /// [`NoShard`](ErrorKind::NoShard) if none has.
    pub fn at<T: ColumnValue>(&self, key: &T) -> Result<Database> {
        let at = self.place_of(key)?;
        Ok(self.inner.shards[at].db.clone())
    }

    /// The database of the shard called `name`.
    ///
    /// # Errors
    /// [`NoShard`](ErrorKind::NoShard), with the names that there are.
    pub fn shard(&self, name: &str) -> Result<Database> {
        let shards = &self.inner.shards;
        let shard = shards.iter().find(|shard| *shard.name == *name);
        shard.map(|shard| shard.db.clone()).ok_or_else(|| {
            let known = shards.iter().map(|shard| format!("`{}`", shard.name));
            let known: Vec<_> = known.collect();
            let message = format!("there is no shard by the name of `{name}`");
            Error::new(ErrorKind::NoShard, message)
                .with_hint(format!("there are: {}", known.join(", ")))
        })
    }

    /// Rows in groups by the shard of their key, each with its shard's database, in the order given: for writes of many
    /// rows, which are one transaction on each shard.
    ///
    /// # Errors
    /// [`NoShard`](ErrorKind::NoShard) for a row that none has.
    pub fn group<R, T: ColumnValue>(
        &self,
        rows: impl IntoIterator<Item = R>,
        key: impl Fn(&R) -> T,
    ) -> Result<Vec<(Database, Vec<R>)>> {
        let shards = &self.inner.shards;
        let mut groups: BTreeMap<usize, Vec<R>> = BTreeMap::new();
        for row in rows {
            let at = self.place_of(&key(&row))?;
            groups.entry(at).or_default().push(row);
        }
        let group = |(at, rows): (usize, Vec<R>)| (shards[at].db.clone(), rows);
        Ok(groups.into_iter().map(group).collect())
    }

    /// All of them with their names: for what is to be done on each.
    pub fn databases(&self) -> Vec<(Arc<str>, Database)> {
        let shards = &self.inner.shards;
        let named = |shard: &Shard| (Arc::clone(&shard.name), shard.db.clone());
        shards.iter().map(named).collect()
    }

    /// A transaction over the rows of these shard keys, which must all be on one shard: a transaction is one database's.
    ///
    /// # Errors
    /// [`CrossShard`](ErrorKind::CrossShard) if they are on several; [`NoShard`](ErrorKind::NoShard) for a key that none
    /// has, and for no key at all.
    ///
    /// ```
    /// # use entourage::{Shards, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "orders")]
    /// # struct Order { #[entity(primary_key)] id: i64, #[entity(shard_key)] customer_id: i64 }
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// # let shards = Shards::builder().shard("a", "sqlite::memory:").shard("b", "sqlite::memory:").connect().await?;
    /// # shards.create_schema::<Order>().await?;
    /// shards
    ///     .transaction(&[7_i64])?
    ///     .run(|tx| async move {
    ///         let orders = OrderRepository::new(&tx);
    ///         orders.insert(NewOrder { id: 1, customer_id: 7 }).await?;
    ///         orders.insert(NewOrder { id: 2, customer_id: 7 }).await
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn transaction<'k, T: ColumnValue>(
        &self,
        keys: impl IntoIterator<Item = &'k T>,
    ) -> Result<TransactionBuilder> {
        let call_site = Location::caller();
        let mut shard: Option<usize> = None;
        for key in keys {
            let at = self.place_of(key).map_err(|error| error.at(call_site))?;
            match shard {
                Some(first) if first != at => {
                    let name = |at| self.name(at);
                    return Err(Error::new(
                        ErrorKind::CrossShard,
                        format!(
                            "the keys of this transaction are on the shards `{}` and `{}`",
                            name(first),
                            name(at)
                        ),
                    )
                    .with_hint(
                        "a transaction is one database's: write to each shard by itself, so that what was done can be \
                         done again or undone",
                    )
                    .at(call_site));
                }
                _ => shard = Some(at),
            }
        }
        let at = shard.ok_or_else(|| {
            Error::new(
                ErrorKind::NoShard,
                "a transaction of no shard key has no shard",
            )
            .with_hint("name the keys whose rows it reads and writes")
            .at(call_site)
        })?;
        let shards = &self.inner.shards;
        shards[at].calls.note(ShardAccess::Write);
        Ok(TransactionBuilder::new(shards[at].db.origin(), call_site))
    }

    /// Creates the tables of the entities on every shard, see [`Database::create_schema`].
    ///
    /// # Errors
    /// As there, with the name of the first shard that failed. The others have their tables then; a second call does the rest.
    #[track_caller]
    pub fn create_schema<S: EntitySet>(&self) -> impl Future<Output = Result<()>> + Send + use<S> {
        let (databases, call_site) = (self.databases(), Location::caller());
        async move {
            let create = async |(name, db): &(Arc<str>, Database)| {
                let created = super::schema::create(db, &S::tables(), call_site).await;
                created.map_err(|error| error.on_shard(name))
            };
            let all = join_all(databases.iter().map(create)).await;
            all.into_iter().collect()
        }
    }

    /// Runs text on every shard, see [`Database::execute_script`].
    ///
    /// # Errors
    /// As there, with the name of the first shard that failed; the others have run it.
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        let (databases, call_site) = (self.databases(), Location::caller());
        async move {
            let run = async |(name, db): &(Arc<str>, Database)| {
                let run = db.execute_script_at(sql, call_site).await;
                run.map_err(|error| error.on_shard(name))
            };
            let all = join_all(databases.iter().map(run)).await;
            all.into_iter().collect()
        }
    }

    /// Records every statement on any of the shards from now on, until the recording is dropped.
    pub fn recorded(&self) -> Recording {
        Recording::start(&self.inner.observers)
    }

    /// Tells `observer` of everything on any of the shards from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.inner.observers.add(observer);
    }

    /// The observers of all shards, to remove one.
    pub fn observers(&self) -> &Arc<Observers> {
        &self.inner.observers
    }

    /// What each shard was asked for, and how its pool does: which of them is hot.
    pub fn figures(&self) -> ShardsFigures {
        let shards = &self.inner.shards;
        let figures = |shard: &Shard| shard.calls.figures(&shard.name, shard.db.pool_stats());
        ShardsFigures::new(shards.iter().map(figures).collect())
    }

    /// Checks all of them at once, see [`Database::health`].
    pub async fn health(&self) -> BTreeMap<Arc<str>, HealthReport> {
        let shards = &self.inner.shards;
        let check = |shard: &Shard| {
            let (name, health) = (Arc::clone(&shard.name), shard.db.health());
            async move { (name, health.await) }
        };
        let checks: Vec<_> = shards.iter().map(check).collect();
        join_all(checks).await.into_iter().collect()
    }

    /// Closes all of them at once, see [`Database::close`].
    ///
    /// # Errors
    /// A [`Timeout`](ErrorKind::Timeout) error that names every shard that had to be closed by force, and the calls that
    /// hold its connections. All are closed all the same.
    pub async fn close(&self) -> Result<()> {
        let shards = &self.inner.shards;
        let reports = join_all(shards.iter().map(|shard| shard.db.close())).await;
        let forced: Vec<String> = shards
            .iter()
            .zip(reports)
            .filter(|(_, report)| !report.is_clean())
            .map(|(shard, report)| format!("shard `{}` was {report}", shard.name))
            .collect();
        match forced.is_empty() {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Timeout, forced.join("; "))),
        }
    }

    fn place_of<T: ColumnValue>(&self, key: &T) -> Result<usize> {
        let key = KeyPart::from_value(key.to_value()).ok_or_else(|| {
            Error::new(ErrorKind::NoShard, "a shard key is never NULL")
                .with_hint("give `Some` value")
        })?;
        self.inner.map.place(&key)
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards")
            .field("map", &self.map())
            .finish_non_exhaustive()
    }
}

impl Placement for Shards {
    fn place(&self, key: &KeyPart) -> Result<usize> {
        self.inner.map.place(key)
    }

    fn name(&self, shard: usize) -> Arc<str> {
        Arc::clone(&self.inner.map.names()[shard])
    }
}

impl ShardSet for Shards {
    fn count(&self) -> usize {
        self.inner.shards.len()
    }

    fn shard(&self, at: usize, access: ShardAccess) -> ExecutorHandle<'static> {
        let shard = &self.inner.shards[at];
        shard.calls.note(access);
        // Whoever asks has looked where its rows are.
        ExecutorHandle::shared(shard.db.unseated())
    }
}

/// Why a statement that nobody has placed goes nowhere.
#[cold]
fn unplaced(what: &str, call_site: &'static Location<'static>) -> Error {
    Error::new(
        ErrorKind::CrossShard,
        format!("{what} does not say which shard it is for"),
    )
    .with_hint(
        "take the database of its shard: `shards.at(&key)?` for the rows of a key, `shards.shard(name)?` for one by name, \
         `shards.databases()` for each",
    )
    .at(call_site)
}

#[async_trait]
impl Executor for Shards {
    fn dialect(&self) -> Dialect {
        self.inner.shards[0].db.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.shards[0].db.capabilities()
    }

    async fn run(&self, statement: &Statement, _sink: &mut dyn RowSink) -> Result<Outcome> {
        Err(unplaced("this call", statement.call_site))
    }

    async fn stream(&self, statement: &Statement, _sender: Box<dyn RowSender>) -> Result<Outcome> {
        Err(unplaced("this call", statement.call_site))
    }

    fn in_transaction(&self) -> bool {
        false
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        Err(unplaced("this call", call_site))
    }

    fn sharding(&self) -> Option<Sharding<'_>> {
        Some(Sharding(Role::Among(self)))
    }

    fn warn(&self, message: &str) {
        watch::warn(&self.inner.observers, message);
    }
}

/// A scope of the statements on any of the shards.
impl Observed for Shards {
    fn scope(&self) -> Scope {
        Scope::only(&self.inner.observers)
    }
}

impl<'a> IntoExecutor<'a> for &'a Shards {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(self)
    }
}

impl<'a> IntoExecutor<'a> for Shards {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::shared(self)
    }
}
