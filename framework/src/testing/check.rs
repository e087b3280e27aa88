//! What is expected of a scope, and how a failure reads.
use std::{fmt::Debug, fmt::Write as _};

use crate::observe::{Rules, Scope};

/// What is expected of the statements of a block.
#[derive(Debug)]
pub struct Check(Expected);

#[derive(Debug)]
enum Expected {
    Exactly(usize),
    AtMost(usize, &'static str),
    NoNPlusOne(Rules),
}

impl Check {
    /// Exactly `count` statements.
    pub fn exactly(count: usize) -> Self {
        Self(Expected::Exactly(count))
    }

    /// `count` statements or fewer.
    pub fn at_most(count: usize) -> Self {
        Self(Expected::AtMost(count, "at most"))
    }

    /// `count` statements or fewer, for a function that has a budget.
    pub fn budget(count: usize) -> Self {
        Self(Expected::AtMost(count, "a budget of"))
    }

    /// No statement once for each row of another.
    pub fn no_n_plus_one(rules: Rules) -> Self {
        Self(Expected::NoNPlusOne(rules))
    }

    /// Looks at what was run in `scope` by a block that gave `error`, if it gave one.
    ///
    /// # Panics
    /// If it is not as expected.
    #[track_caller]
    pub fn check(&self, scope: &Scope, error: Option<String>) {
        if let Some(failure) = self.failure(scope) {
            match error {
                Some(error) => {
                    panic!("the block failed: {error}\n\nand so did the assertion: {failure}")
                }
                None => panic!("{failure}"),
            }
        }
    }

    fn failure(&self, scope: &Scope) -> Option<String> {
        let count = scope.count();
        let expected = match &self.0 {
            Expected::Exactly(expected) if count != *expected => format!("{expected}"),
            Expected::AtMost(most, words) if count > *most => format!("{words} {most}"),
            Expected::NoNPlusOne(rules) => {
                let found = scope.n_plus_ones(rules);
                let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                return (!found.is_empty()).then(|| found.join("\n"));
            }
            _ => return None,
        };
        let mut failure = format!("expected {expected} {}, found {count}", noun(&expected));
        describe(&mut failure, scope);
        Some(failure)
    }
}

fn noun(count: &str) -> &'static str {
    match count.ends_with(" 1") || count == "1" {
        true => "statement",
        false => "statements",
    }
}

/// The statements, and what was repeated among them.
fn describe(failure: &mut String, scope: &Scope) {
    let report = scope.report();
    if report.count > 0 {
        let _ = write!(failure, "\n\n{report}");
    }
    for found in scope.n_plus_ones(&Rules::default()) {
        let _ = write!(failure, "\n\n{found}");
    }
}

/// Asks a value of any type for its error.
#[derive(Debug)]
pub struct Probe<'v, T>(pub &'v T);

impl<T, E: Debug> Probe<'_, Result<T, E>> {
    /// The error, if it is one.
    pub fn error(&self) -> Option<String> {
        self.0.as_ref().err().map(|error| format!("{error:?}"))
    }
}

/// What is no `Result` has no error.
pub trait NoError {
    /// `None`.
    fn error(&self) -> Option<String>;
}

impl<T> NoError for Probe<'_, T> {
    fn error(&self) -> Option<String> {
        None
    }
}
