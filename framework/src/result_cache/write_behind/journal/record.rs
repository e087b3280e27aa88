//! What stands in a journal: frames of length, checksum and record, in segments with a header.
//!
//! ```text
//! segment  = "entwbj" version:u8 0 journal:16 number:u64 crc32c:u32 frame*
//! frame    = length:u32 crc32c:u32 record         (of the record; all numbers little-endian)
//! record   = version:u8 kind:u8 body
//! ```
use crc::{CRC_32_ISCSI, Crc, Table};
use uuid::Uuid;

use super::codec::{Reader, Writer};
use crate::{error::Result, result_cache::write_behind::change::Change, schema::Value};

/// CRC-32C, as storage formats use it.
static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

const MAGIC: &[u8; 6] = b"entwbj";
/// Of segments and records. A newer one is refused, never guessed at.
const VERSION: u8 = 1;
/// The header's length in bytes.
pub(super) const HEADER: usize = 36;

/// A change as it was acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Write {
    /// Its number.
    pub(crate) seq: u64,
    /// The fingerprint of its table.
    pub(crate) table: u64,
    /// The row's key.
    pub(crate) key: Vec<Value>,
    /// What is to be done.
    pub(crate) change: Change,
    /// The dead letter that it is another attempt of; 0 for none.
    pub(crate) settles: u64,
}

/// A change that the database refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Letter {
    /// Its number, of those of the changes.
    pub(crate) id: u64,
    /// The fingerprint of its table.
    pub(crate) table: u64,
    /// The row's key.
    pub(crate) key: Vec<Value>,
    /// What was to be done.
    pub(crate) change: Change,
    /// The kind of the database's error.
    pub(crate) kind: String,
    /// The database's error.
    pub(crate) reason: String,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    /// The tables by fingerprint and name.
    Tables(Vec<(u64, String)>),
    /// A change.
    Write(Write),
    /// What the database refused of the batch that ends with `through`: all of it, in place of what was written of
    /// the batch before. It holds if the batch was committed.
    Letters {
        /// The last number of the batch.
        through: u64,
        /// The changes.
        letters: Vec<Letter>,
    },
    /// Dead letters thrown away.
    Discarded(Vec<u64>),
}

