//! What a lint found, and what it could not look at.
use std::fmt;

use super::finding::Finding;
use crate::error::{Error, ErrorKind, Result};

/// Everything about the indexes of some entities that should be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a report says which indexes are missing or too many: ask `is_clean`, `ddl` or `into_result`"]
pub struct LintReport {
    findings: Vec<Finding>,
    unjudged: Vec<Unjudged>,
}

impl LintReport {
    pub(super) fn new(mut findings: Vec<Finding>, unjudged: Vec<Unjudged>) -> Self {
        findings.sort_by_key(|finding| {
            let time = std::cmp::Reverse(finding.evidence.time);
            (finding.kind.rank(), time, finding.table.clone())
        });
        Self { findings, unjudged }
    }

    /// What was found, the worst first: what is missing before what is too much.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What could not be looked at, and why.
    pub fn unjudged(&self) -> &[Unjudged] {
        &self.unjudged
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The statements that mend all of it, each once, in an order in which they can be run.
    pub fn ddl(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for text in self.findings.iter().map(Finding::ddl) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// Makes an error of any finding: for a test that keeps a schema clean.
    ///
    /// # Errors
    /// [`IndexLint`](ErrorKind::IndexLint), which lists the findings.
    pub fn into_result(self) -> Result<()> {
        let list: Vec<_> = self.findings.iter().map(ToString::to_string).collect();
        let count = match list.len() {
            0 => return Ok(()),
            1 => "one thing".to_owned(),
            count => format!("{count} things"),
        };
        Err(Error::new(
            ErrorKind::IndexLint,
            format!("the lint of the indexes found {count}: {}", list.join("; ")),
        )
        .with_hint("`LintReport::ddl` has statements that mend it"))
    }
}

/// Two lines for each finding, the second one its statement; and one for whatever was not judged.
impl fmt::Display for LintReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            f.write_str("nothing is to be said of the indexes")?;
        }
        for (index, finding) in self.findings.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{finding}\n    {};", finding.ddl())?;
        }
        for unjudged in &self.unjudged {
            write!(f, "\nnot judged: {unjudged}")?;
        }
        Ok(())
    }
}

/// Something that the lint could not look at. `Display` says why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unjudged {
    /// Whether indexes are used.
    Usage {
        /// Why not.
        reason: String,
    },
    /// What statements look for, as none were given.
    Statements,
    /// So many statements of the user's own text.
    RawSql(usize),
    /// So many statements that were recorded beyond the limit of their log, and not kept.
    NotKept(usize),
    /// A view without rows of its own: the indexes that serve it are those of the tables that its query reads.
    PlainView(String),
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unjudged::Usage { reason } => write!(f, "whether indexes are used: {reason}"),
            Unjudged::Statements => f.write_str("filters and orders: no statements were given"),
            Unjudged::RawSql(count) => write!(f, "{} of the user's own text", counted(*count)),
            Unjudged::NotKept(count) => {
                write!(f, "{} that the recording did not keep", counted(*count))
            }
            Unjudged::PlainView(view) => {
                write!(f, "view `{view}`, which keeps no rows and has no indexes")
            }
        }
    }
}

fn counted(count: usize) -> String {
    match count {
        1 => "one statement".to_owned(),
        count => format!("{count} statements"),
    }
}
