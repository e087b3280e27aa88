//! Sizes and times for usual workloads.
//!
//! | | `new` | `web` | `background` | `batch` |
//! |---|---|---|---|---|
//! | `max_connections` | 10 | 20 | 5 | 4 |
//! | `min_connections` | 0 | 2 | 0 | 0 |
//! | `acquire_timeout` | 10 s | 3 s | 30 s | 5 min |
//! | `idle_timeout` | 10 min | 10 min | 5 min | 1 min |
//! | `max_lifetime` | 30 min | 30 min | 30 min | none |
//! | `keep_alive` | none | 1 min | none | none |
//! | `leak_after` | none | 30 s | 10 min | none |
//! | `close_timeout` | 30 s | 10 s | 30 s | 5 min |
//!
//! Each is a beginning: every value can be set after it.
use std::time::Duration;

use super::PoolOptions;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl PoolOptions {
    /// For requests that somebody waits for: many connections for short times, a quick error when there is none, and a
    /// report of whoever keeps one for half a minute.
    pub fn web() -> Self {
        Self::new()
            .max_connections(20)
            .min_connections(2)
            .acquire_timeout(3 * SECOND)
            .keep_alive(MINUTE)
            .leak_after(30 * SECOND)
            .close_timeout(10 * SECOND)
    }

    /// For jobs in the background: few connections, patient callers, uses of some minutes.
    pub fn background() -> Self {
        Self::new()
            .max_connections(5)
            .acquire_timeout(30 * SECOND)
            .idle_timeout(5 * MINUTE)
            .leak_after(10 * MINUTE)
    }

    /// For imports and reports: few connections that are held for as long as it takes, given back to the server soon
    /// after.
    pub fn batch() -> Self {
        Self::new()
            .max_connections(4)
            .acquire_timeout(5 * MINUTE)
            .idle_timeout(MINUTE)
            .max_lifetime(None)
            .close_timeout(5 * MINUTE)
    }

    /// The defaults, sized for a server that takes `server_connections` in all, keeps `reserved` of them for others
    /// (administrators, jobs), and is shared by `instances` of this program.
    pub fn for_server(server_connections: usize, reserved: usize, instances: usize) -> Self {
        let shared = server_connections.saturating_sub(reserved);
        Self::new().max_connections((shared / instances.max(1)).max(1))
    }
}
