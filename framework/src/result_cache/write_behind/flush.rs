//! One attempt to write a batch: a transaction with the changes and the queue's mark.
//!
//! At first all changes go as they are. If one of them is refused, the batch is written again with a savepoint around
//! each half, down to the changes that are at fault; those are left out. A change may be refused only because of another
//! that comes later in the batch, so what was refused is tried again for as long as that helps.
use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;

use super::{
    change::{Change, Edit, RowValues, Set, like},
    marker::{Marker, statement},
    order::in_order,
    queue::{Batch, Entry},
    verdict::{self, Verdict},
};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::{Error, ErrorKind, Result},
    executor::{AtomicScope, Executor},
    schema::{
        Condition, KeyPart, SqlType, TableDef, Value,
        expression::{Arithmetic, Comparison, Term},
    },
    statement::{
        Plan, Statement, StatementKind, Touched,
        query::{Insert, Target},
        render::{Backend, Query, chunk_size},
        touched::TouchedRows,
    },
};

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Care {
    /// All at once.
    None,
    /// With savepoints, to find what is at fault.
    Halves,
    /// With a savepoint around each change, after a panic.
    Singles,
    /// The same, with deferred constraints checked at once: COMMIT was refused.
    Immediate,
    /// Not at all: COMMIT was refused, and the database cannot say because of what.
    Condemn,
}

/// What attempts at a batch need.
#[derive(Debug)]
pub(super) struct Flush<'f> {
    pub(super) executor: &'f dyn Executor,
    pub(super) tables: &'f [&'static TableDef],
    pub(super) ranks: &'f [usize],
    pub(super) marker: Marker,
    /// Where the mark stands.
    pub(super) marked: u64,
    /// Whether doubtful errors are the changes' fault by now.
    pub(super) is_strict: bool,
}

/// A transaction with everything but its end.
pub(super) struct Written<'f, 'b> {
    pub(super) scope: Box<dyn AtomicScope + 'f>,
    /// Rows written.
    pub(super) rows: u64,
    /// What was left out, and why.
    pub(super) refused: Vec<(&'b Entry, Error)>,
}

/// Why a batch could not be written.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    /// The change that panicked, by its number; 0 where it is one of several.
    pub(super) panicked: Option<u64>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            panicked: None,
        }
    }
}

