//! Eager loading: graphs of related rows in a constant number of statements, typed by what was loaded.
//!
//! A query collects [`Include`]s in its type. From them come an untyped description of the graph ([`spec`]) and a typed
//! store for its rows. The planner ([`plan`]) chooses how each relation is loaded, without a database at hand; the
//! engine runs the statements, hands each row to the store and notes which parent it belongs to; at last the
//! store is put together into [`With`] values ([`stitch`]).
pub mod aggregate;
pub mod engine;
pub mod graph;
pub mod include;
mod index;
pub mod locked;
pub mod plan;
mod reader;
pub mod recursive;
pub mod shape;
pub mod spec;
pub mod stitch;
pub mod store;

pub use graph::{Loaded, LoadedIn, Selects, With};
pub use include::{Include, IncludeList, IncludeNode, IntoInclude, Optional, RelationQuery};
pub use recursive::Tree;
pub use shape::Shape;
pub use spec::Strategy;
