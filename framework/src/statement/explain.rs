#![doc = include_str!("../docs/explain.md")]
//!
//! Here is what is pure: which command asks, and what its answer means. `executor/explain.rs` sends it.
mod answer;
mod escape;
mod mask;
mod mysql;
mod mysql_tree;
mod node;
mod plan;
mod postgres;
mod question;
mod show;
mod sources;
mod sqlite;
#[cfg(test)]
mod tests;

pub(crate) use answer::Answer;
pub use node::{Buffers, Measured, NodeKind, PlanNode};
pub use plan::{QueryPlan, QueryPlans};
pub(crate) use question::{Form, How, Question, is_explainable};
#[cfg(feature = "testing")]
pub(crate) use sources::{Source, sources};