impl<'f> Flush<'f> {
    /// Writes `batch` without those in `convicted`, up to COMMIT; `None` if the database has it already.
    pub(super) async fn write<'b>(
        &self,
        batch: &'b Batch,
        care: Care,
        convicted: &[u64],
    ) -> Result<Option<Written<'f, 'b>>, Failed> {
        let scope = self.executor.atomic(self.marker.call_site).await?;
        let (from, through) = (self.marked, batch.through);
        let moved = self.marker.advance(scope.executor(), from, through);
        if !moved.await? {
            scope.rollback().await?;
            return Ok(None);
        }
        let entries = in_order(batch.entries(), self.ranks);
        let (out, entries): (Vec<&Entry>, Vec<&Entry>) = entries
            .into_iter()
            .partition(|entry| care == Care::Condemn || convicted.contains(&entry.seq));
        let why = || {
            match care {
            Care::Condemn => Error::new(
                ErrorKind::CheckViolation,
                "the database refused the batch of this change at COMMIT",
            )
            .with_hint("a deferred constraint is broken by this change or one beside it: retry them one by one"),
            _ => Error::new(ErrorKind::Encode, "writing this change panics"),
        }
        };
        let mut refused: Vec<_> = out.into_iter().map(|entry| (entry, why())).collect();
        if care == Care::Immediate && self.executor.dialect() == Dialect::Postgres {
            self.check_at_once(scope.executor()).await?;
        }
        let rows = if care == Care::None {
            match caught(self.apply(scope.executor(), &entries)).await {
                Ok(rows) => rows,
                Err(failed) => {
                    // Dropped, it is rolled back too; the error that counts is the first.
                    let _ = scope.rollback().await;
                    return Err(failed);
                }
            }
        } else {
            self.sift(scope.executor(), entries, care, &mut refused)
                .await?
        };
        Ok(Some(Written {
            scope,
            rows,
            refused,
        }))
    }

    /// Deferred constraints are checked with each statement from here on.
    async fn check_at_once(&self, executor: &dyn Executor) -> Result<()> {
        let sql = "SET CONSTRAINTS ALL IMMEDIATE";
        let plan = Plan::new(sql, StatementKind::Other, Vec::new()).one_off();
        let statement = Statement::new(plan.into(), Vec::new(), self.marker.call_site);
        executor.run(&statement, &mut NoRows).await?;
        Ok(())
    }

    /// Writes what can be written; how many rows.
    async fn sift<'b>(
        &self,
        executor: &dyn Executor,
        entries: Vec<&'b Entry>,
        care: Care,
        refused: &mut Vec<(&'b Entry, Error)>,
    ) -> Result<u64, Failed> {
        let mut rows = 0;
        let mut left = Vec::new();
        let mut parts: Vec<Vec<&Entry>> = match care {
            Care::Halves => vec![entries],
            _ => entries.into_iter().rev().map(|entry| vec![entry]).collect(),
        };
        loop {
            let before = left.len();
            let mut failed = Vec::new();
            while let Some(mut part) = parts.pop() {
                match self.try_part(executor, &part).await? {
                    Ok(written) => rows += written,
                    Err(error) if part.len() == 1 => failed.push((part.remove(0), error)),
                    Err(_) => {
                        let second = part.split_off(part.len() / 2);
                        parts.extend([second, part]);
                    }
                }
            }
            if failed.is_empty() || failed.len() == before {
                refused.extend(failed);
                return Ok(rows);
            }
            left = failed;
            parts = left.iter().rev().map(|(entry, _)| vec![*entry]).collect();
        }
    }

    /// Writes `part` in a savepoint. The inner error is of the changes, the outer one ends the attempt.
    async fn try_part(
        &self,
        executor: &dyn Executor,
        part: &[&Entry],
    ) -> Result<Result<u64, Error>, Failed> {
        let scope = executor.atomic(self.marker.call_site).await?;
        let written = caught(self.apply(scope.executor(), part)).await;
        match written {
            Ok(rows) => {
                scope.commit().await?;
                Ok(Ok(rows))
            }
            Err(failed) if failed.panicked.is_some() => Err(Failed {
                panicked: match part {
                    [entry] => Some(entry.seq),
                    _ => failed.panicked,
                },
                ..failed
            }),
            Err(failed) if !self.is_of_the_change(&failed.error) => Err(failed),
            Err(failed) => {
                scope.rollback().await?;
                Ok(Err(failed.error))
            }
        }
    }

    /// Whether the change is at fault.
    pub(super) fn is_of_the_change(&self, error: &Error) -> bool {
        match verdict::of(error) {
            Verdict::Retry => false,
            Verdict::Poison => true,
            Verdict::Doubtful => self.is_strict,
        }
    }

    /// Writes entries in their order, neighbours of one kind together; how many rows.
    async fn apply(&self, executor: &dyn Executor, entries: &[&Entry]) -> Result<u64> {
        let mut rows = 0;
        let together = |a: &&Entry, b: &&Entry| {
            a.table == b.table
                && match (&a.change, &b.change) {
                    (Change::Insert(_), Change::Insert(_)) => true,
                    (Change::Delete(a), Change::Delete(b)) => a.is_empty() && b.is_empty(),
                    _ => false,
                }
        };
        for group in entries.chunk_by(together) {
            let Some(first) = group.first() else { continue };
            let table = self.tables[first.table];
            rows += match &first.change {
                Change::Insert(_) => self.insert(executor, table, group).await?,
                Change::Delete(edit) if edit.is_empty() => {
                    self.delete(executor, table, group).await?;
                    u64::try_from(group.len()).unwrap_or(u64::MAX)
                }
                Change::Update(edit) => self.update(executor, table, first, edit, true).await?,
                Change::Delete(edit) => self.update(executor, table, first, edit, false).await?,
                Change::Replace(_) => {
                    self.delete(executor, table, group).await?;
                    self.insert(executor, table, group).await?
                }
            };
        }
        Ok(rows)
    }

    /// Sends a statement that says which rows it touches, for the cache of rows; how many rows it changed.
    async fn send(
        &self,
        executor: &dyn Executor,
        query: Query<'_>,
        touched: Option<Arc<Touched>>,
    ) -> Result<u64> {
        let mut statement = statement(executor, query, self.marker.call_site)?;
        statement.touched = touched;
        Ok(executor.run(&statement, &mut NoRows).await?.affected)
    }

    async fn insert(
        &self,
        executor: &dyn Executor,
        table: &'static TableDef,
        group: &[&Entry],
    ) -> Result<u64> {
        let limit = executor.dialect().bind_limit() / table.columns.len().max(1);
        let mut known: Option<(usize, Arc<Plan>)> = None;
        let mut rest = group;
        while !rest.is_empty() {
            let rows = rows_at_once(executor.dialect(), rest.len()).min(limit.max(1));
            let (entries, after) = rest.split_at(rows);
            rest = after;
            let mut statement = match &known {
                // As many rows of the same columns have the same text.
                Some((rows, plan)) if *rows == entries.len() => {
                    let mut args = Vec::with_capacity(entries.len() * table.columns.len());
                    args.extend(rows_of(entries).flatten().cloned());
                    Statement::new(Arc::clone(plan), args, self.marker.call_site)
                }
                _ => {
                    let row = |row: &RowValues| row.iter().cloned().map(Some).collect();
                    let insert = Insert {
                        table,
                        columns: (0..table.columns.len()).collect(),
                        rows: rows_of(entries).map(row).collect(),
                        conflict: None,
                        returning: Vec::new(),
                    };
                    statement(executor, Query::Insert(&insert), self.marker.call_site)?
                }
            };
            known = Some((entries.len(), Arc::clone(&statement.plan)));
            statement.touched = touches(table, entries);
            executor.run(&statement, &mut NoRows).await?;
        }
        Ok(u64::try_from(group.len()).unwrap_or(u64::MAX))
    }

    async fn delete(
        &self,
        executor: &dyn Executor,
        table: &'static TableDef,
        group: &[&Entry],
    ) -> Result<()> {
        let backend = Backend {
            dialect: executor.dialect(),
            capabilities: executor.capabilities(),
        };
        let size = chunk_size(backend, table.primary_key.len());
        for chunk in group.chunks(size) {
            let keys = chunk.iter().map(|entry| entry.key.clone()).collect();
            let target = Target {
                table,
                filter: Some(Condition::keys(&table.primary_key, keys)),
            };
            self.send(executor, Query::Delete(&target), touches(table, chunk))
                .await?;
        }
        Ok(())
    }

    async fn update(
        &self,
        executor: &dyn Executor,
        table: &'static TableDef,
        entry: &Entry,
        edit: &Edit,
        must_be: bool,
    ) -> Result<u64> {
        let mut set: Vec<(usize, Term)> = edit
            .set
            .iter()
            .map(|(column, set)| {
                let term = match set {
                    Set::To(value) => Term::Value(value.clone()),
                    Set::Add(delta) => plus(column, delta.clone()),
                };
                (column, term)
            })
            .collect();
        let mut filter = Condition::keys(&table.primary_key, vec![entry.key.clone()]);
        if let Some(column) = table.version {
            let of_type = null_integer(table.columns[column].sql_type);
            if edit.bumps > 0 {
                set.push((column, plus(column, like(&of_type, edit.bumps.into()))));
            }
            if let Some(expected) = edit.expected {
                let expected = Term::Value(like(&of_type, expected));
                let same = Condition::Compare(Comparison::Eq, Term::Column(column), expected);
                filter = Condition::And(vec![filter, same]);
            }
        }
        // A row of another shard key is another row.
        if let (Some(column), Some(image)) = (table.shard_key, &edit.image)
            && !table.primary_key.contains(&column)
        {
            let key = Term::Value(image[column].clone());
            let same = Condition::Compare(Comparison::Eq, Term::Column(column), key);
            filter = Condition::And(vec![filter, same]);
        }
        // What names columns, and not a whole row that was read, must not touch a row that was marked as deleted.
        if let (Some(column), None) = (table.deleted_at, edit.expected.and(edit.image.as_ref())) {
            let alive = Condition::Null(Term::Column(column), true);
            filter = Condition::And(vec![filter, alive]);
        }
        if set.is_empty() {
            return Ok(0);
        }
        let target = Target {
            table,
            filter: Some(filter),
        };
        let touched = touches(table, &[entry]);
        let affected = self
            .send(executor, Query::Update(&target, &set), touched)
            .await?;
        if affected == 0 && must_be {
            return Err(missed(table, entry, edit));
        }
        Ok(affected)
    }
}

