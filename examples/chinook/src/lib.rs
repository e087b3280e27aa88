//! The Chinook music store, mapped: eleven tables, ten questions, and how many statements each takes.
//!
//! [`model`] is the mapping, [`questions`] asks, [`load`] puts the official SQL file into a database.
pub mod load;
pub mod model;
pub mod questions;
