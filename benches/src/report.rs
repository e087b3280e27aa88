//! The tables: a row per contender, a column per workload, each cell a time and its ratio to the limit.
//!
//! Two of them: medians, and the fastest turns. Where they disagree, the machine was busy with something else.

use std::fmt::Write as _;
use std::time::Duration;

use crate::contender::Workload;
use crate::rounds::Timing;

/// The measured cells of one database, filled column by column.
#[derive(Debug)]
pub struct Report {
    title: String,
    lanes: Vec<String>,
    columns: Vec<(Workload, Vec<Option<Timing>>)>,
}

impl Report {
    /// An empty table; the first lane is the limit the ratios are taken to.
    pub fn new(title: impl Into<String>, lanes: Vec<String>) -> Self {
        Self {
            title: title.into(),
            lanes,
            columns: Vec::new(),
        }
    }

    /// Adds a workload: one timing per lane, in the lanes' order.
    pub fn column(&mut self, workload: Workload, timings: Vec<Option<Timing>>) {
        self.columns.push((workload, timings));
    }

    /// Renders Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("#### {}\n\n", self.title);
        self.table(&mut text, "median", |timing| timing.median);
        text.push('\n');
        self.table(&mut text, "fastest turn", |timing| timing.fastest);
        text
    }

    fn table(&self, text: &mut String, name: &str, of: fn(Timing) -> Duration) {
        put(text, format_args!("| {name}, ratio to {} |", self.lanes[0]));
        for (workload, _) in &self.columns {
            put(text, format_args!(" {} |", workload.title()));
        }
        text.push_str("\n|---|");
        text.push_str(&"---:|".repeat(self.columns.len()));
        for (lane, name) in self.lanes.iter().enumerate() {
            put(text, format_args!("\n| {name} |"));
            for (_, timings) in &self.columns {
                put(
                    text,
                    format_args!(" {} |", cell(timings[lane].map(of), timings[0].map(of))),
                );
            }
        }
        text.push('\n');
    }
}

fn cell(time: Option<Duration>, limit: Option<Duration>) -> String {
    match (time, limit) {
        (None, _) => "–".to_owned(),
        (Some(time), None) => duration(time),
        (Some(time), Some(limit)) => {
            let ratio = time.as_secs_f64() / limit.as_secs_f64();
            format!("{} · **{ratio:.2}**", duration(time))
        }
    }
}

fn duration(duration: Duration) -> String {
    let microseconds = duration.as_secs_f64() * 1e6;
    match microseconds {
        ..10.0 => format!("{microseconds:.2} µs"),
        10.0..1_000.0 => format!("{microseconds:.0} µs"),
        _ => format!("{:.2} ms", microseconds / 1e3),
    }
}

fn put(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part)
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_shows_the_time_and_its_ratio_to_the_first_lane() {
        let timing = |micros| {
            Some(Timing {
                median: Duration::from_micros(micros),
                fastest: Duration::from_micros(micros / 2),
            })
        };
        let names = ["rusqlite", "other", "absent"].map(str::to_owned);
        let mut report = Report::new("SQLite", names.to_vec());
        report.column(Workload::Get, vec![timing(200), timing(1_300), None]);
        assert_eq!(
            report.markdown(),
            "#### SQLite\n\n| median, ratio to rusqlite | get by key |\n|---|---:|\n\
             | rusqlite | 200 µs · **1.00** |\n| other | 1.30 ms · **6.50** |\n| absent | – |\n\n\
             | fastest turn, ratio to rusqlite | get by key |\n|---|---:|\n\
             | rusqlite | 100 µs · **1.00** |\n| other | 650 µs · **6.50** |\n| absent | – |\n"
        );
    }
}
