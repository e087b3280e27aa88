//! Runs a bulk load: which technique, in which transaction, and what is told of it.
use std::{panic::Location, time::Instant};

use super::{
    BulkFigures,
    copy::{COPY_FROM, Copied, Layout},
    feed::{Feed, NewRows, WINDOW_ROWS},
    statements,
};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::{Error, ErrorKind, Result},
    executor::Executor,
    schema::{TableDef, Value},
    statement::{
        Statement, next_load,
        query::{Assignments, BatchForm, Conflict},
    },
};

/// What is loaded, and how.
pub(crate) struct Load<'p> {
    pub(crate) table: &'static TableDef,
    /// Fills the columns of a new row that the framework keeps itself.
    pub(crate) stamp: fn(&TableDef, &mut [Option<Value>]),
    pub(crate) conflict: Option<OnConflict>,
    /// How many rows make a batch.
    pub(crate) batch: u64,
    /// Whether each batch has a transaction of its own.
    pub(crate) commits: bool,
    /// Told after each batch.
    pub(crate) progress: Option<Progress<'p>>,
    pub(crate) call_site: &'static Location<'static>,
}

pub(crate) type Progress<'p> = Box<dyn FnMut(&BulkFigures) + Send + 'p>;

/// What becomes of a row that meets another.
#[derive(Debug, Clone)]
pub(crate) struct OnConflict {
    /// Positions of the unique columns by which it does.
    pub(crate) target: Vec<usize>,
    /// What else is set in the row that is there, if it takes the new row's values; else it stays as it is.
    pub(crate) update: Option<fn(&TableDef) -> Assignments>,
}

impl OnConflict {
    fn of(&self, table: &TableDef, given: impl Iterator<Item = usize>) -> Conflict {
        let given: Vec<usize> = given.collect();
        let mut set = self.update.map(|set| set(table)).unwrap_or_default();
        // A time of change that was given is kept, a version is counted up all the same.
        set.retain(|(stamped, _)| table.updated_at != Some(*stamped) || !given.contains(stamped));
        let is_overwritten = |column: &usize| {
            let kept = self.target.contains(column) || table.primary_key.contains(column);
            let stamped = set.iter().any(|(stamped, _)| stamped == column);
            !kept && !stamped && table.created_at != Some(*column)
        };
        let update = match self.update {
            Some(_) => given.into_iter().filter(is_overwritten).collect(),
            None => Vec::new(),
        };
        Conflict {
            target: self.target.clone(),
            update,
            set,
        }
    }
}

/// Writes all rows, or none if an error ends it, apart from batches that are committed.
pub(crate) async fn run(
    executor: &dyn Executor,
    load: Load<'_>,
    rows: NewRows<'_>,
) -> Result<BulkFigures> {
    let mut run = Run {
        began: Instant::now(),
        feed: Feed::new(load.table, load.stamp, rows, load.batch),
        id: next_load(),
        figures: BulkFigures::default(),
        layout: None,
        copied: false,
        load,
    };
    let done = run.all(executor).await;
    done.map_err(|error| run.explained(error))?;
    Ok(run.figures)
}

struct Run<'p, 'r> {
    load: Load<'p>,
    feed: Feed<'r>,
    /// What its statements have in common.
    id: u64,
    began: Instant,
    figures: BulkFigures,
    /// The table, as it was when rows were first to be copied in this transaction.
    layout: Option<Layout>,
    /// Whether any were.
    copied: bool,
}

impl Run<'_, '_> {
    async fn all(&mut self, executor: &dyn Executor) -> Result<()> {
        if !self.feed.fill().await? {
            return Ok(());
        }
        if self.is_one_statement(executor) {
            self.insert(executor, u64::MAX).await?;
            self.settled(executor);
            self.figures.batches += 1;
            self.told();
            return Ok(());
        }
        while !self.feed.is_over() {
            let scope = executor.atomic(self.load.call_site).await?;
            self.layout = None;
            self.copied = false;
            if let Err(error) = self.transaction(scope.executor()).await {
                // The server takes it back in any case; the first error is the one to tell.
                let _ = scope.rollback().await;
                return Err(error);
            }
            scope.commit().await?;
            self.settled(executor);
            if self.load.commits {
                self.told();
            }
            // Only now is it known whether there is more.
            self.feed.fill().await?;
        }
        Ok(())
    }

    /// Whether all rows go out in one statement, which needs no transaction of ours.
    fn is_one_statement(&self, executor: &dyn Executor) -> bool {
        let Some(group) = self.feed.first().filter(|_| self.feed.is_one_group()) else {
            return false;
        };
        let (_, most) = statements::form(executor.dialect(), self.load.table, group);
        group.rows <= most.min(self.load.batch)
            && !(self.may_copy(executor.dialect()) && group.rows >= COPY_FROM)
    }

    fn may_copy(&self, dialect: Dialect) -> bool {
        dialect == Dialect::Postgres && self.load.conflict.is_none()
    }

