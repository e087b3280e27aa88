//! The entities that cases share, and their tables.
//!
//! The tables are written here as plain SQL from the entities' descriptions, so that a case about rows does not stand
//! on the framework's own schema tools.
#![allow(missing_docs, reason = "rows of tests explain themselves")]

pub mod bank;
pub mod blog;
pub mod library;
pub mod shop;
mod tables;
pub mod tree;
pub mod upkeep;
pub mod values;
pub mod views;

pub use tables::{create, create_without_foreign_keys};
