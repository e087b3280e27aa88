//! A test that cannot run says so loudly: on stderr past the capture of the test runner, and in the skip log.
//!
//! The danger is a green run that ran nothing, so [`REQUIRE_DATABASES`] turns a skip into a failure.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::{REQUIRE_DATABASES, SKIP_LOG};

/// Why a test cannot run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    reason: String,
}

impl Skip {
    /// A skip for `reason`, which should end in the way out.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    /// Reports the running test as skipped.
    ///
    /// # Panics
    ///
    /// When [`REQUIRE_DATABASES`] is set: there a skip is a failure.
    pub fn report(&self) {
        let test = running_test();
        assert!(
            !databases_are_required(),
            "{test} must not be skipped ({REQUIRE_DATABASES} is set): {}",
            self.reason
        );
        say(&format!("SKIPPED {test}: {}", self.reason));
        Record::Skipped.append(&test, &self.reason);
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Whether [`REQUIRE_DATABASES`] forbids skips.
pub fn databases_are_required() -> bool {
    std::env::var(REQUIRE_DATABASES).is_ok_and(|value| !matches!(value.as_str(), "" | "0"))
}

/// Notes that the running test has no meaning on this database. Not a skip: no server would change it.
pub fn record_inapplicable(reason: &str) {
    let test = running_test();
    println!("INAPPLICABLE {test}: {reason}");
    Record::Inapplicable.append(&test, reason);
}

/// What one line of the skip log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// The test did not run for want of a server.
    Skipped,
    /// The test asks for what this database cannot do.
    Inapplicable,
}

impl Record {
    const fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Inapplicable => "inapplicable",
        }
    }

    /// How many lines of a skip log's text are of this kind.
    pub fn count_in(self, log: &str) -> usize {
        log.lines()
            .filter(|line| line.split('\t').next() == Some(self.word()))
            .count()
    }

    fn append(self, test: &str, reason: &str) {
        let Some(path) = std::env::var_os(SKIP_LOG) else {
            return;
        };
        let line = format!("{}\t{test}\t{}\n", self.word(), reason.replace('\n', " "));
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(Path::new(&path))
            .and_then(|mut log| log.write_all(line.as_bytes()));
        if let Err(error) = written {
            say(&format!(
                "cannot write the skip log {}: {error}",
                Path::new(&path).display()
            ));
        }
    }
}

/// Writes past libtest's capture, which holds back `println!` and `eprintln!` only.
fn say(line: &str) {
    // A closed stderr leaves nobody to tell.
    _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The test runner names each test's thread after the test.
fn running_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

/// Unwraps a `Result<_, Skip>`; on a skip reports it and returns from the test.
///
/// ```
/// # async fn a_test() {
/// let database = entourage_tests::require!(entourage_tests::setup::postgres().await);
/// println!("{}", database.url());
/// # }
/// ```
#[macro_export]
macro_rules! require {
    ($resource:expr) => {
        match $resource {
            Ok(resource) => resource,
            Err(skip) => {
                $crate::setup::Skip::report(&skip);
                return;
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_counted_by_kind() {
        let log = "skipped\ta\tno server\ninapplicable\tb\tno lateral\nskipped\tc\tinapplicable\n";
        assert_eq!(Record::Skipped.count_in(log), 2);
        assert_eq!(Record::Inapplicable.count_in(log), 1);
    }

    #[test]
    fn the_running_test_is_known_by_name() {
        assert_eq!(
            running_test(),
            "setup::skip::tests::the_running_test_is_known_by_name"
        );
    }
}
