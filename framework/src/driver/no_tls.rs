//! Stands in for TLS where its feature is off.

/// Whether it is part of the build.
pub(super) const COMPILED: bool = false;
