//! The statements that rows go out in, where they do not go by `COPY`.
use std::{mem::discriminant, panic::Location, sync::Arc};

use super::feed::{Group, WINDOW_ROWS, size};
use crate::{
    dialect::Dialect,
    error::Result,
    executor::Executor,
    schema::{KeyPart, SqlType, TableDef, Value},
    statement::{
        Plan, Statement, Touched, nul,
        query::{Batch, BatchForm, Conflict, array},
        render::{Backend, Query},
        touched::TouchedRows,
    },
    statement_cache,
};

/// The arguments that a statement has beside those of its rows, at most: a conflict counts versions up, and sets times.
const BESIDE: usize = 8;

/// How many rows one statement takes: within the bind limit, and at the measured optimum of each database.
pub(crate) fn rows_per_statement(dialect: Dialect, columns: usize) -> usize {
    if columns == 0 {
        return 1;
    }
    let optimum = match dialect {
        Dialect::Sqlite => 100,
        Dialect::Postgres | Dialect::Mysql => 1_000,
    };
    ((dialect.bind_limit() - BESIDE) / columns).clamp(1, optimum)
}

/// About how many bytes one statement takes: a quarter of what MariaDB's server takes unless it is told otherwise.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How many of `rows` go into each statement, one after the other: up to `most`, and as many as fit.
pub(crate) fn lengths(rows: &[Vec<Option<Value>>], most: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let (mut length, mut bytes) = (0, 0);
    for row in rows {
        let own: usize = row.iter().flatten().map(size).sum();
        if length > 0 && (length == most || bytes + own > MOST_BYTES) {
            lengths.push(length);
            (length, bytes) = (0, 0);
        }
        length += 1;
        bytes += own;
    }
    lengths.extend((length > 0).then_some(length));
    lengths
}

/// How the rows of `group` travel, and how many of them in one statement.
pub(super) fn form(dialect: Dialect, table: &TableDef, group: &Group) -> (Form, u64) {
    let width = group.columns.len();
    let rows = group.values.chunks_exact(width.max(1));
    if dialect == Dialect::Postgres && are_arrays(table, &group.columns, rows) {
        return (Form::Arrays, WINDOW_ROWS);
    }
    let rows = rows_per_statement(dialect, width);
    (Form::Values, rows.try_into().unwrap_or(u64::MAX))
}

/// How rows travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Values,
    Arrays,
}

/// Whether each of the columns can be one array, of the values in these rows: an array of arrays would come out as one
/// list.
pub(crate) fn are_arrays<'v>(
    table: &TableDef,
    columns: &[usize],
    mut rows: impl Iterator<Item = &'v [Value]>,
) -> bool {
    let is_plain = |&column: &usize| {
        let sql_type = table.columns[column].sql_type;
        !matches!(sql_type, SqlType::Array(_))
    };
    let Some(first) = rows.next().filter(|_| columns.iter().all(is_plain)) else {
        return false;
    };
    rows.all(|row| {
        let mut pairs = row.iter().zip(first);
        pairs.all(|(value, first)| discriminant(value) == discriminant(first))
    })
}

/// The text for rows of these columns, and the arguments that come after the rows' own.
pub(super) fn plan(
    executor: &dyn Executor,
    table: &'static TableDef,
    columns: Vec<usize>,
    form: BatchForm,
    conflict: Option<Conflict>,
) -> Result<(Arc<Plan>, Vec<Value>)> {
    let batch = Batch {
        table,
        columns,
        form,
        conflict,
    };
    let backend = Backend {
        dialect: executor.dialect(),
        capabilities: executor.capabilities(),
    };
    statement_cache::plan(Query::Batch(&batch), backend)
}

/// The statement that inserts `rows` rows, whose values are in `values`.
pub(super) fn insert(
    executor: &dyn Executor,
    table: &'static TableDef,
    columns: Vec<usize>,
    (form, rows): (Form, u64),
    values: Vec<Value>,
    conflict: Option<Conflict>,
    call_site: &'static Location<'static>,
) -> Result<Statement> {
    let width = columns.len();
    nul::refuse_rows(table, &columns, &values, executor.dialect())?;
    let touched = match conflict {
        None => touched(table, &columns, Some(&values)),
        // It may change any row.
        Some(_) => None,
    };
    let (batch, mut args) = match form {
        Form::Values => {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            (BatchForm::Values(rows), values)
        }
        Form::Arrays => (BatchForm::Arrays, arrays(values, width)),
    };
    let (plan, after) = plan(executor, table, columns, batch, conflict)?;
    args.extend(after);
    let mut statement = Statement::new(plan, args, call_site);
    statement.touched = touched;
    Ok(statement)
}

/// One array for each column.
fn arrays(values: Vec<Value>, width: usize) -> Vec<Value> {
    let mut columns: Vec<Vec<Value>> = Vec::new();
    columns.resize_with(width, || Vec::with_capacity(values.len() / width));
    for (at, value) in values.into_iter().enumerate() {
        columns[at % width].push(value);
    }
    columns.into_iter().filter_map(array).collect()
}

/// What caches of rows are told: the keys, if they are given and at hand; only new rows, if the database makes them; else
/// nothing, and then any row may have been touched.
pub(super) fn touched(
    table: &'static TableDef,
    columns: &[usize],
    values: Option<&[Value]>,
) -> Option<Arc<Touched>> {
    table.cache?;
    let place = |key: &usize| columns.iter().position(|column| column == key);
    let places: Option<Vec<usize>> = table.primary_key.iter().map(place).collect();
    let rows = match (places, values) {
        (None, _) => TouchedRows::New,
        (Some(_), None) => return None,
        (Some(places), Some(values)) => {
            let rows = values.chunks_exact(columns.len());
            let key =
                |row: &[Value]| KeyPart::from_values(places.iter().map(|&at| row[at].clone()));
            TouchedRows::Keys(rows.map(key).collect::<Option<_>>()?)
        }
    };
    Some(Touched::new(table, rows))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn text(bytes: usize) -> Vec<Option<Value>> {
        vec![Some(Value::String(Some("x".repeat(bytes)))), None]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn every_row_is_in_one_statement_that_is_not_too_long(
            kilobytes in vec(0_usize..3_000, 0..12),
            most in 1_usize..6,
        ) {
            let rows: Vec<_> = kilobytes.iter().map(|size| text(size * 1_024)).collect();
            let lengths = lengths(&rows, most);
            prop_assert_eq!(lengths.iter().sum::<usize>(), rows.len());
            let mut at = 0;
            for &length in &lengths {
                prop_assert!(length > 0 && length <= most);
                let bytes: usize = rows[at..at + length].iter().flatten().flatten().map(size).sum();
                prop_assert!(length == 1 || bytes <= MOST_BYTES, "{}", bytes);
                // One more would have been too much.
                if let Some(next) = rows.get(at + length) {
                    let next: usize = next.iter().flatten().map(size).sum();
                    prop_assert!(length == most || bytes + next > MOST_BYTES);
                }
                at += length;
            }
        }
    }
}
