//! What a schema check found.
use std::fmt;

use crate::{
    error::{Error, ErrorKind, Result},
    schema::OnDelete,
};

/// Every difference between the entities and the database that matters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a report says whether the schema is as the entities expect: ask `is_clean` or `into_result`"]
pub struct SchemaReport {
    drifts: Vec<Drift>,
}

impl SchemaReport {
    pub(super) fn new(drifts: Vec<Drift>) -> Self {
        Self { drifts }
    }

    /// The differences: missing tables first, in the order in which they can be made.
    pub fn drifts(&self) -> &[Drift] {
        &self.drifts
    }

    /// Whether there are none.
    pub fn is_clean(&self) -> bool {
        self.drifts.is_empty()
    }

    /// The statements that would mend what statements can, each once, in an order in which they can be run.
    pub fn ddl(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for text in self.drifts.iter().filter_map(Drift::ddl) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// Makes an error of any difference: to refuse to start on a database that does not fit.
    ///
    /// # Errors
    /// [`SchemaDrift`](ErrorKind::SchemaDrift), which lists the differences.
    pub fn into_result(self) -> Result<()> {
        let list: Vec<_> = self.drifts.iter().map(ToString::to_string).collect();
        let places = match list.len() {
            0 => return Ok(()),
            1 => "one place".to_owned(),
            count => format!("{count} places"),
        };
        Err(Error::new(
            ErrorKind::SchemaDrift,
            format!(
                "the database differs from the entities in {places}: {}",
                list.join("; ")
            ),
        )
        .with_hint("`SchemaReport::ddl` has statements that mend it"))
    }
}

/// One line for each difference.
impl fmt::Display for SchemaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("the database is as the entities expect");
        }
        for (index, drift) in self.drifts.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{drift}")?;
        }
        Ok(())
    }
}

/// One difference between an entity and the database. `Display` says it in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub(super) entity: &'static str,
    pub(super) table: String,
    pub(super) kind: DriftKind,
    pub(super) mend: Result<String, &'static str>,
}

impl Drift {
    /// The entity's name in Rust.
    pub fn entity(&self) -> &'static str {
        self.entity
    }

    /// The table, as `users` or `schema.users`.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// What differs, for a `match`.
    pub fn kind(&self) -> &DriftKind {
        &self.kind
    }

    /// What would mend it: one statement, or several with `;` between them. Look before you run it: a column that must
    /// have a value cannot be added to a table with rows, a type may not convert, and MySQL (not MariaDB) changes no
    /// column that a foreign key refers to before the key is dropped.
    pub fn ddl(&self) -> Option<&str> {
        self.mend.as_deref().ok()
    }

    /// Why there is no statement that would mend it.
    pub fn reason(&self) -> Option<&'static str> {
        self.mend.as_ref().err().copied()
    }
}

