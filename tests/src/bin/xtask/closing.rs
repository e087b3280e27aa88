//! The closing lines: what every test binary said at its end, what failing tests printed, and the sums.

use std::fmt;

use entourage_tests::setup::Record;

use crate::failures::Failures;

/// Collects results while the tests' output passes by.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    results: Vec<String>,
    failures: Vec<String>,
    printed: Failures,
    passed: usize,
    failed: usize,
    ignored: usize,
    skipped: usize,
    inapplicable: usize,
}

impl Closing {
    /// Takes one line of output.
    pub(crate) fn read(&mut self, line: &str) {
        self.printed.read(line);
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.results.push(line.to_owned());
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
        } else if line.starts_with("test ") && line.ends_with(" FAILED") {
            self.failures.push(line.to_owned());
        }
    }

    /// Takes the log the tests wrote of what they did not run.
    pub(crate) fn read_skip_log(&mut self, log: &str) {
        self.skipped += Record::Skipped.count_in(log);
        self.inapplicable += Record::Inapplicable.count_in(log);
    }
}

/// The number before `word` in `ok. 12 passed; 0 failed; ..`.
fn count(counts: &str, word: &str) -> usize {
    let words: Vec<&str> = counts
        .split([' ', ';'])
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .find(|pair| pair[1] == word)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.results {
            writeln!(f, "{line}")?;
        }
        if !self.printed.is_empty() {
            write!(f, "\nWhat the failing tests printed:\n{}\n", self.printed)?;
        }
        for line in &self.failures {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "xtask: {} passed, {} failed, {} ignored in {} test binaries; {} skipped for want of a server, \
             {} inapplicable to a database",
            self.passed,
            self.failed,
            self.ignored,
            self.results.len(),
            self.skipped,
            self.inapplicable,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_kept_and_summed() {
        let mut closing = Closing::default();
        for line in [
            "running 3 tests",
            "test one ... ok",
            "test two ... FAILED",
            "failures:",
            "---- two stdout ----",
            "left: 2",
            "failures:",
            "    two",
            "test result: FAILED. 11 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.00s",
        ] {
            closing.read(line);
        }
        closing.read_skip_log(
            "skipped\ta\tno server\ninapplicable\tb\tno lateral\ninapplicable\tc\tno lateral\n",
        );
        let text = closing.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2..8],
            [
                "",
                "What the failing tests printed:",
                "---- two stdout ----",
                "left: 2",
                "",
                "test two ... FAILED"
            ]
        );
        assert_eq!(lines.len(), 9);
        assert_eq!(
            lines[8],
            "xtask: 41 passed, 1 failed, 2 ignored in 2 test binaries; 1 skipped for want of a server, \
             2 inapplicable to a database"
        );
    }
}
