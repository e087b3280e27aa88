//! What is to be done to one row, and how two changes of one row become one.
//!
//! The rule behind every cell of the table: the one change does to the row what the two would have done one after the
//! other. A change that could not have followed the other (an insert of a row that is there) is refused at once, when
//! its caller still waits, and not when nobody does.
mod columns;

pub(crate) use columns::Columns;

use crate::schema::{KeyPart, TableDef, Value};

/// All columns of a row, in the order of the table.
pub(crate) type RowValues = Vec<Value>;

/// What is to be done to one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// A new row.
    Insert(RowValues),
    /// Columns of a row that must be there.
    Update(Edit),
    /// The row goes; an edit that is not empty marks it as deleted instead.
    Delete(Edit),
    /// The row goes, and a new one takes its key.
    Replace(RowValues),
}

/// Columns to be set.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Edit {
    /// The columns by position, without key and version.
    pub(crate) set: Columns,
    /// By how much the version is counted up.
    pub(crate) bumps: u32,
    /// The version that the row must have before.
    pub(crate) expected: Option<i64>,
    /// The whole row as it will be, where it is known.
    pub(crate) image: Option<RowValues>,
}

/// What a column is set to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Set {
    /// A value.
    To(Value),
    /// What it is, and this.
    Add(Value),
}

impl Set {
    /// Both, one after the other; `None` for a sum that does not fit.
    fn then(&self, next: Set) -> Option<Set> {
        Some(match (self, next) {
            (Set::To(value), Set::Add(delta)) => Set::To(sum(value, &delta)?),
            (Set::Add(value), Set::Add(delta)) => Set::Add(sum(value, &delta)?),
            (_, set) => set,
        })
    }
}

/// Why a change cannot follow those that are queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The row is there, or changes of it are queued.
    Exists,
    /// The row is about to be deleted.
    Missing,
    /// The row has another version than the change is based on.
    Stale,
    /// A sum that the column at this position cannot hold.
    Overflow(usize),
}

impl Change {
    /// Makes `next` a part of `self` in place, where that is an edit of columns after another: counters and times of
    /// which the row itself is not known. Otherwise, and where a sum does not fit, it is given back and nothing has
    /// changed.
    pub(crate) fn absorb(&mut self, next: Change) -> Result<(), Change> {
        match (self, next) {
            (Change::Update(edit), Change::Update(next)) if edit.has_room_for(&next) => {
                edit.absorb(next);
                Ok(())
            }
            (_, next) => Err(next),
        }
    }

    /// The change that does what `self` and then `next` would do; `None` if that is nothing.
    ///
    /// # Errors
    /// If `next` cannot follow.
    pub(crate) fn then(self, next: Change, table: &TableDef) -> Result<Option<Change>, Refusal> {
        Ok(Some(match (self, next) {
            (Change::Delete(before), Change::Insert(row)) if before.is_empty() => {
                Change::Replace(row)
            }
            (_, Change::Insert(_) | Change::Replace(_)) => return Err(Refusal::Exists),
            (Change::Insert(row) | Change::Replace(row), Change::Update(_))
                if is_marked(&row, table) =>
            {
                return Err(Refusal::Missing);
            }
            (Change::Insert(row), Change::Delete(_)) if is_marked(&row, table) => {
                Change::Insert(row)
            }
            (Change::Replace(row), Change::Delete(_)) if is_marked(&row, table) => {
                Change::Replace(row)
            }
            // Twice deleted is deleted; the time of the first counts.
            (Change::Delete(before), Change::Delete(_)) => Change::Delete(before),
            (Change::Delete(_), Change::Update(_)) => return Err(Refusal::Missing),
            (Change::Insert(row), Change::Update(edit)) => Change::Insert(edit.onto(row, table)?),
            (Change::Replace(row), Change::Update(edit)) => Change::Replace(edit.onto(row, table)?),
            (Change::Insert(_), Change::Delete(edit)) if edit.is_empty() => return Ok(None),
            (Change::Insert(row), Change::Delete(edit)) => Change::Insert(edit.onto(row, table)?),
            (Change::Replace(_), Change::Delete(edit)) if edit.is_empty() => Change::Delete(edit),
            (Change::Replace(row), Change::Delete(edit)) => Change::Replace(edit.onto(row, table)?),
            (Change::Update(before), Change::Update(edit)) => {
                Change::Update(before.then(edit, table)?)
            }
            (Change::Update(_), Change::Delete(edit)) if edit.is_empty() => Change::Delete(edit),
            (Change::Update(before), Change::Delete(edit)) => {
                Change::Delete(before.then(edit, table)?)
            }
        }))
    }

    /// The row after the change, from the row before it; `None` is no row.
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub(crate) fn apply(
        &self,
        before: Option<RowValues>,
        table: &TableDef,
    ) -> Result<Option<RowValues>, Refusal> {
        match self {
            Change::Insert(row) | Change::Replace(row) => Ok(Some(row.clone())),
            Change::Delete(edit) if edit.is_empty() => Ok(None),
            Change::Update(edit) | Change::Delete(edit) => match (&edit.image, before) {
                (Some(image), _) => Ok(Some(image.clone())),
                (None, Some(row)) => edit.clone().unchecked().onto(row, table).map(Some),
                (None, None) => Ok(None),
            },
        }
    }

