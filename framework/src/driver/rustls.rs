//! Stands for TLS by rustls. sqlx has it, and asks for nothing here.

/// Whether TLS is part of the build.
pub(super) const COMPILED: bool = true;
