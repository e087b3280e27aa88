//! Benches: entourage beside its peers, on the same rows, in the same run.
//!
//! Every contender answers the same [`contender::Contender`] calls on the rows of [`fixture`]; a [`checksum::Checksum`] of
//! what it loaded must agree with every other's before a time counts. [`rounds`] runs the contenders in turn (A B C A B C),
//! so that a slow minute of the machine hits all of them; [`report`] prints medians and ratios.
//!
//! Without the feature `peers` only the frame compiles: no peer, no libpq.

pub mod checksum;
pub mod contender;
pub mod fixture;
pub mod lane;
pub mod ratios;
pub mod report;
pub mod rounds;
pub mod zipf;

#[cfg(feature = "peers")]
pub mod latency;
#[cfg(feature = "peers")]
pub mod options;
#[cfg(feature = "peers")]
pub mod roster;
#[cfg(feature = "peers")]
pub mod server;

/// What can go wrong in a bench: any library's error, told to the person who runs it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is only printed.
pub type Result<T> = std::result::Result<T, Failure>;
