//! Putting shards together.
use std::sync::Arc;

use futures_util::future::join_all;

use super::{Calls, Inner, Shard, Shards};
use crate::{
    database::{DatabaseBuilder, builder::Family},
    error::{Error, Result},
    executor::sharding::{Placement, Seat},
    observe::{Observer, Observers},
    routing::shard::{ShardMap, ShardStrategy},
};

/// Shards to be connected to; see [`Shards::builder`].
#[derive(Debug, Default)]
#[must_use = "nothing happens before `connect` is awaited"]
pub struct ShardsBuilder {
    shards: Vec<(Arc<str>, DatabaseBuilder)>,
    strategy: ShardStrategy,
    observers: Observers,
}

impl ShardsBuilder {
    /// A shard by name: a URL, or a [`Database::builder`](crate::Database::builder) with settings of its own, replicas
    /// for instance. The name says which keys the shard has, so it stays when the server changes. Observers of one shard's
    /// builder hear all shards; its slow statements are its own. Where one shows arguments, all do.
    pub fn shard(mut self, name: &str, database: impl Into<DatabaseBuilder>) -> Self {
        self.shards.push((name.into(), database.into()));
        self
    }

    /// How keys are spread; [`ShardStrategy::Rendezvous`] unless set. Rows stay where they were written: a program that
    /// says something else than the one before does not find them.
    pub fn strategy(mut self, strategy: impl Into<ShardStrategy>) -> Self {
        self.strategy = strategy.into();
        self
    }

    /// Tells `observer` of everything on every shard from the start.
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        self.observers.add(observer);
        self
    }

    /// Shows the arguments of statements to subscribers of `tracing`, see
    /// [`DatabaseBuilder::trace_arguments`](crate::database::DatabaseBuilder::trace_arguments).
    pub fn trace_arguments(mut self, shows: bool) -> Self {
        self.observers = self.observers.showing_arguments(shows);
        self
    }

    /// Opens the first connection to each shard, all at once.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for a shard map that has no meaning, and for shards of
    /// different products; what a shard's [`connect`](DatabaseBuilder::connect) says, with the shard's name.
    pub async fn connect(self) -> Result<Shards> {
        let names = self.shards.iter().map(|(name, _)| Arc::clone(name));
        let map = Arc::new(ShardMap::new(names, self.strategy)?);
        let mut shows = self
            .shards
            .iter()
            .map(|(_, database)| database.shows_arguments());
        let shows = self.observers.shows_arguments() || shows.any(|shows| shows);
        let observers = Arc::new(self.observers.showing_arguments(shows));
        let connect = |(at, (name, database)): (usize, (Arc<str>, DatabaseBuilder))| {
            let placement: Arc<dyn Placement> = Arc::clone(&map) as _;
            let family = Family {
                observers: Arc::clone(&observers),
                name: Arc::clone(&name),
                seat: Seat { placement, at },
            };
            async move {
                let connected = database.family(family).connect().await;
                let db = connected.map_err(|error| error.on_shard(&name))?;
                let calls = Calls::default();
                Ok(Shard { name, db, calls })
            }
        };
        let connecting = self.shards.into_iter().enumerate().map(connect);
        let shards = join_all(connecting).await;
        let shards: Vec<Shard> = shards.into_iter().collect::<Result<_>>()?;
        // MariaDB and MySQL differ in what they take for the usual order of texts.
        let product = |shard: &Shard| (shard.db.dialect(), shard.db.capabilities().mariadb);
        let first = product(&shards[0]);
        if let Some(other) = shards.iter().find(|shard| product(shard) != first) {
            return Err(Error::configuration(format!(
                "the shards `{}` and `{}` are different products",
                shards[0].name, other.name
            ))
            .with_hint("shards are databases of one product"));
        }
        Ok(Shards {
            inner: Arc::new(Inner {
                observers,
                map,
                shards,
            }),
        })
    }
}
