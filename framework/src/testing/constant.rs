//! The same block with little data and with much.
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write as _,
};

use crate::observe::{NPlusOne, Observed, Recorded, Rules, Scope};

/// The runs of `assert_constant_queries!`, one for each scale.
#[derive(Debug, Default)]
pub struct Scales {
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    scale: String,
    /// Counts by table; the chunks of one eager load count once.
    tables: BTreeMap<String, usize>,
    report: String,
    n_plus_ones: Vec<NPlusOne>,
}

impl Scales {
    /// No runs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope for the run at the next scale.
    pub fn scope(&self, observed: &impl Observed) -> Scope {
        observed.scope()
    }

    /// Takes what was run at `scale`.
    pub fn add(&mut self, scale: impl ToString, scope: &Scope) {
        self.runs.push(Run {
            scale: scale.to_string(),
            tables: counts(&scope.statements()),
            report: scope.report().to_string(),
            n_plus_ones: scope.n_plus_ones(&Rules::default()),
        });
    }

    /// Ends the assertion because `what` went wrong at `scale`.
    ///
    /// # Panics
    /// If there is an error.
    #[track_caller]
    pub fn expect_ok(&self, what: &str, scale: impl ToString, error: Option<String>) {
        if let Some(error) = error {
            panic!("{what} failed at scale {}: {error}", scale.to_string());
        }
    }

    /// Compares the runs.
    ///
    /// # Panics
    /// If their counts differ, or if there are fewer than two.
    #[track_caller]
    pub fn check(&self) {
        assert!(
            self.runs.len() >= 2,
            "two scales are needed to see whether the count grows: `scales = [2, 5]`"
        );
        let constant = self
            .runs
            .windows(2)
            .all(|runs| runs[0].tables == runs[1].tables);
        if !constant {
            panic!("{}", self.failure());
        }
    }

    fn failure(&self) -> String {
        let total = |run: &Run| -> usize { run.tables.values().sum() };
        let totals: Vec<_> = self
            .runs
            .iter()
            .map(|run| format!("{} at scale {}", total(run), run.scale))
            .collect();
        let mut failure = format!(
            "the number of statements depends on the data: {}\n\n",
            totals.join(", ")
        );
        self.table(&mut failure);
        let last = self.runs.last().expect("there are two runs");
        let _ = write!(failure, "\nat scale {}:\n{}", last.scale, last.report);
        for found in &last.n_plus_ones {
            let _ = write!(failure, "\n\n{found}");
        }
        failure
    }

    /// One line for each table, with its count at each scale.
    fn table(&self, failure: &mut String) {
        let tables: BTreeSet<_> = self.runs.iter().flat_map(|run| run.tables.keys()).collect();
        let width = tables
            .iter()
            .map(|table| table.len())
            .max()
            .unwrap_or(0)
            .max(8);
        let _ = write!(failure, "  {:width$}", "at scale");
        for run in &self.runs {
            let _ = write!(failure, " {:>6}", run.scale);
        }
        failure.push('\n');
        for table in tables {
            let counts: Vec<_> = self
                .runs
                .iter()
                .map(|run| run.tables.get(table).copied().unwrap_or(0))
                .collect();
            let _ = write!(failure, "  {table:width$}");
            for count in &counts {
                let _ = write!(failure, " {count:>6}");
            }
            let differs = counts.windows(2).any(|counts| counts[0] != counts[1]);
            failure.push_str(if differs { "  <- differs\n" } else { "\n" });
        }
    }
}

fn counts(statements: &[Recorded]) -> BTreeMap<String, usize> {
    let mut tables = BTreeMap::new();
    let mut chunks = HashSet::new();
    for run in statements.iter().filter(|run| run.counts()) {
        let chunk = run.load.map(|load| (load, run.fingerprint));
        if chunk.is_some_and(|chunk| !chunks.insert(chunk)) {
            continue;
        }
        let table = match run.table() {
            "" => "(no table)",
            table => table,
        };
        *tables.entry(table.to_owned()).or_default() += 1;
    }
    tables
}
