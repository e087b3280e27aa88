//! One thing that the lint found, and what shows it.
use std::{fmt, panic::Location, time::Duration};

use crate::observe::Recorded;

/// One thing about the indexes of a table that should be otherwise. `Display` says it in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub(super) entity: &'static str,
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    pub(super) kind: FindingKind,
    pub(super) evidence: Evidence,
    pub(super) ddl: String,
}

impl Finding {
    /// The entity's name in Rust.
    pub fn entity(&self) -> &'static str {
        self.entity
    }

    /// The table, as `users` or `schema.users`.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The columns of the index that is to be made, or that is too much; in order. None of one that is not complete.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What was found, for a `match`.
    pub fn kind(&self) -> &FindingKind {
        &self.kind
    }

    /// The recorded statements that show it; none where it shows without any.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The statement that mends it. An index costs every write of its table something, and takes a lock while it is made:
    /// look before you run it, and see [`Lint::concurrently`](super::Lint::concurrently).
    pub fn ddl(&self) -> &str {
        &self.ddl
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// No index begins with the columns of a foreign key: every delete of the row it points at reads the whole table, and so
    /// does every load of the relation.
    UnindexedForeignKey {
        /// The columns of the key.
        columns: Vec<String>,
        /// The table it points at.
        target: String,
    },
    /// No index begins with any column that recorded statements look for rows by.
    UnindexedFilter,
    /// No index has the order of which recorded statements want the first rows.
    UnindexedOrder,
    /// An index has the columns that recorded statements need, in an order that serves them badly.
    ColumnOrder {
        /// Its name.
        index: String,
        /// Whether nothing else needs it, so that the new index could replace it.
        replaceable: bool,
    },
    /// Two indexes are the same.
    DuplicateIndex {
        /// The one that could go.
        index: String,
        /// The one that stays.
        of: String,
    },
    /// An index begins with all the columns of another.
    RedundantIndex {
        /// The one that could go.
        index: String,
        /// The one that does what it does.
        of: String,
    },
    /// The index is not complete: it serves nobody, and every write keeps it up. PostgreSQL leaves it behind where
    /// `CREATE INDEX CONCURRENTLY` failed.
    InvalidIndex {
        /// Its name.
        index: String,
    },
    /// Nobody reads the index.
    UnusedIndex {
        /// Its name.
        index: String,
        /// How often the table was read in that time; on MariaDB and MySQL, how many rows of it.
        reads: u64,
        /// Since when the database counts, where it says so.
        since: Option<String>,
        /// Whether an entity declares it: then it is to be taken away there, too.
        declared: bool,
    },
}

impl FindingKind {
    /// The worst first.
    pub(super) fn rank(&self) -> u8 {
        match self {
            FindingKind::InvalidIndex { .. } => 0,
            FindingKind::UnindexedForeignKey { .. } => 1,
            FindingKind::UnindexedFilter => 2,
            FindingKind::ColumnOrder { .. } => 3,
            FindingKind::UnindexedOrder => 4,
            FindingKind::DuplicateIndex { .. } => 5,
            FindingKind::RedundantIndex { .. } => 6,
            FindingKind::UnusedIndex { .. } => 7,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        let columns = self.columns.join(", ");
        match &self.kind {
            FindingKind::UnindexedForeignKey { columns, target } => {
                let columns = columns.join(", ");
                write!(
                    f,
                    "foreign key `{table} ({columns})` to `{target}` has no index"
                )?;
            }
            FindingKind::UnindexedFilter => {
                write!(f, "`{table}` is searched by ({columns}) without an index")?;
            }
            FindingKind::UnindexedOrder => write!(
                f,
                "`{table}` is sorted by ({columns}) for its first rows without an index"
            )?,
            FindingKind::ColumnOrder { index, replaceable } => {
                write!(
                    f,
                    "index `{index}` of `{table}` serves better as ({columns})"
                )?;
                if *replaceable {
                    f.write_str(", which could replace it")?;
                }
            }
            FindingKind::InvalidIndex { index } => {
                write!(
                    f,
                    "index `{index}` of `{table}` is not complete, and serves nobody"
                )?;
            }
            FindingKind::DuplicateIndex { index, of } => {
                write!(f, "index `{index}` of `{table}` is the same as `{of}`")?;
            }
            FindingKind::RedundantIndex { index, of } => write!(
                f,
                "index `{index}` of `{table}` does nothing that `{of}` does not, which begins with the same columns"
            )?,
            FindingKind::UnusedIndex {
                index,
                reads,
                since,
                declared,
            } => {
                write!(
                    f,
                    "index `{index}` was never read, and `{table}` {reads} times"
                )?;
                if let Some(since) = since {
                    write!(f, " since {since}")?;
                }
                if *declared {
                    write!(f, "; `{}` declares it", self.entity)?;
                }
            }
        }
        match self.evidence.statements {
            0 => Ok(()),
            _ => write!(f, ": {}", self.evidence),
        }
    }
}

/// The recorded statements that show something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evidence {
    /// How many.
    pub statements: usize,
    /// How long they took in all.
    pub time: Duration,
    /// The lines that sent them, each once.
    pub call_sites: Vec<&'static Location<'static>>,
}

impl Evidence {
    pub(super) fn of(run: &Recorded) -> Self {
        Self {
            statements: 1,
            time: run.duration,
            call_sites: vec![run.call_site],
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        self.time += other.time;
        for site in &other.call_sites {
            if !self.call_sites.contains(site) {
                self.call_sites.push(site);
            }
        }
    }
}

/// `12 statements in 3.4ms, from src/main.rs:7 and 2 lines more`
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.statements {
            1 => f.write_str("one statement")?,
            count => write!(f, "{count} statements")?,
        }
        write!(f, " in {:?}", self.time)?;
        let Some(first) = self.call_sites.first() else {
            return Ok(());
        };
        write!(f, ", from {}:{}", first.file(), first.line())?;
        match self.call_sites.len() - 1 {
            0 => Ok(()),
            1 => f.write_str(" and one line more"),
            more => write!(f, " and {more} lines more"),
        }
    }
}