impl Record {
    /// The record in its frame.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a value that has no form in the journal.
    pub(crate) fn frame(&self) -> Result<Vec<u8>> {
        let mut writer = begun();
        match self {
            Record::Tables(tables) => {
                writer.u8(1);
                writer.len(tables.len());
                for (fingerprint, name) in tables {
                    writer.u64(*fingerprint);
                    writer.text(name);
                }
            }
            Record::Write(write) => put_write(&mut writer, write)?,
            Record::Letters { through, letters } => {
                writer.u8(3);
                writer.u64(*through);
                writer.len(letters.len());
                for letter in letters {
                    put_letter(&mut writer, letter)?;
                }
            }
            Record::Discarded(ids) => {
                writer.u8(4);
                writer.len(ids.len());
                ids.iter().for_each(|id| writer.u64(*id));
            }
        }
        let mut bytes = measured(writer);
        seal(&mut bytes);
        Ok(bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.u8()? != VERSION {
            return None;
        }
        let record = match reader.u8()? {
            1 => Record::Tables(
                (0..reader.len()?)
                    .map(|_| Some((reader.u64()?, reader.text()?)))
                    .collect::<Option<_>>()?,
            ),
            2 => Record::Write(Write {
                seq: reader.u64()?,
                table: reader.u64()?,
                key: reader.values()?,
                change: reader.change()?,
                settles: reader.u64()?,
            }),
            3 => Record::Letters {
                through: reader.u64()?,
                letters: (0..reader.len()?)
                    .map(|_| letter(&mut reader))
                    .collect::<Option<_>>()?,
            },
            4 => Record::Discarded(
                (0..reader.len()?)
                    .map(|_| reader.u64())
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        };
        reader.0.is_empty().then_some(record)
    }
}

/// The frame of a write that has no number yet.
#[derive(Debug)]
pub(crate) struct Unnumbered(Vec<u8>);

impl Unnumbered {
    /// Encodes everything but the number.
    ///
    /// # Errors
    /// As [`Record::frame`].
    pub(crate) fn of(write: &Write) -> Result<Self> {
        let mut writer = begun();
        put_write(&mut writer, write)?;
        Ok(Self(measured(writer)))
    }

    /// The frame with its number, and without a checksum: to be [sealed](seal).
    pub(crate) fn numbered(self, seq: u64) -> Vec<u8> {
        let mut bytes = self.0;
        bytes[SEQ..SEQ + 8].copy_from_slice(&seq.to_le_bytes());
        bytes
    }
}

/// Room for length and checksum.
const FRAME: usize = 8;
/// Where a write has its number: behind version and kind.
const SEQ: usize = FRAME + 2;

/// A frame up to the kind of its record.
fn begun() -> Writer {
    let mut bytes = Vec::with_capacity(256);
    bytes.resize(FRAME, 0);
    bytes.push(VERSION);
    Writer(bytes)
}

/// The frame with its length.
fn measured(writer: Writer) -> Vec<u8> {
    let mut bytes = writer.0;
    let length = u32::try_from(bytes.len() - FRAME).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Gives each of the frames its checksum.
pub(super) fn seal(mut frames: &mut [u8]) {
    while let Some((length, rest)) = frames.split_first_chunk_mut::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((checksum, rest)) = rest.split_first_chunk_mut::<4>() else {
            return;
        };
        let Some((record, rest)) = rest.split_at_mut_checked(length) else {
            return;
        };
        *checksum = CRC.checksum(record).to_le_bytes();
        frames = rest;
    }
}

fn put_write(writer: &mut Writer, write: &Write) -> Result<()> {
    writer.u8(2);
    writer.u64(write.seq);
    writer.u64(write.table);
    writer.values(&write.key)?;
    writer.change(&write.change)?;
    writer.u64(write.settles);
    Ok(())
}

fn put_letter(writer: &mut Writer, letter: &Letter) -> Result<()> {
    writer.u64(letter.id);
    writer.u64(letter.table);
    writer.values(&letter.key)?;
    writer.change(&letter.change)?;
    writer.text(&letter.kind);
    writer.text(&letter.reason);
    Ok(())
}

fn letter(reader: &mut Reader<'_>) -> Option<Letter> {
    Some(Letter {
        id: reader.u64()?,
        table: reader.u64()?,
        key: reader.values()?,
        change: reader.change()?,
        kind: reader.text()?,
        reason: reader.text()?,
    })
}

/// The header of a segment.
pub(super) fn header(journal: Uuid, number: u64) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.0.extend(MAGIC);
    writer.u8(VERSION);
    writer.u8(0);
    writer.0.extend(journal.as_bytes());
    writer.u64(number);
    let checksum = CRC.checksum(&writer.0);
    writer.u32(checksum);
    writer.0
}

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// The segment of a journal.
    Of(Uuid),
    /// Of another version of the format.
    Foreign(u8),
    /// No header, or not a whole one.
    Torn,
}

/// Reads the header of a segment.
pub(super) fn read_header(bytes: &[u8]) -> Header {
    let Some(head) = bytes.get(..HEADER) else {
        return Header::Torn;
    };
    let (head, checksum) = head.split_at(HEADER - 4);
    if CRC.checksum(head).to_le_bytes() != checksum || !head.starts_with(MAGIC) {
        return Header::Torn;
    }
    match (head[6], head[8..24].try_into()) {
        (VERSION, Ok(journal)) => Header::Of(Uuid::from_bytes(journal)),
        (version, _) => Header::Foreign(version),
    }
}

/// The records of a segment, up to the first frame that is not whole, and how many bytes are good.
pub(super) fn records(bytes: &[u8]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    let mut good = HEADER;
    while let Some((record, length)) = bytes.get(good..).and_then(first) {
        records.push(record);
        good += length;
    }
    (records, good)
}

fn first(bytes: &[u8]) -> Option<(Record, usize)> {
    let mut reader = Reader(bytes);
    let length = reader.len()?;
    let checksum = reader.u32()?;
    let payload = reader.0.get(..length)?;
    if CRC.checksum(payload) != checksum {
        return None;
    }
    Some((Record::read(payload)?, length + 8))
}
