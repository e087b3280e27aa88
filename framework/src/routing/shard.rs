//! Which of several databases has the rows of a key: pure, and the same in every process that has the same map.
mod directory;
mod hash;
mod map;
mod ranges;

pub use directory::ShardDirectory;
pub use hash::key_hash;
pub use map::{ShardMap, ShardStrategy};
pub use ranges::ShardRanges;
