//! The keys of a level's rows: distinct, in order of appearance, each with a slot.
use std::collections::HashMap;

use super::stitch::NO_SLOT;
use crate::{
    schema::{Cell, KeyPart, SqlType, TableDef, Value},
    statement::query::LinkColumns,
};

/// The key in the cells at `ordinals`, which have these types.
#[inline]
fn key(cells: &[Cell<'_>], ordinals: &[usize], types: &[SqlType]) -> Option<KeyPart> {
    match (ordinals, types) {
        (&[ordinal], &[sql_type]) => KeyPart::from_cell(&cells[ordinal], sql_type),
        _ => KeyPart::from_cells(
            ordinals
                .iter()
                .map(|&at| &cells[at])
                .zip(types.iter().copied()),
        ),
    }
}

/// Slots for the keys that one relation needs of its parents.
#[derive(Debug)]
pub(super) struct KeyIndex {
    ordinals: Vec<usize>,
    types: Vec<SqlType>,
    slots: HashMap<KeyPart, u32, foldhash::fast::RandomState>,
    keys: Vec<KeyPart>,
    /// The slot of each parent row.
    pub(super) parents: Vec<u32>,
}

impl KeyIndex {
    /// An index over `columns` of `table`, which are at `ordinals` of each row.
    pub(super) fn new(table: &TableDef, columns: &[usize], ordinals: Vec<usize>) -> Self {
        Self {
            ordinals,
            types: columns
                .iter()
                .map(|&column| table.columns[column].sql_type)
                .collect(),
            slots: HashMap::default(),
            keys: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Notes the key of one more parent row. A NULL in any part is no key.
    pub(super) fn add_row(&mut self, cells: &[Cell<'_>]) {
        self.add(key(cells, &self.ordinals, &self.types));
    }

    /// Notes the key of one more parent row.
    pub(super) fn add(&mut self, key: Option<KeyPart>) {
        let Some(key) = key else {
            self.parents.push(NO_SLOT);
            return;
        };
        let next = u32::try_from(self.keys.len()).expect("a level has fewer than 2^32 rows");
        let slot = match self.slots.get(&key) {
            Some(&slot) => slot,
            None => {
                self.slots.insert(key.clone(), next);
                self.keys.push(key);
                next
            }
        };
        self.parents.push(slot);
    }

    /// The slot of a key read from a child's link columns.
    pub(super) fn slot(&self, key: &KeyPart) -> Option<u32> {
        self.slots.get(key).copied()
    }

    /// The key of the parent of a row, which is in its `columns`.
    pub(super) fn link(&self, cells: &[Cell<'_>], columns: &LinkColumns) -> Option<KeyPart> {
        key(cells, &columns.ordinals, &self.types)
    }

    /// The distinct keys, in order of appearance: the slot of each is its place.
    pub(super) fn keys(&self) -> &[KeyPart] {
        &self.keys
    }

    /// A key as bind arguments.
    pub(super) fn to_values(&self, key: &KeyPart) -> Vec<Value> {
        key.to_values(&self.types)
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The distinct keys as bind arguments, in order of appearance.
    pub(super) fn values(&self) -> Vec<Vec<Value>> {
        self.keys
            .iter()
            .map(|key| key.to_values(&self.types))
            .collect()
    }
}
