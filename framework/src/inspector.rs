//! The inspector: what each request did to the database, on a page of the program's own. Feature `inspector`.
//!
//! A layer records requests into a bounded ring; a service shows them, as a page and as JSON. Recorded is what happened
//! until the response's headers were there: what a streamed body sends later is not seen. Nothing is written to disk and
//! nothing is asked of other hosts.
#![doc = include_str!("docs/inspector.md")]
mod access;
mod brackets;
mod buckets;
mod explain;
mod figures;
mod gathering;
mod json;
mod layer;
mod mask;
#[cfg(feature = "write-behind")]
mod queue;
mod record;
mod ring;
mod route;
mod service;
mod setup;
mod sqlx_events;
mod totals;
mod verdict;

pub use access::Peer;
pub use layer::{Inspected, InspectorLayer};
pub use route::RouteName;
pub use service::{Answering, InspectorService};
pub use setup::Inspector;
pub use sqlx_events::SqlxEvents;
