mod turns;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use proptest::prelude::*;

use super::{
    folder::Segment,
    record::{Record, Unnumbered, Write},
    recovery::segment_name,
    *,
};
use crate::{result_cache::write_behind::change::Change, schema::Value};

/// A folder in memory that can fail.
#[derive(Debug, Default, Clone)]
struct Memory(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    syncs: AtomicUsize,
    /// How many syncs fail from now on.
    failing_syncs: AtomicUsize,
    /// Whether the next write stops halfway.
    short_writes: AtomicUsize,
    /// Held by a test, it keeps syncs waiting.
    gate: Mutex<()>,
}

impl Memory {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.files.lock().unwrap()
    }
}

fn fails(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

impl Folder for Memory {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.files()[name].clone())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        assert!(self.files().insert(name.to_owned(), Vec::new()).is_none());
        Ok(Box::new((self.clone(), name.to_owned())))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        self.files().get_mut(name).unwrap().truncate(length);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        assert!(self.files().remove(name).is_some());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Segment for (Memory, String) {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.0.files();
        let file = files.get_mut(&self.1).unwrap();
        if fails(&self.0.0.short_writes) {
            file.extend(&bytes[..bytes.len() / 2]);
            return Err(io::Error::other("the disk is full"));
        }
        file.extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let _gate = self.0.0.gate.lock().unwrap();
        self.0.0.syncs.fetch_add(1, Ordering::SeqCst);
        if fails(&self.0.0.failing_syncs) {
            return Err(io::Error::other("the disk does not answer"));
        }
        Ok(())
    }
}

const BOTH: [Durability; 2] = [Durability::Os, Durability::Fsync];

fn write(seq: u64) -> Write {
    Write {
        seq,
        table: 9,
        key: vec![Value::BigInt(Some(seq.try_into().unwrap()))],
        change: Change::Insert(vec![Value::String(Some(format!("row {seq}")))]),
        settles: 0,
    }
}

fn unsealed(seq: u64) -> Vec<u8> {
    Unnumbered::of(&write(seq)).unwrap().numbered(seq)
}

fn append(journal: &Journal, seq: u64) -> Ticket {
    journal.append(&unsealed(seq), seq)
}

fn open(memory: &Memory, segment_bytes: u64, committed: u64) -> (Journal, Recovered) {
    open_as(Durability::Fsync, memory, segment_bytes, committed)
}

fn open_as(
    durability: Durability,
    memory: &Memory,
    segment_bytes: u64,
    committed: u64,
) -> (Journal, Recovered) {
    let recovered = Journal::recover(memory).unwrap();
    let options = JournalOptions {
        durability,
        segment_bytes,
        tables: vec![(9, "rows".to_owned())],
    };
    let folder = Arc::new(memory.clone());
    let journal = Journal::open(folder, &recovered, options, Vec::new(), committed).unwrap();
    (journal, recovered)
}

fn seqs(recovered: &Recovered) -> Vec<u64> {
    recovered.writes.iter().map(|write| write.seq).collect()
}

#[tokio::test]
async fn what_was_written_is_found_again() {
    for durability in BOTH {
        let memory = Memory::default();
        for round in 0..3_u64 {
            let (journal, recovered) = open_as(durability, &memory, 1_000_000, 0);
            assert_eq!(seqs(&recovered), (1..=round * 10).collect::<Vec<_>>());
            for seq in round * 10 + 1..=round * 10 + 10 {
                journal.written(append(&journal, seq)).await.unwrap();
            }
        }
        let recovered = Journal::recover(&memory).unwrap();
        assert_eq!(recovered.highest, 30);
        assert_eq!(recovered.writes[4], write(5));
        assert_eq!(recovered.tables[&9], "rows");
        assert_eq!(recovered.torn, 0);
    }
}

