//! The Redis server that [`REDIS_URL`] offers. It has no databases to make: a test takes a name of its own in it.

use super::{REDIS_URL, Skip};

/// The server's URL.
pub async fn redis() -> Result<String, Skip> {
    std::env::var(REDIS_URL).map_err(|_| {
        Skip::new(format!(
            "no Redis: run `cargo xtask test`, or set {REDIS_URL}"
        ))
    })
}