    /// One batch, or all of them.
    async fn transaction(&mut self, executor: &dyn Executor) -> Result<()> {
        loop {
            let mut left = self.load.batch;
            while left > 0 && self.feed.fill().await? {
                left -= self.statement(executor, left).await?;
            }
            self.figures.batches += 1;
            // It is complete, and does not wait for the rows of the next one.
            if self.load.commits {
                break;
            }
            self.told();
            if !self.feed.fill().await? {
                break;
            }
        }
        if let Some(before) = self.layout.as_ref().filter(|_| self.copied) {
            let now = Layout::of(executor, self.load.table, self.load.call_site).await?;
            before.check(&now, self.load.table)?;
        }
        Ok(())
    }

    /// What was sent is permanent, unless the user's transaction takes it back.
    fn settled(&mut self, executor: &dyn Executor) {
        if !executor.in_transaction() {
            self.figures.committed = self.figures.rows;
        }
    }

    fn told(&mut self) {
        self.figures.elapsed = self.began.elapsed();
        if let Some(progress) = &mut self.load.progress {
            progress(&self.figures);
        }
    }

    /// One statement of up to `left` rows; how many it took.
    async fn statement(&mut self, executor: &dyn Executor, left: u64) -> Result<u64> {
        match self.copied_columns(executor).await? {
            Some(columns) => self.copy(executor, columns, left).await,
            None => self.insert(executor, left).await,
        }
    }

    /// The columns of the next rows, if those are to be copied.
    async fn copied_columns(&mut self, executor: &dyn Executor) -> Result<Option<Vec<usize>>> {
        if !executor.copies() || !self.may_copy(executor.dialect()) {
            return Ok(None);
        }
        let full = !self.feed.is_one_group() && self.feed.keeps_order();
        let columns = match self.feed.first() {
            Some(group) if group.rows >= COPY_FROM || full => group.columns.clone(),
            _ => return Ok(None),
        };
        if self.layout.is_none() {
            let layout = Layout::of(executor, self.load.table, self.load.call_site).await?;
            self.layout = Some(layout);
        }
        let takes = |layout: &Layout| layout.takes(self.load.table, &columns);
        Ok(self.layout.as_ref().is_some_and(takes).then_some(columns))
    }

    async fn copy(
        &mut self,
        executor: &dyn Executor,
        columns: Vec<usize>,
        left: u64,
    ) -> Result<u64> {
        let table = self.load.table;
        let touched = statements::touched(table, &columns, None);
        let form = BatchForm::Copy;
        let (plan, args) = statements::plan(executor, table, columns.clone(), form, None)?;
        let statement = Statement {
            load: Some(self.id),
            touched,
            ..Statement::new(plan, args, self.load.call_site)
        };
        let mut rows = Copied {
            table,
            feed: &mut self.feed,
            columns,
            left,
            before: self.figures.rows,
        };
        let copied = executor.copy(&statement, &mut rows).await;
        let sent = left - rows.left;
        let copied = copied.map_err(|error| self.placed(error, sent));
        self.copied = true;
        self.figures.statements += 1;
        self.figures.affected += copied?.affected;
        self.figures.rows += sent;
        Ok(sent)
    }

    async fn insert(&mut self, executor: &dyn Executor, left: u64) -> Result<u64> {
        let table = self.load.table;
        let Some(group) = self.feed.first() else {
            return Ok(0);
        };
        let (form, most) = statements::form(executor.dialect(), table, group);
        let conflict = self.load.conflict.as_ref();
        let conflict = conflict.map(|conflict| conflict.of(table, group.given()));
        let columns = group.columns.clone();
        let mut values = Vec::new();
        let rows = self
            .feed
            .take(0, most.min(left).min(WINDOW_ROWS), &mut values);
        let mut statement = statements::insert(
            executor,
            table,
            columns,
            (form, rows),
            values,
            conflict,
            self.load.call_site,
        )?;
        statement.load = Some(self.id);
        let inserted = executor.run(&statement, &mut NoRows).await;
        let outcome = inserted.map_err(|error| self.placed(error, rows))?;
        self.figures.statements += 1;
        self.figures.affected += outcome.affected;
        self.figures.rows += rows;
        Ok(rows)
    }

    /// The error of a statement of `rows` rows, with where they are among all.
    fn placed(&self, error: Error, rows: u64) -> Error {
        let is_all = self.figures.rows == 0 && self.feed.is_over();
        let is_of_a_row = matches!(
            error.kind(),
            ErrorKind::UniqueViolation
                | ErrorKind::ForeignKeyViolation
                | ErrorKind::NotNullViolation
                | ErrorKind::CheckViolation
                | ErrorKind::Encode
                | ErrorKind::Database
        );
        if is_all || !is_of_a_row || error.hint().is_some() || !self.feed.keeps_order() {
            return error;
        }
        let first = self.figures.rows + 1;
        let last = self.figures.rows + rows;
        error.with_hint(format!("it is one of the rows number {first} to {last}"))
    }

    /// The error with what is committed.
    fn explained(&self, error: Error) -> Error {
        let error = error.at(self.load.call_site);
        let committed = match self.figures.committed {
            0 => return error,
            rows => format!("the {rows} rows of the batches before are committed"),
        };
        match error.hint() {
            Some(hint) => {
                let hint = format!("{hint}; {committed}");
                error.with_hint(hint)
            }
            None => error.with_hint(committed),
        }
    }
}
