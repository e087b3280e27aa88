//! Shards by ranges of keys.
use crate::schema::{ColumnValue, KeyPart};

/// Ranges of keys, each on one shard: integers by value, text by its bytes, UUIDs and bytes likewise.
///
/// ```
/// use entourage::shards::ShardRanges;
///
/// // 0 to 999,999 on `old`, everything from there on `new`.
/// let ranges = ShardRanges::new().below(1_000_000_i64, "old").rest("new");
/// # let _ = ranges;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ShardRanges {
    pub(super) bounds: Vec<(Option<KeyPart>, String)>,
    pub(super) rest: Option<String>,
}

impl ShardRanges {
    /// No range yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The keys below `bound` that no range before has are on `shard`. Bounds ascend.
    pub fn below<T: ColumnValue>(mut self, bound: T, shard: impl Into<String>) -> Self {
        let bound = KeyPart::from_value(bound.to_value());
        self.bounds.push((bound, shard.into()));
        self
    }

    /// All other keys are on `shard`. Without it they have none, and are refused.
    pub fn rest(mut self, shard: impl Into<String>) -> Self {
        self.rest = Some(shard.into());
        self
    }
}
