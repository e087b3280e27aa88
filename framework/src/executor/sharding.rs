//! Rows that are spread over several databases by a key: what the layers that load and write them see of it.
use std::{fmt, sync::Arc};

use super::ExecutorHandle;
use crate::{error::Result, schema::KeyPart};

/// On which of several databases the rows of a key are.
pub(crate) trait Placement: Send + Sync + fmt::Debug {
    /// The shard of the rows with this key.
    ///
    /// # Errors
    /// [`NoShard`](crate::ErrorKind::NoShard) if there is none for it.
    fn place(&self, key: &KeyPart) -> Result<usize>;

    /// What the shard is called.
    fn name(&self, shard: usize) -> Arc<str>;
}

/// Several databases that each have a part of the rows.
pub(crate) trait ShardSet: Placement {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them, for a call that it takes note of. Whoever asks has looked where its rows are: nothing is refused.
    fn shard(&self, at: usize, access: ShardAccess) -> ExecutorHandle<'static>;
}

/// Whether a call reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShardAccess {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// What an executor is among shards; told by [`Executor::sharding`](super::Executor::sharding).
#[derive(Debug, Clone, Copy)]
pub struct Sharding<'e>(pub(crate) Role<'e>);

/// What it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role<'e> {
    /// All of them: whoever uses it says where each statement goes.
    Among(&'e dyn ShardSet),
    /// One of them, which has the rows of some keys only.
    On(&'e Seat),
}

/// One shard among several.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// Who knows where rows are.
    pub(crate) placement: Arc<dyn Placement>,
    /// Which of the shards it is.
    pub(crate) at: usize,
}