/// What a name in the database stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableKind {
    /// A table; that of a view which keeps its rows in one, too.
    Table,
    /// A view that runs its query whenever it is read.
    View,
    /// A materialized view of PostgreSQL's.
    MaterializedView,
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TableKind::Table => "table",
            TableKind::View => "view",
            TableKind::MaterializedView => "materialized view",
        })
    }
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriftKind {
    /// There is no such table.
    MissingTable,
    /// There is no such view.
    MissingView,
    /// What is there by the view's name is of another kind: a table where the entity is a view, say.
    NotAsDeclared {
        /// What is there.
        found: TableKind,
        /// What should be.
        wanted: TableKind,
    },
    /// The view was made with another query, and keeps rows of it.
    OtherQuery,
    /// A trigger that maintains the view is not there, or is disabled: what was written meanwhile is not in the view.
    MissingTrigger {
        /// The trigger.
        name: String,
    },
    /// The table has no such column.
    MissingColumn {
        /// The column.
        column: String,
    },
    /// The column's type does not hold the field's values.
    TypeMismatch {
        /// The column.
        column: String,
        /// The type that the entity's column would be created with.
        expected: String,
        /// The type it has.
        found: String,
    },
    /// NULL is allowed on one side only.
    NullabilityMismatch {
        /// The column.
        column: String,
        /// Whether the database allows NULL.
        nullable: bool,
    },
    /// The entity leaves the column's value to the database, which has none.
    MissingDefault {
        /// The column.
        column: String,
    },
    /// A column without a field that must be given a value: every insert would fail.
    UnmappedColumn {
        /// The column.
        column: String,
    },
    /// The primary key has other columns.
    PrimaryKeyMismatch {
        /// The entity's.
        expected: Vec<String>,
        /// The table's; empty if it has none.
        found: Vec<String>,
    },
    /// No index starts with these columns, or none is unique over just these.
    MissingIndex {
        /// The columns.
        columns: Vec<String>,
        /// Whether it has to be unique.
        unique: bool,
    },
    /// There is no such foreign key.
    MissingForeignKey {
        /// The columns that hold the key.
        columns: Vec<String>,
        /// The table it points at.
        target: String,
    },
    /// A delete does something else than the relation says.
    OnDeleteMismatch {
        /// The columns that hold the key.
        columns: Vec<String>,
        /// What the relation says.
        expected: OnDelete,
        /// What the database says, in SQL's words.
        found: String,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entity, table, .. } = self;
        match &self.kind {
            DriftKind::MissingTable => write!(f, "table `{table}` of `{entity}` is missing"),
            DriftKind::MissingView => write!(f, "view `{table}` of `{entity}` is missing"),
            DriftKind::OtherQuery => {
                write!(
                    f,
                    "view `{table}` was made with another query than `{entity}` has"
                )
            }
            DriftKind::MissingTrigger { name } => {
                write!(f, "trigger `{name}`, which maintains `{table}`, is missing")
            }
            DriftKind::NotAsDeclared { found, wanted } => {
                write!(
                    f,
                    "`{table}` is a {found}, but `{entity}` should be a {wanted}"
                )
            }
            DriftKind::MissingColumn { column } => {
                write!(f, "column `{table}.{column}` is missing")
            }
            DriftKind::TypeMismatch {
                column,
                expected,
                found,
            } => write!(
                f,
                "column `{table}.{column}` is of type `{found}`, which is not `{entity}`'s `{expected}`"
            ),
            DriftKind::NullabilityMismatch {
                column,
                nullable: true,
            } => write!(
                f,
                "column `{table}.{column}` may be NULL, but its field in `{entity}` is no `Option`"
            ),
            DriftKind::NullabilityMismatch { column, .. } => write!(
                f,
                "column `{table}.{column}` must not be NULL, but its field in `{entity}` is an `Option`"
            ),
            DriftKind::MissingDefault { column } => write!(
                f,
                "column `{table}.{column}` has no default, but `{entity}` leaves its value to the database"
            ),
            DriftKind::UnmappedColumn { column } => write!(
                f,
                "column `{table}.{column}` must have a value, but `{entity}` has no field for it"
            ),
            DriftKind::PrimaryKeyMismatch { expected, found } => write!(
                f,
                "the primary key of `{table}` is ({}), but `{entity}`'s is ({})",
                found.join(", "),
                expected.join(", ")
            ),
            DriftKind::MissingIndex { columns, unique } => {
                let what = if *unique {
                    "unique constraint"
                } else {
                    "index"
                };
                write!(f, "{what} on `{table} ({})` is missing", columns.join(", "))
            }
            DriftKind::MissingForeignKey { columns, target } => write!(
                f,
                "foreign key from `{table} ({})` to `{target}` is missing",
                columns.join(", ")
            ),
            DriftKind::OnDeleteMismatch {
                columns,
                expected,
                found,
            } => write!(
                f,
                "foreign key of `{table} ({})` is ON DELETE {found}, but `{entity}` says {}",
                columns.join(", "),
                expected.sql()
            ),
        }
    }
}
