//! Writes to the segments: who has the [`Writer`] is the only one who does.
use std::{io, sync::Arc};

use uuid::Uuid;

use super::{
    JournalOptions,
    folder::{Folder, Segment},
    record::{self, Record},
    recovery::{SegmentFigures, segment_name},
};
use crate::result_cache::write_behind::Durability;

/// The open segment, and those before it.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) folder: Arc<dyn Folder>,
    pub(super) options: JournalOptions,
    pub(super) id: Uuid,
    /// The segments, oldest first.
    pub(super) segments: Vec<SegmentFigures>,
    pub(super) segment: Option<Open>,
}

pub(super) struct Open(Box<dyn Segment>);

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

/// What is taken out of the inbox at a time.
pub(super) struct Group {
    pub(super) bytes: Vec<u8>,
    pub(super) ticket: u64,
    /// The highest number among the bytes.
    pub(super) highest: u64,
    /// What the next segment begins with, if one is to be begun.
    pub(super) carry: Option<Vec<u8>>,
    /// The number up to which the database has everything.
    pub(super) committed: u64,
}

impl Writer {
    /// Whether the next segment is to be begun.
    pub(super) fn is_full(&self) -> bool {
        let full = |segment: &SegmentFigures| segment.size >= self.options.segment_bytes;
        self.segments.last().is_some_and(full)
    }

    /// Writes a group, as safely as was asked for.
    pub(super) fn write(&mut self, group: &Group) -> io::Result<()> {
        if !group.bytes.is_empty() {
            self.append(&group.bytes)?;
            if let Some(segment) = self.segments.last_mut() {
                segment.highest = segment.highest.max(group.highest);
            }
        }
        match &group.carry {
            Some(carry) => self.rotate(carry, group.committed),
            None => Ok(()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(Open(segment)) = &mut self.segment else {
            return Err(io::Error::other("no segment is open"));
        };
        segment.append(bytes)?;
        if self.options.durability == Durability::Fsync {
            segment.sync()?;
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        Ok(())
    }

    /// The bytes of all segments.
    pub(super) fn total(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// Begins the next segment, then removes those that are done with.
    pub(super) fn rotate(&mut self, carry: &[u8], committed: u64) -> io::Result<()> {
        let number = self.segments.last().map_or(1, |last| last.number + 1);
        let tables = Record::Tables(self.options.tables.clone());
        let tables = tables.frame().map_err(io::Error::other)?;
        let bytes = [&record::header(self.id, number), &tables[..], carry].concat();
        self.segment = Some(Open(self.folder.create(&segment_name(number))?));
        self.segments.push(SegmentFigures {
            number,
            ..SegmentFigures::default()
        });
        self.append(&bytes)?;
        if self.options.durability == Durability::Fsync {
            self.folder.sync()?;
        }
        // A segment goes after all that are older, so that nothing outlives what takes it back.
        let is_done =
            |segment: &&SegmentFigures| segment.number != number && segment.highest <= committed;
        let done = self.segments.iter().take_while(is_done).count();
        for segment in self.segments.drain(..done) {
            self.folder.remove(&segment_name(segment.number))?;
        }
        Ok(())
    }
}
