//! Stepping a statement.
use std::{mem, ops::ControlFlow, time::Duration};

use rusqlite::{Connection, fallible_iterator::FallibleIterator, types::ValueRef};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    Database, bind,
    busy::{Attempt, Before},
    errors,
};
use crate::{
    driver::{
        Outcome, RowSink,
        cells::{gather, recycle},
    },
    error::Result,
    schema::Cell,
    statement::{Statement, StatementKind},
    statement_cache::Preparation,
};

/// After so many rows a scan lets the other tasks of its thread go.
pub(super) const INLINE_ROWS: u64 = 256;

/// Whether a long scan may leave the runtime's thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offload {
    /// By `block_in_place`, if the runtime has other threads.
    Allowed,
    /// Never: this is a blocking thread already, or the user said so.
    Never,
}

impl Offload {
    pub(super) fn unless(inline: bool) -> Self {
        if inline { Self::Never } else { Self::Allowed }
    }

    fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let flavor = || Handle::try_current().map(|handle| handle.runtime_flavor());
        match self {
            Self::Allowed if matches!(flavor(), Ok(RuntimeFlavor::MultiThread)) => {
                tokio::task::block_in_place(work)
            }
            _ => work(),
        }
    }
}

/// Runs one statement from its preparation to its last row. The library itself prepares it anew after a change of the
/// schema.
pub(super) fn execute(
    database: &mut Database,
    statement: &Statement,
    preparation: Preparation,
    cells: &mut Vec<Cell<'static>>,
    sink: &mut dyn RowSink,
    offload: Offload,
) -> Result<Attempt<Outcome>> {
    let Database {
        connection,
        statements,
    } = database;
    let before = Before::statement(connection, statement.plan.kind);
    let plan = &statement.plan;
    let attempt = if plan.persistent {
        match connection.prepare_cached(&plan.sql) {
            Ok(mut prepared) => {
                if preparation == Preparation::New {
                    statements.keep(&plan.sql);
                }
                let how = (before, offload);
                step(connection, &mut prepared, statement, how, cells, sink)
            }
            Err(error) => before.judge(connection, error),
        }
    } else {
        match connection.prepare(&plan.sql) {
            Ok(mut prepared) => {
                let how = (before, offload);
                step(connection, &mut prepared, statement, how, cells, sink)
            }
            Err(error) => before.judge(connection, error),
        }
    };
    Ok(match attempt? {
        Attempt::Done(outcome) => Attempt::Done(Outcome {
            prepared: preparation.was_prepared(),
            ..outcome
        }),
        busy => busy,
    })
}

fn step(
    database: &Connection,
    prepared: &mut rusqlite::Statement<'_>,
    statement: &Statement,
    (before, offload): (Before, Offload),
    cells: &mut Vec<Cell<'static>>,
    sink: &mut dyn RowSink,
) -> Result<Attempt<Outcome>> {
    bind::bind(prepared, &statement.args)?;
    let changes = database.total_changes();
    let mut scan = Scan {
        columns: 0,
        // A statement that writes is stepped to its end whatever the sink says.
        drain: !prepared.readonly(),
        rows: prepared.raw_query(),
        cells,
        sink,
        count: 0,
    };
    let mut end = scan.advance(INLINE_ROWS);
    if matches!(end, Ok(false)) {
        end = offload.run(|| scan.advance(u64::MAX));
    }
    let count = scan.count;
    drop(scan);
    match end {
        Ok(_) => {}
        Err(Stop::Sink(error)) => return Err(error),
        Err(Stop::Database(error)) if count == 0 => return before.judge(database, error),
        Err(Stop::Database(error)) => return Err(errors::database(error)),
    }
    let changed = database.total_changes() != changes;
    let affected = if changed { database.changes() } else { 0 };
    let inserted = statement.plan.kind == StatementKind::Insert && affected == 1;
    Ok(Attempt::Done(Outcome {
        rows: count,
        affected,
        last_insert_id: inserted.then(|| database.last_insert_rowid()),
        prepared: None,
    }))
}

enum Stop {
    Database(rusqlite::Error),
    Sink(crate::error::Error),
}

struct Scan<'s, 'a> {
    rows: rusqlite::Rows<'s>,
    columns: usize,
    drain: bool,
    cells: &'a mut Vec<Cell<'static>>,
    sink: &'a mut dyn RowSink,
    count: u64,
}

impl Scan<'_, '_> {
    /// Takes up to `limit` rows; true when the statement has ended.
    fn advance(&mut self, limit: u64) -> Result<bool, Stop> {
        for _ in 0..limit {
            let Some(row) = self.rows.next().map_err(Stop::Database)? else {
                return Ok(true);
            };
            let mut named = Ok(());
            if self.count == 0 {
                // Now, for the first step may have prepared the statement anew after a change of the schema.
                let statement: &rusqlite::Statement<'_> = row.as_ref();
                self.columns = statement.column_count();
                let name = |at| statement.column_name(at).unwrap_or_default();
                named = self.sink.columns(&mut (0..self.columns).map(name));
            }
            let mut cells: Vec<Cell<'_>> = mem::take(self.cells);
            let read = |column| row.get_ref(column).map(cell).map_err(Stop::Database);
            gather(self.columns, &mut cells, read, |first| {
                self.sink.pick(first).map_err(Stop::Sink)
            })?;
            let flow = named.and_then(|()| self.sink.row(&cells));
            *self.cells = recycle(cells);
            self.count += 1;
            match flow {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return self.end().map(|()| true),
                Err(error) => {
                    self.end()?;
                    return Err(Stop::Sink(error));
                }
            }
        }
        Ok(false)
    }

    fn end(&mut self) -> Result<(), Stop> {
        while self.drain && self.rows.next().map_err(Stop::Database)?.is_some() {}
        Ok(())
    }
}

#[inline]
fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Real(value),
        // SQLite does not check text on its way in; what is no UTF-8 is handed on as it is.
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Bytes(bytes),
        },
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
    }
}

/// Runs a script without arguments. Its first statement waits for locks outside the library; the others wait inside, up
/// to `rest`, for a script that has begun cannot be begun again.
pub(super) fn batch(
    database: &Connection,
    sql: &str,
    rest: Duration,
    offload: Offload,
) -> Result<Attempt<()>> {
    let before = Before::text(database, sql);
    let mut script = rusqlite::Batch::new(database, sql);
    let first = script.next().and_then(|first| match first {
        Some(mut first) => drain(&mut first).map(|()| true),
        None => Ok(false),
    });
    match first {
        Ok(true) => {}
        Ok(false) => return Ok(Attempt::Done(())),
        Err(error) => return before.judge(database, error),
    }
    match script.next() {
        Ok(None) => return Ok(Attempt::Done(())),
        Ok(Some(second)) => {
            database.busy_timeout(rest).map_err(errors::database)?;
            let done = offload.run(|| finish(second, &mut script));
            database
                .busy_timeout(Duration::ZERO)
                .map_err(errors::database)?;
            done.map_err(errors::database)?;
        }
        Err(error) => return Err(errors::database(error)),
    }
    Ok(Attempt::Done(()))
}

fn finish(
    mut statement: rusqlite::Statement<'_>,
    script: &mut rusqlite::Batch<'_, '_>,
) -> rusqlite::Result<()> {
    drain(&mut statement)?;
    drop(statement);
    while let Some(mut statement) = script.next()? {
        drain(&mut statement)?;
    }
    Ok(())
}

fn drain(statement: &mut rusqlite::Statement<'_>) -> rusqlite::Result<()> {
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}