/// How many of `left` rows go into one statement: few sizes, so that there are few texts, and more at once where each
/// statement is a round trip.
fn rows_at_once(dialect: Dialect, left: usize) -> usize {
    let sizes: &[usize] = match dialect {
        Dialect::Sqlite => &[100],
        Dialect::Postgres | Dialect::Mysql => &[1_000, 100],
    };
    let fits = |size: &&usize| **size <= left;
    sizes.iter().find(fits).map_or(left, |size| *size)
}

/// The new rows of `entries`, all of which have one.
fn rows_of<'b>(entries: &[&'b Entry]) -> impl Iterator<Item = &'b RowValues> {
    entries.iter().filter_map(|entry| match &entry.change {
        Change::Insert(row) | Change::Replace(row) => Some(row),
        Change::Update(_) | Change::Delete(_) => None,
    })
}

/// The rows of `entries`; nothing where no rows are kept.
fn touches(table: &'static TableDef, entries: &[&Entry]) -> Option<Arc<Touched>> {
    table.cache?;
    let key = |entry: &&Entry| KeyPart::from_values(entry.key.iter().cloned());
    let keys = entries.iter().map(key).collect::<Option<_>>()?;
    Some(Touched::new(table, TouchedRows::Keys(keys)))
}

/// NULL of an integer type.
fn null_integer(sql_type: SqlType) -> Value {
    match sql_type {
        SqlType::SmallInt => Value::SmallInt(None),
        SqlType::Int => Value::Int(None),
        _ => Value::BigInt(None),
    }
}

fn plus(column: usize, delta: Value) -> Term {
    let (column, delta) = (Term::Column(column), Term::Value(delta));
    Term::Arithmetic(Arithmetic::Add, Box::new(column), Box::new(delta))
}

/// Why an update met no row.
#[cold]
fn missed(table: &TableDef, entry: &Entry, edit: &Edit) -> Error {
    let key = KeyPart::from_values(entry.key.iter().cloned());
    let key = key.map_or_else(String::new, |key| key.to_string());
    match edit.expected {
        Some(expected) => Error::new(
            ErrorKind::Stale,
            format!(
                "the row of `{}` with key {key} no longer has version {expected}",
                table.name
            ),
        )
        .with_table(table.name),
        None => Error::not_found(table.name, format_args!("key {key}")),
    }
}

/// The work's result, a panic among its errors.
async fn caught(work: impl Future<Output = Result<u64>> + Send) -> Result<u64, Failed> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result.map_err(Failed::from),
        Err(_) => Err(Failed {
            error: Error::new(ErrorKind::Database, "writing a batch panicked"),
            panicked: Some(0),
        }),
    }
}
