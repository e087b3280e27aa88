//! Shards by a list of keys.
use std::collections::HashMap;

use super::ShardStrategy;
use crate::schema::{ColumnValue, KeyPart};

/// Keys with the shard of each, and what is to be done with all others.
///
/// ```
/// use entourage::shards::{ShardDirectory, ShardStrategy};
///
/// // The largest customer has a database to itself.
/// let directory = ShardDirectory::new().assign(4711_i64, "big").otherwise(ShardStrategy::Rendezvous);
/// # let _ = directory;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ShardDirectory {
    pub(super) assigned: HashMap<KeyPart, String>,
    pub(super) null: bool,
    pub(super) otherwise: Option<Box<ShardStrategy>>,
}

impl ShardDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows of `key` are on `shard`. The last word counts.
    pub fn assign<T: ColumnValue>(mut self, key: T, shard: impl Into<String>) -> Self {
        match KeyPart::from_value(key.to_value()) {
            Some(key) => {
                self.assigned.insert(key, shard.into());
            }
            None => self.null = true,
        }
        self
    }

    /// The shard of keys that nobody assigned. Without it they have none, and are refused.
    pub fn otherwise(mut self, strategy: ShardStrategy) -> Self {
        self.otherwise = Some(Box::new(strategy));
        self
    }
}
