//! New rows, a window at a time, sorted by the columns that they give.
use std::pin::Pin;

use futures_core::Stream;
use futures_util::StreamExt;

use crate::{
    error::Result,
    schema::{TableDef, Value},
};

/// A new row: one entry a column, `None` for its default.
pub(crate) type NewRow = Vec<Option<Value>>;

/// Where new rows come from.
pub(super) type NewRows<'r> = Pin<Box<dyn Stream<Item = Result<NewRow>> + Send + 'r>>;

/// How many rows are read ahead, and about how many bytes.
pub(super) const WINDOW_ROWS: u64 = 4_096;
const WINDOW_BYTES: usize = 512 * 1024;

/// Rows of a window that give the same columns.
#[derive(Debug)]
pub(super) struct Group {
    /// Whether the user gave the column, for each column of the table.
    given: Box<[bool]>,
    /// The columns that are written: those given, and those that the framework keeps itself.
    pub(super) columns: Vec<usize>,
    /// Row after row.
    pub(super) values: Vec<Value>,
    pub(super) rows: u64,
}

impl Group {
    /// The columns that the user gave.
    pub(super) fn given(&self) -> impl Iterator<Item = usize> {
        let given = self.given.iter().enumerate();
        given.filter(|(_, given)| **given).map(|(column, _)| column)
    }

    fn takes(&self, row: &NewRow) -> bool {
        let mut pairs = self.given.iter().zip(row);
        self.given.len() == row.len() && pairs.all(|(given, value)| *given == value.is_some())
    }
}

/// Reads rows window by window.
pub(super) struct Feed<'r> {
    table: &'static TableDef,
    stamp: fn(&TableDef, &mut [Option<Value>]),
    rows: NewRows<'r>,
    /// How many rows are read ahead at most.
    window: u64,
    groups: Vec<Group>,
    /// An emptied group's, for the next.
    spare: Vec<Value>,
    ended: bool,
    began: bool,
    /// Rows were sorted: their numbers are not those of the input any more.
    sorted: bool,
}

impl<'r> Feed<'r> {
    /// `stamp` fills the columns that the framework keeps itself. A batch of so many rows does not wait for more to be read.
    pub(super) fn new(
        table: &'static TableDef,
        stamp: fn(&TableDef, &mut [Option<Value>]),
        rows: NewRows<'r>,
        batch: u64,
    ) -> Self {
        Self {
            table,
            stamp,
            rows,
            window: WINDOW_ROWS.min(batch),
            groups: Vec::new(),
            spare: Vec::new(),
            ended: false,
            began: false,
            sorted: false,
        }
    }

    /// Reads the next window if there is nothing left of the last; whether there are rows.
    pub(super) async fn fill(&mut self) -> Result<bool> {
        if !self.groups.is_empty() || self.ended {
            return Ok(!self.groups.is_empty());
        }
        if self.began {
            // Rows from memory and a database in the process would never let another task run.
            tokio::task::yield_now().await;
        }
        self.began = true;
        let (mut rows, mut bytes) = (0, 0);
        while rows < self.window && bytes < WINDOW_BYTES {
            let Some(row) = self.rows.next().await.transpose()? else {
                self.ended = true;
                break;
            };
            rows += 1;
            bytes += row.iter().flatten().map(size).sum::<usize>();
            self.place(row);
        }
        self.sorted |= self.groups.len() > 1;
        Ok(!self.groups.is_empty())
    }

    fn place(&mut self, mut row: NewRow) {
        let known = self.groups.iter().position(|group| group.takes(&row));
        let given = match known {
            Some(_) => None,
            None => Some(row.iter().map(Option::is_some).collect()),
        };
        (self.stamp)(self.table, &mut row);
        let at = known.unwrap_or(self.groups.len());
        if let Some(given) = given {
            let written = |&column: &usize| row[column].is_some();
            self.groups.push(Group {
                given,
                columns: (0..row.len()).filter(written).collect(),
                values: std::mem::take(&mut self.spare),
                rows: 0,
            });
        }
        let group = &mut self.groups[at];
        group.values.extend(row.into_iter().flatten());
        group.rows += 1;
    }

    /// The rows to go out next; after [`Feed::fill`].
    pub(super) fn first(&self) -> Option<&Group> {
        self.groups.first()
    }

    /// The rows of the window that write these columns, if there are any.
    pub(super) fn of(&self, columns: &[usize]) -> Option<usize> {
        self.groups
            .iter()
            .position(|group| group.columns == columns)
    }

    /// Moves up to `rows` rows of the group to `values`, which must be empty; how many there were.
    pub(super) fn take(&mut self, group: usize, rows: u64, values: &mut Vec<Value>) -> u64 {
        let taken = &mut self.groups[group];
        if taken.rows > rows {
            let width = taken.columns.len();
            let count = usize::try_from(rows).unwrap_or(usize::MAX) * width;
            values.extend(taken.values.drain(..count));
            taken.rows -= rows;
            return rows;
        }
        let mut taken = self.groups.remove(group);
        std::mem::swap(values, &mut taken.values);
        self.spare = taken.values;
        taken.rows
    }

    /// Whether all rows are in the first group of this window.
    pub(super) fn is_one_group(&self) -> bool {
        self.ended && self.groups.len() == 1
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended && self.groups.is_empty()
    }

    /// Whether rows go out in the order in which they came.
    pub(super) fn keeps_order(&self) -> bool {
        !self.sorted
    }
}

/// About how much a value takes.
/// About how many bytes a value takes.
pub(super) fn size(value: &Value) -> usize {
    let long = match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        Value::Json(Some(document)) => document_size(document),
        Value::Array(_, Some(values)) => values.iter().map(size).sum(),
        _ => 0,
    };
    long + 8
}

fn document_size(document: &serde_json::Value) -> usize {
    let long = match document {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(parts) => parts.iter().map(document_size).sum(),
        serde_json::Value::Object(parts) => parts
            .iter()
            .map(|(name, part)| name.len() + document_size(part))
            .sum(),
        _ => 0,
    };
    long + 8
}
