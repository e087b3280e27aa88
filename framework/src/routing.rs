//! Read replicas: which server a statement goes to.
//!
//! Reads outside of transactions go to a replica that has what the reader must see; everything else goes to the primary.
//! A `Router` knows the servers. A task for each asks it how it does (`scout`), what it says is kept
//! with it (`server`), and what readers must see is kept in sessions (`session`). The decisions are pure: the choice
//! among replicas (`choice`), bans (`ban`), positions and whether one has reached another (`position`), lag (`lag`), and
//! what an error means (`verdict`).
#![doc = include_str!("docs/replicas.md")]
mod ban;
mod choice;
mod figures;
mod lag;
mod options;
mod position;
mod question;
mod router;
mod scout;
mod server;
mod session;
pub mod shard;
mod verdict;

pub use figures::{ReplicaFigures, ReplicaState, RoutingFigures};
pub use options::{Balance, Consistency, RoutingOptions};
pub use position::{GtidSet, Gtids, Position};
pub(crate) use router::{Asking, Candidate, Next, Router, Tried};
pub(crate) use server::Server;
pub(crate) use session::Session;

pub use crate::observe::{BanReason, FallbackReason, Role};
