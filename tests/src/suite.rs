//! Runs a case on a database: makes the database, connects, runs, drops it.
//!
//! A case is `pub async fn sentence_it_proves(db: &Database)` in a file of [`crate::cases`], and is listed there once.
//! [`suite!`](crate::suite!) makes it one test for each database.

mod capabilities;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use capabilities::{Capabilities, capabilities};

use crate::setup::{self, Skip, TestDatabase};

/// Where a suite runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite in a file, with a write-ahead log.
    Sqlite,
    /// SQLite in memory.
    SqliteMemory,
    /// PostgreSQL.
    Postgres,
    /// MariaDB or MySQL, whichever the environment offers.
    Mysql,
}

/// What a case is given a reference to: anything that connects by URL.
pub trait Subject: Sized {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When it cannot: the harness has just made the database.
    fn connect(url: &str) -> impl Future<Output = Self>;

    /// Closes every connection.
    fn close(self) -> impl Future<Output = ()>;
}

/// What the cases are about.
pub type Tested = entourage::Database;

impl Subject for Tested {
    async fn connect(url: &str) -> Self {
        Self::connect(url)
            .await
            .unwrap_or_else(|error| panic!("a database just made refuses: {error}"))
    }

    async fn close(self) {
        Self::close(&self).await;
    }
}

/// A case, as [`run`] takes it.
pub type Case<S> = for<'s> fn(&'s S) -> Pin<Box<dyn Future<Output = ()> + 's>>;

/// A capability by name, and how to read it.
pub type Requirement = (&'static str, fn(&Capabilities) -> bool);

/// Long enough for a loaded machine, short enough that a hang has a name before CI gives up.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Runs one case as the body of a test.
///
/// # Panics
///
/// When the case does, or when it takes longer than five minutes.
pub fn run<S: Subject>(backend: Backend, requirements: &[Requirement], case: Case<S>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("the machine has two threads to spare");
    runtime.block_on(async {
        let limited = tokio::time::timeout(TIME_LIMIT, run_on(backend, requirements, case)).await;
        assert!(limited.is_ok(), "the case took longer than {TIME_LIMIT:?}");
    });
}

async fn run_on<S: Subject>(backend: Backend, requirements: &[Requirement], case: Case<S>) {
    let database = match make(backend).await {
        Ok(database) => database,
        Err(skip) => return skip.report(),
    };
    let able = capabilities(database.product());
    if let Some((missing, _)) = requirements.iter().find(|(_, has)| !has(able)) {
        return setup::record_inapplicable(&format!("{} has no `{missing}`", database.product()));
    }
    let subject = S::connect(database.url()).await;
    case(&subject).await;
    subject.close().await;
}

async fn make(backend: Backend) -> Result<TestDatabase, Skip> {
    match backend {
        Backend::Sqlite => setup::sqlite().await,
        Backend::SqliteMemory => setup::sqlite_memory().await,
        Backend::Postgres => setup::postgres().await,
        Backend::Mysql => setup::mysql().await,
    }
}

/// Makes a test of every case, on one [`Backend`]: `suite!(Postgres);` in a module of its own.
#[macro_export]
macro_rules! suite {
    ($backend:ident) => {
        $crate::every_case!($backend);
    };
}

/// Makes one `#[test]` of each case in a list; [`every_case!`](crate::every_case!) hands it the list.
///
/// The list names a module of `cases`, and in braces its cases, each with the capabilities it asks for:
///
/// ```text
/// crud { an_inserted_row_is_found, an_update_returns_its_row requires(update_returning) }
/// ```
#[macro_export]
macro_rules! register {
    ($backend:ident; $($module:ident { $($case:ident $(requires($($capability:ident),+))?),* $(,)? })*) => {
        $(
            mod $module {
                $(
                    #[test]
                    fn $case() {
                        $crate::suite::run::<$crate::suite::Tested>(
                            $crate::suite::Backend::$backend,
                            &[$($((stringify!($capability), |able| able.$capability)),+)?],
                            |db| Box::pin($crate::cases::$module::$case(db)),
                        );
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static CLOSED: AtomicUsize = AtomicUsize::new(0);

    struct Url(String);

    impl Subject for Url {
        async fn connect(url: &str) -> Self {
            Self(url.to_owned())
        }

        async fn close(self) {
            CLOSED.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn has_a_file(url: &Url) {
        assert!(url.0.starts_with("sqlite:///"), "{}", url.0);
    }

    async fn fails(_: &Url) {
        panic!("the case failed");
    }

    #[test]
    fn a_case_runs_on_its_own_database_which_is_closed_afterwards() {
        let before = CLOSED.load(Ordering::Relaxed);
        run::<Url>(
            Backend::Sqlite,
            &[("returning", |able| able.returning)],
            |url| Box::pin(has_a_file(url)),
        );
        assert_eq!(CLOSED.load(Ordering::Relaxed), before + 1);
    }

    #[test]
    #[should_panic(expected = "the case failed")]
    fn a_failing_case_fails_its_test() {
        run::<Url>(Backend::SqliteMemory, &[], |url| Box::pin(fails(url)));
    }

    #[test]
    fn a_case_is_not_run_where_its_capability_is_missing() {
        run::<Url>(
            Backend::SqliteMemory,
            &[("lateral", |able| able.lateral)],
            |url| Box::pin(fails(url)),
        );
    }
}
