//! What was run, put together for people: counts per table and per statement.
use std::{collections::BTreeMap, fmt, time::Duration};

use super::{Recorded, detector::place};

/// How many statements were run, by table, text and line; printed as a table.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many in all, those of transactions and schemas left out.
    pub count: usize,
    /// How long they took in all.
    pub time: Duration,
    /// How many by main table, by name.
    pub tables: BTreeMap<String, usize>,
    /// The statements, each text of each line once, in the order of their first.
    pub lines: Vec<ReportLine>,
    /// How many are counted but not in `lines`.
    pub dropped: usize,
}

/// One text that was sent from one line.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportLine {
    /// How often.
    pub count: usize,
    /// How long in all.
    pub time: Duration,
    /// How many rows came back in all.
    pub rows: u64,
    /// The text without values.
    pub sql: String,
    /// `src/handlers.rs:42`
    pub call_site: String,
}

impl Report {
    /// The report of `statements`, and of `dropped` more.
    pub fn of(statements: &[Recorded], dropped: usize) -> Self {
        let mut report = Self {
            count: dropped,
            dropped,
            ..Self::default()
        };
        for run in statements.iter().filter(|run| run.counts()) {
            report.count += 1;
            report.time += run.duration;
            *report.tables.entry(table(run)).or_default() += 1;
            let (sql, call_site) = (run.normalized(), place(run.call_site));
            let known = report
                .lines
                .iter()
                .position(|line| line.sql == sql && line.call_site == call_site);
            let at = known.unwrap_or_else(|| {
                report.lines.push(ReportLine {
                    count: 0,
                    time: Duration::ZERO,
                    rows: 0,
                    sql: sql.to_owned(),
                    call_site,
                });
                report.lines.len() - 1
            });
            let line = &mut report.lines[at];
            line.count += 1;
            line.time += run.duration;
            line.rows += run.rows;
        }
        report
    }
}

fn table(run: &Recorded) -> String {
    match run.table() {
        "" => "(no table)".to_owned(),
        table => table.to_owned(),
    }
}

/// One line for each text of each call site.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            let ReportLine {
                count,
                sql,
                call_site,
                ..
            } = line;
            write!(f, "{count:>5} x {sql}\n        at {call_site}")?;
        }
        if self.dropped > 0 {
            write!(f, "\n{:>5} more, not kept", self.dropped)?;
        }
        Ok(())
    }
}
