//! Whether the rows that a view keeps are those of its query.
use std::{fmt, ops::ControlFlow, panic::Location, sync::Arc};

use super::refuse_plain;
use crate::{
    error::{Error, Result},
    executor::Executor,
    schema::{Cell, Row, TableDef},
    statement::{
        Plan, Statement, StatementKind,
        ddl::{verify as text, view as ddl},
        render::qualified,
    },
};

/// How many differences are named; the others are counted.
const NAMED: usize = 100;

/// What a comparison of a view's rows with its query has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How many rows the query gives that the view lacks.
    pub missing: u64,
    /// How many rows the view has that the query does not give.
    pub extra: u64,
    /// How many rows have the same key and other values.
    pub different: u64,
    /// The first hundred of them, missing ones first.
    pub differences: Vec<Difference>,
    view: &'static str,
}

/// One row that is not as the query gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What is wrong with it.
    pub kind: DifferenceKind,
    /// Its key as a text, the columns separated by commas. It is not masked.
    pub key: String,
}

/// How a row is not as the query gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The view lacks it.
    Missing,
    /// The query does not give it.
    Extra,
    /// Other columns than those of the key have other values.
    Different,
}

impl VerifyReport {
    /// Whether the rows are those of the query.
    pub fn is_clean(&self) -> bool {
        self.missing + self.extra + self.different == 0
    }

    /// Nothing if the rows are those of the query, else an error that says how many are not.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) with the counts and the first keys.
    pub fn into_result(self) -> Result<()> {
        match self.is_clean() {
            true => Ok(()),
            false => Err(Error::configuration(self.to_string())),
        }
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.view;
        if self.is_clean() {
            return write!(f, "the rows of `{view}` are those of its query");
        }
        let (missing, extra, different) = (self.missing, self.extra, self.different);
        write!(
            f,
            "of `{view}`, {missing} rows are missing, {extra} too many and {different} different"
        )?;
        for difference in self.differences.iter().take(5) {
            let what = match difference.kind {
                DifferenceKind::Missing => "missing",
                DifferenceKind::Extra => "too many",
                DifferenceKind::Different => "different",
            };
            write!(f, "; {what}: {}", difference.key)?;
        }
        Ok(())
    }
}

/// Compares the rows of the view with its query, in one statement.
pub(crate) async fn verify(
    executor: &dyn Executor,
    table: &'static TableDef,
    call_site: &'static Location<'static>,
) -> Result<VerifyReport> {
    let view = refuse_plain(table)?;
    let dialect = executor.dialect();
    let sql = text::differences(table, &ddl::select(table, view, dialect)?, dialect);
    let plan = Plan::new(sql, StatementKind::Select, vec![qualified(table)]).one_off();
    let statement = Statement::new(Arc::new(plan), Vec::new(), call_site);
    let mut report = VerifyReport {
        view: table.entity,
        ..VerifyReport::default()
    };
    let mut sink = |cells: &[Cell<'_>]| {
        let mut row = Row::new(cells);
        let kind = match row.read::<i64>()? {
            text::MISSING => DifferenceKind::Missing,
            text::EXTRA => DifferenceKind::Extra,
            _ => DifferenceKind::Different,
        };
        let count = match kind {
            DifferenceKind::Missing => &mut report.missing,
            DifferenceKind::Extra => &mut report.extra,
            DifferenceKind::Different => &mut report.different,
        };
        *count += 1;
        if report.differences.len() < NAMED {
            let key = row.read::<String>()?;
            report.differences.push(Difference { kind, key });
        }
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&statement, &mut sink).await?;
    Ok(report)
}