#[tokio::test]
async fn one_sync_is_for_all_who_wait() {
    let memory = Memory::default();
    let (journal, _) = open(&memory, 1_000_000, 0);
    let before = memory.0.syncs.load(Ordering::SeqCst);
    let gate = memory.0.gate.lock().unwrap();
    let tickets: Vec<Ticket> = (1..=100).map(|seq| append(&journal, seq)).collect();
    drop(gate);
    for ticket in tickets {
        journal.written(ticket).await.unwrap();
    }
    // The first may have gone alone while the others came.
    assert!(memory.0.syncs.load(Ordering::SeqCst) - before <= 2);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged() {
    let memory = Memory::default();
    let (journal, _) = open(&memory, 1_000_000, 0);
    journal.written(append(&journal, 1)).await.unwrap();
    memory.0.failing_syncs.store(1, Ordering::SeqCst);
    let error = journal.written(append(&journal, 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    // The disk answers again, and is not believed.
    assert!(journal.written(append(&journal, 3)).await.is_err());
    assert!(journal.failed().is_some());
}

#[tokio::test]
async fn a_short_write_is_a_failure_and_is_cut_off_later() {
    for durability in BOTH {
        let memory = Memory::default();
        let (journal, _) = open_as(durability, &memory, 1_000_000, 0);
        journal.written(append(&journal, 1)).await.unwrap();
        memory.0.short_writes.store(1, Ordering::SeqCst);
        assert!(journal.written(append(&journal, 2)).await.is_err());
        drop(journal);
        let (_, recovered) = open_as(durability, &memory, 1_000_000, 0);
        assert_eq!(seqs(&recovered), [1]);
        assert!(recovered.torn > 0);
        // The cut is for good: the file is not the last one any more.
        assert_eq!(Journal::recover(&memory).unwrap().torn, 0);
    }
}

#[tokio::test]
async fn segments_go_when_the_database_has_what_they_hold() {
    for durability in BOTH {
        let memory = Memory::default();
        let (journal, _) = open_as(durability, &memory, 400, 0);
        for seq in 1..=50 {
            journal.written(append(&journal, seq)).await.unwrap();
        }
        let many = memory.files().len();
        assert!(many > 5, "{many}");
        journal.committed(45, Vec::new());
        for seq in 51..=60 {
            journal.written(append(&journal, seq)).await.unwrap();
        }
        assert!(memory.files().len() < many);
        drop(journal);
        let recovered = Journal::recover(&memory).unwrap();
        assert!((46..=60).all(|seq| recovered.writes.contains(&write(seq))));
    }
}

#[tokio::test]
async fn damage_before_the_end_is_refused() {
    let memory = Memory::default();
    for seq in 1..=2 {
        let (journal, _) = open(&memory, 1_000_000, 0);
        journal.written(append(&journal, seq)).await.unwrap();
    }
    let first = memory.files().keys().next().unwrap().clone();
    memory.files().get_mut(&first).unwrap()[50] ^= 1;
    let error = Journal::recover(&memory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains(&first), "{error}");
}

fn bytes_of(count: u64) -> Vec<u8> {
    let mut bytes = record::header(Uuid::nil(), 1);
    for seq in 1..=count {
        bytes.extend(Record::Write(write(seq)).frame().unwrap());
    }
    bytes
}

#[test]
fn frames_are_sealed_together_as_each_alone() {
    let mut frames: Vec<u8> = (1..=12).flat_map(unsealed).collect();
    let header = record::header(Uuid::nil(), 1);
    assert_eq!(record::records(&[&header[..], &frames].concat()).0, []);
    record::seal(&mut frames);
    assert_eq!([header, frames.clone()].concat(), bytes_of(12));
    let sealed = frames.clone();
    record::seal(&mut frames);
    assert_eq!(frames, sealed);
}

fn recovered_from(bytes: Vec<u8>) -> Recovered {
    let memory = Memory::default();
    memory.files().insert(segment_name(1), bytes);
    Journal::recover(&memory).unwrap()
}

proptest! {
    #[test]
    fn any_prefix_gives_a_prefix(cut in 0..900_usize) {
        let mut bytes = bytes_of(12);
        bytes.truncate(cut);
        let recovered = recovered_from(bytes);
        let found = seqs(&recovered);
        prop_assert_eq!(&found, &(1..=found.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn a_flipped_bit_never_makes_another_record(at in 36..700_usize, bit in 0..8_u32) {
        let mut bytes = bytes_of(12);
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1 << bit;
        let recovered = recovered_from(bytes);
        for (index, found) in recovered.writes.iter().enumerate() {
            prop_assert_eq!(found, &write(index as u64 + 1));
        }
        prop_assert!(recovered.writes.len() < 12);
    }
}
