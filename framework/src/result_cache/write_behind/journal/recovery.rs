//! What is found in a journal's folder at the start.
//!
//! Only the last segment can have been written to when the process ended, so only there a frame may be torn: it is cut
//! off, for it was never acknowledged. A torn frame in an earlier segment is damage, and refused.
use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    folder::Folder,
    record::{self, Header, Letter, Record, Write},
};
use crate::error::{Error, Result};

/// What a journal held.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Its identity; `None` if it is new.
    pub(crate) journal: Option<Uuid>,
    /// The changes, in their order, flushed or not.
    pub(crate) writes: Vec<Write>,
    /// What the database refused, by the batch's last number.
    pub(crate) letters: BTreeMap<u64, Vec<Letter>>,
    /// Tables by fingerprint.
    pub(crate) tables: BTreeMap<u64, String>,
    /// The segments, oldest first.
    pub(crate) segments: Vec<SegmentFigures>,
    /// How many bytes of a torn tail were cut off.
    pub(crate) torn: usize,
    /// The highest number of all.
    pub(crate) highest: u64,
}

/// A segment by its figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SegmentFigures {
    pub(crate) number: u64,
    /// The highest number in it: it is done with when the database has that.
    pub(crate) highest: u64,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// The name of the segment with this number.
pub(super) fn segment_name(number: u64) -> String {
    format!("{number:020}.journal")
}

fn segment_number(name: &str) -> Option<u64> {
    name.strip_suffix(".journal")?.parse().ok()
}

/// Reads the journal in `folder`, and cuts a torn tail off.
pub(super) fn recover(folder: &dyn Folder) -> Result<Recovered> {
    let names = folder.names().map_err(unreadable)?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| segment_number(name))
        .collect();
    numbers.sort_unstable();
    let mut recovered = Recovered::default();
    for (index, &number) in numbers.iter().enumerate() {
        let is_last = index + 1 == numbers.len();
        segment(folder, number, is_last, &mut recovered)?;
    }
    let settled: Vec<u64> = recovered.writes.iter().map(|write| write.settles).collect();
    recovered.discard(&settled);
    Ok(recovered)
}

fn segment(
    folder: &dyn Folder,
    number: u64,
    is_last: bool,
    recovered: &mut Recovered,
) -> Result<()> {
    let name = segment_name(number);
    let bytes = folder.read(&name).map_err(unreadable)?;
    match record::read_header(&bytes) {
        Header::Of(journal) => {
            if *recovered.journal.get_or_insert(journal) != journal {
                return Err(damaged(&name, "it belongs to another journal"));
            }
        }
        Header::Foreign(version) => {
            let told = format!("it is written in version {version} of the format");
            return Err(damaged(&name, &told));
        }
        Header::Torn if is_last => {
            recovered.torn += bytes.len();
            return folder.remove(&name).map_err(unreadable);
        }
        Header::Torn => return Err(damaged(&name, "its header is not whole")),
    }
    let (records, good) = record::records(&bytes);
    if good < bytes.len() {
        if !is_last {
            return Err(damaged(
                &name,
                &format!("the record at byte {good} is not whole"),
            ));
        }
        recovered.torn += bytes.len() - good;
        let length = u64::try_from(good).unwrap_or(u64::MAX);
        folder.truncate(&name, length).map_err(unreadable)?;
    }
    let mut highest = 0;
    for record in records {
        highest = highest.max(recovered.take(record));
    }
    recovered.highest = recovered.highest.max(highest);
    recovered.segments.push(SegmentFigures {
        number,
        highest,
        size: u64::try_from(good).unwrap_or(u64::MAX),
    });
    Ok(())
}

impl Recovered {
    /// Takes a record; the highest number in it.
    fn take(&mut self, record: Record) -> u64 {
        match record {
            Record::Tables(tables) => {
                self.tables.extend(tables);
                0
            }
            Record::Write(write) => {
                let seq = write.seq;
                self.writes.push(write);
                seq
            }
            Record::Letters { through, letters } => {
                let highest = letters.iter().map(|letter| letter.id).max();
                self.letters.insert(through, letters);
                highest.unwrap_or(through).max(through)
            }
            Record::Discarded(ids) => {
                self.discard(&ids);
                0
            }
        }
    }

    fn discard(&mut self, ids: &[u64]) {
        for letters in self.letters.values_mut() {
            letters.retain(|letter| !ids.contains(&letter.id));
        }
    }
}

#[cold]
fn unreadable(error: std::io::Error) -> Error {
    Error::configuration(format!("the journal cannot be read: {error}")).with_source(error)
}

#[cold]
fn damaged(name: &str, what: &str) -> Error {
    Error::configuration(format!("the journal's segment `{name}` is damaged: {what}")).with_hint(
        "restore it from a copy; or move the folder away, which gives up what is in it and not yet in the database",
    )
}
