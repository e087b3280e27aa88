//! What is recorded, what is found in it, and the assertions: that each can fail, and that it does not where it must
//! not.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "observe/assertions.rs"]
mod assertions;
#[path = "observe/budget.rs"]
mod budget;
#[path = "observe/detector.rs"]
mod detector;
#[path = "observe/metrics.rs"]
mod metrics;
#[path = "observe/scopes.rs"]
mod scopes;
#[path = "observe/snapshot.rs"]
mod snapshot;
#[path = "observe/theatre.rs"]
mod theatre;
#[path = "observe/tower.rs"]
mod tower;
#[path = "observe/tracing.rs"]
mod tracing;
