//! The engine behind [`WriteBehind`](crate::repository::WriteBehind): a queue of changes, the task that flushes it, and
//! the journal on disk.
//!
//! ```text
//! change.rs   what is done to a row, and how two changes become one: pure
//! queue.rs    batches, what waits of a row, room: pure
//! order.rs    parents before children: pure
//! verdict.rs  which errors are a change's own fault; back-off: pure
//! journal/    the same changes on disk, before they are acknowledged
//! keys/       keys that the database makes, in blocks
//! marker.rs   how far the database is, in the database
//! flush.rs    one attempt at a batch
//! flusher.rs  batches, attempts, waits
//! engine.rs   what the typed surface calls
//! stats.rs    what a queue says of itself
//! ```
//!
//! It knows tables and values, no entities, and needs of the database nothing but an [`Executor`](crate::executor::Executor).
#![doc = include_str!("../docs/write_behind.md")]
pub(crate) mod change;
mod complaint;
mod dead_letter;
pub(crate) mod engine;
mod flush;
mod flusher;
mod journal;
mod keys;
mod marker;
mod order;
mod queue;
mod settings;
mod stats;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
mod verdict;

pub use dead_letter::DeadLetter;
pub(crate) use settings::Settings;
pub use settings::{Durability, WhenFull};
pub use stats::{WriteBehindState, WriteBehindStats, WriteBehindWatch};
