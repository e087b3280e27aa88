//! The guard a test holds while it uses its database.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::{Product, scratch};

const PREFIX: &str = "entourage_test";
const STALE_AFTER: Duration = Duration::from_secs(6 * 3600);
const REMOVED_WITHIN: Duration = Duration::from_secs(60);

/// A database of the test's own. Dropping the guard drops the database, whoever is still connected.
pub struct TestDatabase {
    url: String,
    product: Product,
    remove: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl TestDatabase {
    pub(super) fn new(
        url: String,
        product: Product,
        remove: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self {
            url,
            product,
            remove: Some(Box::new(remove)),
        }
    }

    /// What to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What answers there.
    pub fn product(&self) -> Product {
        self.product
    }
}

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase")
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(remove) = self.remove.take() {
            remove();
        }
    }
}

pub(super) fn unique_database_name() -> String {
    scratch::unique_name(PREFIX, '_')
}

/// Whether the database was left behind by a process of long ago. Nobody else's database is ever stale.
pub(super) fn is_stale(database: &str) -> bool {
    scratch::origin(database, PREFIX, '_').is_some_and(|(age, _)| age > STALE_AFTER)
}

/// The same server, another database.
///
/// # Panics
///
/// When the URL from the environment is not one.
pub(super) fn url_of(server: &str, database: &str, variable: &str) -> String {
    let mut url =
        url::Url::parse(server).unwrap_or_else(|error| panic!("{variable} is not a URL: {error}"));
    url.set_path(&format!("/{database}"));
    url.into()
}

/// Runs `work` to its end from a `drop`, where nothing can be awaited: on a thread with a runtime of its own,
/// because the caller's runtime may be the one that is going down.
pub(super) fn finish_blocking<F>(work: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    let done = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a thread can have a runtime of its own");
        // What could not be dropped in time is stale for a later process.
        _ = runtime.block_on(async { tokio::time::timeout(REMOVED_WITHIN, work()).await });
    });
    // A panic there has been printed; a second one inside a drop would abort the test run.
    _ = done.join();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_old_databases_are_stale() {
        assert!(is_stale("entourage_test_1600000000_77_0"));
        assert!(!is_stale("entourage_test_1600000000_77_0_mine"));
        assert!(!is_stale("entourage_test"));
        assert!(!is_stale("production"));
        assert!(!is_stale(&unique_database_name()));
    }

    #[test]
    fn the_server_is_kept_and_the_database_replaced() {
        let url = url_of(
            "postgres://ann:x@db:5433/postgres?sslmode=disable",
            "t_1",
            "V",
        );
        assert_eq!(url, "postgres://ann:x@db:5433/t_1?sslmode=disable");
        assert_eq!(
            url_of("mysql://root@db:3306", "t_1", "V"),
            "mysql://root@db:3306/t_1"
        );
        assert_eq!(
            url_of("postgres:///postgres?host=/run", "t_1", "V"),
            "postgres:///t_1?host=/run"
        );
    }
}
