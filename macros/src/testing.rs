//! The macros of the `testing` feature that `macro_rules!` cannot write.
mod budget;
mod within;

pub(crate) use budget::budget;
pub(crate) use within::within;