    /// Whether the row after the change is known without the row before it.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Change::Insert(_) | Change::Replace(_) => true,
            Change::Delete(edit) => edit.is_empty() || edit.image.is_some(),
            Change::Update(edit) => edit.image.is_some(),
        }
    }
}

impl Edit {
    /// Whether nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.bumps == 0
    }

    fn unchecked(mut self) -> Self {
        self.expected = None;
        self
    }

    fn then(mut self, next: Edit, table: &TableDef) -> Result<Edit, Refusal> {
        match (self.expected, next.expected) {
            (Some(before), Some(given)) if before + i64::from(self.bumps) != given => {
                return Err(Refusal::Stale);
            }
            (None, Some(given)) => self.expected = Some(given - i64::from(self.bumps)),
            _ => {}
        }
        let before = self.image.take();
        self.image = match (next.image.clone(), before) {
            (Some(image), _) => Some(image),
            (None, Some(row)) => Some(next.clone().unchecked().onto(row, table)?),
            (None, None) => None,
        };
        for (column, set) in next.set {
            let merged = match self.set.get(column) {
                Some(before) => before.then(set).ok_or(Refusal::Overflow(column))?,
                None => set,
            };
            self.set.insert(column, merged);
        }
        self.bumps += next.bumps;
        Ok(self)
    }

    /// Whether nothing but columns is concerned, and all sums fit.
    fn has_room_for(&self, next: &Edit) -> bool {
        let fits = |(column, set): (usize, &Set)| match (self.set.get(column), set) {
            (Some(Set::To(value) | Set::Add(value)), Set::Add(delta)) => {
                sum(value, delta).is_some()
            }
            _ => true,
        };
        self.image.is_none()
            && next.image.is_none()
            && next.expected.is_none()
            && next.set.iter().all(fits)
    }

    fn absorb(&mut self, next: Edit) {
        for (column, set) in next.set {
            let merged = match self.set.get(column) {
                Some(before) => before.then(set),
                None => Some(set),
            };
            if let Some(merged) = merged {
                self.set.insert(column, merged);
            }
        }
        self.bumps += next.bumps;
    }

    /// The row `before` after the edit.
    fn onto(self, mut row: RowValues, table: &TableDef) -> Result<RowValues, Refusal> {
        if let Some(column) = table.version {
            let version = number(&row[column]);
            if self.expected.is_some() && self.expected != version {
                return Err(Refusal::Stale);
            }
            let counted = sum(&row[column], &like(&row[column], self.bumps.into()));
            row[column] = counted.ok_or(Refusal::Overflow(column))?;
        }
        for (column, set) in self.set {
            row[column] = match set {
                Set::To(value) => value,
                Set::Add(delta) => sum(&row[column], &delta).ok_or(Refusal::Overflow(column))?,
            };
        }
        Ok(row)
    }
}

/// Whether the row is marked as deleted.
pub(crate) fn is_marked(row: &[Value], table: &TableDef) -> bool {
    let marked = |column: usize| KeyPart::from_value(row[column].clone()).is_some();
    table.deleted_at.is_some_and(marked)
}

/// A version as a number.
pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::SmallInt(value) => value.map(i64::from),
        Value::Int(value) => value.map(i64::from),
        Value::BigInt(value) => *value,
        _ => None,
    }
}

/// `number` as an integer of the type of `value`.
pub(super) fn like(value: &Value, number: i64) -> Value {
    match value {
        Value::SmallInt(_) => Value::SmallInt(i16::try_from(number).ok()),
        Value::Int(_) => Value::Int(i32::try_from(number).ok()),
        _ => Value::BigInt(Some(number)),
    }
}

/// The sum as the database has it: NULL and anything is NULL. `None` if the type cannot hold it.
fn sum(value: &Value, delta: &Value) -> Option<Value> {
    macro_rules! checked {
        ($($variant:ident)*) => {
            match (value, delta) {
                $((Value::$variant(Some(value)), Value::$variant(Some(delta))) => {
                    Some(Value::$variant(Some(value.checked_add(*delta)?)))
                })*
                (Value::Float(Some(value)), Value::Float(Some(delta))) => {
                    Some(Value::Float(Some(value + delta)))
                }
                (Value::Double(Some(value)), Value::Double(Some(delta))) => {
                    Some(Value::Double(Some(value + delta)))
                }
                $((Value::$variant(None), Value::$variant(_)) | (Value::$variant(_), Value::$variant(None)) => {
                    Some(Value::$variant(None))
                })*
                (Value::Float(_), Value::Float(_)) => Some(Value::Float(None)),
                (Value::Double(_), Value::Double(_)) => Some(Value::Double(None)),
                _ => None,
            }
        };
    }
    checked!(TinyInt SmallInt Int BigInt TinyUnsigned SmallUnsigned Unsigned BigUnsigned Decimal)
}

#[cfg(test)]
mod tests;
