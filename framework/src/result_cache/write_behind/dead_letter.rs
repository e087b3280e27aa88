//! Changes that the database refused for good, kept until somebody decides.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    change::Change,
    journal::record::{Letter, Record},
};
use crate::{
    error::Result,
    schema::{KeyPart, TableDef},
};

/// A change that the database refused: a constraint, a version, a row that is gone.
///
/// It blocks nobody. With a journal it survives the process. [`retry`](crate::repository::WriteBehind::retry) puts it
/// back into the queue, [`discard`](crate::repository::WriteBehind::discard) gives it up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its number.
    pub id: u64,
    /// The row's table.
    pub table: &'static str,
    /// The row's key, for people.
    pub key: String,
    /// What was to be done: `insert`, `update`, `delete` or `replace`.
    pub operation: &'static str,
    /// The kind of the database's error, see [`ErrorKind::name`](crate::ErrorKind::name).
    pub kind: String,
    /// The database's error.
    pub reason: String,
}

/// The letters of a queue, by number, each with the last number of its batch.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    letters: BTreeMap<u64, (u64, Letter)>,
    /// Batches of which the journal holds letters that never came to be.
    void: BTreeSet<u64>,
}

impl DeadLetters {
    /// Those that a journal held, when the database has everything up to `committed`.
    pub(super) fn recovered(letters: BTreeMap<u64, Vec<Letter>>, committed: u64) -> Self {
        let mut recovered = Self::default();
        for (through, letters) in letters {
            if through > committed {
                recovered.void.insert(through);
            } else {
                recovered.add(through, letters);
            }
        }
        recovered
    }

    pub(super) fn add(&mut self, through: u64, letters: Vec<Letter>) {
        let letters = letters
            .into_iter()
            .map(|letter| (letter.id, (through, letter)));
        self.letters.extend(letters);
    }

    pub(super) fn get(&self, id: u64) -> Option<&Letter> {
        self.letters.get(&id).map(|(_, letter)| letter)
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.letters.remove(&id).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Letter> {
        self.letters.values().map(|(_, letter)| letter)
    }

    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    /// The records that say all this again, for the beginning of a segment.
    pub(super) fn carry(&self) -> Result<Vec<u8>> {
        let mut batches: BTreeMap<u64, Vec<Letter>> = self
            .void
            .iter()
            .map(|&through| (through, Vec::new()))
            .collect();
        for (through, letter) in self.letters.values() {
            batches.entry(*through).or_default().push(letter.clone());
        }
        let mut carry = Vec::new();
        for (through, letters) in batches {
            carry.extend(Record::Letters { through, letters }.frame()?);
        }
        Ok(carry)
    }
}

impl DeadLetter {
    pub(super) fn new(letter: &Letter, table: &'static TableDef) -> Self {
        let key = KeyPart::from_values(letter.key.iter().cloned());
        Self {
            id: letter.id,
            table: table.name,
            key: key.map_or_else(String::new, |key| key.to_string()),
            operation: match letter.change {
                Change::Insert(_) => "insert",
                Change::Update(_) => "update",
                Change::Delete(_) => "delete",
                Change::Replace(_) => "replace",
            },
            kind: letter.kind.clone(),
            reason: letter.reason.clone(),
        }
    }
}
