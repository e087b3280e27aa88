//! What one process tells the others.
//!
//! JSON with a version. A process that is told something by a later version than its own takes it for a write to
//! anything, so that versions can run beside each other while a program is replaced.
use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::super::{key_text, ledger::plain};
use crate::{
    executor::written::Write,
    schema::{KeyPart, TableDef},
    statement::{Touched, touched::TouchedRows},
};

const VERSION: u32 = 1;

/// A write to more rows than this is told as one to any rows of the table: PostgreSQL takes 8000 bytes in a notice.
const MOST_KEYS: usize = 64;
const MOST_BYTES: usize = 4_000;

/// What one process tells the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notice {
    #[serde(rename = "v")]
    version: u32,
    /// The handle that tells it.
    pub(crate) from: u64,
    /// Which of its writes it is about.
    pub(crate) write: u64,
    pub(crate) step: Step,
    /// Whether anything may be written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) anything: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tables: BTreeMap<String, Rows>,
}

/// How far a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// It is about to happen.
    Begin,
    /// It has happened, or has been taken back.
    End,
    /// Nobody knows how it ended.
    Doubt,
    /// There is no write; the sender wants to hear whether it hears itself.
    Alive,
}

/// Which rows of a table are written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    /// Whether any may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) any: bool,
    /// Whether new ones are added, under keys that are not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) new: bool,
    /// Whether rows may be removed, and others with them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) removes: bool,
    /// The keys, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
}

impl Rows {
    fn add(&mut self, touched: Option<&Touched>) {
        match touched.map(|touched| &touched.rows) {
            None => self.any = true,
            Some(TouchedRows::New) => self.new = true,
            Some(TouchedRows::Keys(keys)) => self.keys.extend(keys.iter().map(key_text::write)),
        }
    }

    fn settle(&mut self, most_bytes: usize) {
        let bytes: usize = self.keys.iter().map(String::len).sum();
        self.any |= self.keys.len() > MOST_KEYS || bytes > most_bytes;
        if self.any {
            self.keys.clear();
            self.new = false;
        }
        self.keys.sort_unstable();
        self.keys.dedup();
    }
}

impl Notice {
    /// About `writes`; those that remove rows may touch the tables too that `dependents` names.
    pub(crate) fn about(writes: &[Write], dependents: impl Fn(&str) -> Vec<String>) -> Self {
        let mut notice = Self::new(Step::Begin);
        for write in writes {
            let Write::Table {
                name,
                removes,
                touched,
            } = write
            else {
                notice.anything = true;
                continue;
            };
            let rows = notice.tables.entry(plain(name).into_owned()).or_default();
            rows.add(touched.as_deref());
            rows.removes |= removes;
            if *removes {
                for name in dependents(name) {
                    notice.tables.entry(name).or_default().any = true;
                }
            }
        }
        let most_bytes = MOST_BYTES / notice.tables.len().max(1);
        for rows in notice.tables.values_mut() {
            rows.settle(most_bytes);
        }
        notice.anything |= notice.tables.keys().map(String::len).sum::<usize>() > MOST_BYTES / 2;
        if notice.anything {
            notice.tables.clear();
        }
        notice
    }

    pub(crate) fn new(step: Step) -> Self {
        Self {
            version: VERSION,
            from: 0,
            write: 0,
            step,
            anything: false,
            tables: BTreeMap::new(),
        }
    }

    /// A write to anything that has ended: for those who may have missed something.
    pub(crate) fn anything() -> Self {
        Self {
            anything: true,
            ..Self::new(Step::End)
        }
    }

    pub(crate) fn at(&self, step: Step) -> Self {
        Self {
            step,
            ..self.clone()
        }
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("it is made of names and numbers")
    }

    /// What `text` says; of a later version, or something else, that anything may have been written.
    pub(crate) fn read(text: &str) -> Self {
        match serde_json::from_str::<Self>(text) {
            Ok(notice) if notice.version == VERSION => notice,
            _ => Self::anything(),
        }
    }

    /// What it tells of, as the own writes are told of; `entity` knows the tables of entities that are kept here.
    pub(crate) fn writes(&self, entity: impl Fn(&str) -> Option<&'static TableDef>) -> Vec<Write> {
        if self.anything {
            return vec![Write::Anything];
        }
        let mut writes = Vec::new();
        for (name, rows) in &self.tables {
            let write = |touched| Write::Table {
                name: name.as_str().into(),
                removes: rows.removes,
                touched,
            };
            let keys: Option<Vec<KeyPart>> =
                rows.keys.iter().map(|key| key_text::read(key)).collect();
            let (Some(table), Some(keys), false) = (entity(name), keys, rows.any) else {
                writes.push(write(None));
                continue;
            };
            let touched = |rows| Some(Touched::new(table, rows));
            if rows.new {
                writes.push(write(touched(TouchedRows::New)));
            }
            if !keys.is_empty() {
                writes.push(write(touched(TouchedRows::Keys(keys))));
            }
        }
        writes
    }
}

/// The write of `notice` to the tables beside those it names: they go along with what it removes.
pub(crate) fn gone_along(notice: &Notice, dependents: impl Fn(&str) -> Vec<String>) -> Vec<Write> {
    let removing = notice.tables.iter().filter(|(_, rows)| rows.removes);
    let mut names: Vec<String> = removing.flat_map(|(name, _)| dependents(name)).collect();
    names.retain(|name| notice.tables.get(name).is_none_or(|rows| !rows.any));
    names.sort_unstable();
    names.dedup();
    let write = |name: String| Write::Table {
        name: Arc::from(name),
        removes: false,
        touched: None,
    };
    names.into_iter().map(write).collect()
}
