//! The RealWorld application "Conduit": people write articles, comment on them, follow each other and keep favorites.
//!
//! The program is in `main.rs`; this library is what it is made of, so that the tests can call the application without a
//! network. A request goes from [`route`] (addresses, JSON, pages) to [`model`] (what is stored and what may be done with
//! it), and errors of both come back as [`error::Error`].
pub mod auth;
pub mod config;
pub mod error;
pub mod input;
pub mod migrate;
pub mod model;
pub mod route;
pub mod seed;
pub mod slug;
pub mod state;

pub use route::router;
pub use state::App;
