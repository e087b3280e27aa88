//! What failing tests printed, cut out of the passing output: a log is often read from its end, and in it a failure
//! stands far above the results of the binaries that ran after it.

use std::fmt;

/// How much of them all is repeated. What stands around it fits beside it in the last 150 lines of a log.
const MOST_LINES: usize = 96;
/// Of each test at the least, however many have failed.
const FEWEST_LINES: usize = 6;
/// A line may hold a whole document.
const LONGEST_LINE: usize = 400;

/// Collects the sections in which test runners show what failing tests printed.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    failures: Vec<Failure>,
    inside: bool,
}

/// A failing test, and its output.
#[derive(Debug)]
struct Failure {
    title: String,
    lines: Vec<String>,
}

impl Failures {
    /// Takes one line of output.
    pub(crate) fn read(&mut self, line: &str) {
        if line == "failures:" {
            // The second one is followed by names, which end no section of their own.
            self.inside = !self.inside;
        } else if line.starts_with("test result: ") {
            self.inside = false;
        } else if self.inside {
            self.take(line);
        }
    }

    fn take(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            self.failures.push(Failure {
                title: line.to_owned(),
                lines: Vec::new(),
            });
        } else if let Some(failure) = self.failures.last_mut() {
            failure.lines.push(line.to_owned());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.failures.is_empty()
    }
}

/// All that failed, in order, each with its first and its last lines.
impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = MOST_LINES / self.failures.len().max(1);
        for failure in &self.failures {
            failure.write(f, share.max(FEWEST_LINES))?;
        }
        Ok(())
    }
}

impl Failure {
    /// At most `room` lines, the title among them. A test ends with the words of its panic, so of its lines the last ones
    /// have the larger part.
    fn write(&self, f: &mut fmt::Formatter<'_>, room: usize) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let lines: Vec<&String> = self.lines.iter().filter(|line| !line.is_empty()).collect();
        let room = room - 1;
        if lines.len() <= room {
            return lines.into_iter().try_for_each(|line| write_cut(f, line));
        }
        let shown = room - 1;
        let (first, last) = (shown / 3, shown - shown / 3);
        lines[..first]
            .iter()
            .try_for_each(|line| write_cut(f, line))?;
        writeln!(f, "[{} lines are left out here]", lines.len() - shown)?;
        let rest = &lines[lines.len() - last..];
        rest.iter().try_for_each(|line| write_cut(f, line))
    }
}

fn write_cut(f: &mut fmt::Formatter<'_>, line: &str) -> fmt::Result {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => writeln!(f, "{} [{} bytes more]", &line[..end], line.len() - end),
        None => writeln!(f, "{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Failures {
        let mut failures = Failures::default();
        text.lines().for_each(|line| failures.read(line));
        failures
    }

    /// The output of a test runner in which `tests` failed.
    fn runner(tests: &[(&str, &str)]) -> String {
        let printed = tests
            .iter()
            .map(|(name, output)| format!("---- {name} stdout ----\n{output}\n\n"));
        let names = tests.iter().map(|(name, _)| format!("    {name}\n"));
        format!(
            "running 9 tests\ntest fine ... ok\n\nfailures:\n\n{}\nfailures:\n{}\n\
             test result: FAILED. 8 passed; 1 failed; 0 ignored\n",
            printed.collect::<String>(),
            names.collect::<String>(),
        )
    }

    #[test]
    fn what_failing_tests_of_all_binaries_printed_is_kept_and_nothing_else() {
        let first = runner(&[
            ("pool::opens_one", "\nthread panicked at a.rs:1:\nleft: 2"),
            ("pool::closes", "Error: Broken"),
        ]);
        let second = runner(&[("src/lib.rs - page (line 3)", "error: no such page")]);
        let text = read(&format!(
            "{first}running 1 test\ntest fine ... ok\n{second}"
        ))
        .to_string();
        assert_eq!(
            text,
            "---- pool::opens_one stdout ----\nthread panicked at a.rs:1:\nleft: 2\n\
             ---- pool::closes stdout ----\nError: Broken\n\
             ---- src/lib.rs - page (line 3) stdout ----\nerror: no such page\n"
        );
    }

    #[test]
    fn without_a_failure_or_its_output_there_is_nothing() {
        assert!(
            read("running 1 test\ntest fine ... ok\n\ntest result: ok. 1 passed;\n").is_empty()
        );
        // So it ends where nothing is captured.
        let names = "failures:\n    one\n\ntest result: FAILED. 0 passed; 1 failed;\n";
        assert!(read(names).is_empty());
    }

    #[test]
    fn long_output_is_cut_in_its_middle_and_long_lines_at_their_end() {
        let lines: Vec<_> = (1..=500).map(|number| format!("line {number}")).collect();
        let text = read(&runner(&[("long", &lines.join("\n"))])).to_string();
        let kept: Vec<&str> = text.lines().collect();
        assert_eq!(kept.len(), MOST_LINES);
        assert_eq!(kept[1], "line 1");
        assert!(text.contains("[406 lines are left out here]"), "{text}");
        assert_eq!(kept[MOST_LINES - 1], "line 500");

        let text = read(&runner(&[("wide", &"ä".repeat(1_000))])).to_string();
        assert!(text.ends_with("ä [1200 bytes more]\n"), "{text}");
    }

    #[test]
    fn however_many_fail_each_shows_how_it_ended() {
        let output = (1..=20).map(|number| format!("{number}\n"));
        let output = format!("{}left: 1", output.collect::<String>());
        let text = read(&runner(&vec![("one_of_many", output.as_str()); 60])).to_string();
        assert_eq!(text.matches("left: 1\n").count(), 60);
        assert_eq!(text.lines().count(), 60 * FEWEST_LINES);
    }
}
