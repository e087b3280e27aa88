//! Callers and the thread take turns: a folder that lets each write pass when the test says so.
use std::{
    collections::VecDeque,
    sync::{Condvar, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::FutureExt;

use super::*;
use crate::result_cache::write_behind::journal::turns::{GROUP_BYTES, GROUPS};

/// More than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Written,
    Torn,
    Panic,
}

/// A write that has begun: in which thread, and where the test says how it ends.
#[derive(Debug)]
struct Begun {
    thread: String,
    bytes: Vec<u8>,
    answer: mpsc::Sender<Outcome>,
}

impl Begun {
    fn end(self, outcome: Outcome) {
        self.answer.send(outcome).unwrap();
    }

    fn seqs(&self) -> Vec<u64> {
        let bytes = [record::header(Uuid::nil(), 1), self.bytes.clone()].concat();
        let (records, good) = record::records(&bytes);
        assert_eq!(good, bytes.len(), "whole frames only");
        let seq = |record| match record {
            Record::Write(write) => write.seq,
            other => panic!("{other:?}"),
        };
        records.into_iter().map(seq).collect()
    }
}

/// A folder in memory whose writes wait for the test once it is gated.
#[derive(Debug, Default, Clone)]
struct Gated {
    memory: Memory,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    /// What has begun and nobody looked at; `None` while the gate is open.
    begun: Mutex<Option<VecDeque<Begun>>>,
    told: Condvar,
}

impl Gated {
    fn gate(&self) {
        *self.gate.begun.lock().unwrap() = Some(VecDeque::new());
    }

    fn open_gate(&self) {
        *self.gate.begun.lock().unwrap() = None;
    }

    /// The next write that begins.
    fn next(&self) -> Begun {
        let begun = self.gate.begun.lock().unwrap();
        let none = |begun: &mut Option<VecDeque<_>>| begun.as_ref().unwrap().is_empty();
        let waited = self.gate.told.wait_timeout_while(begun, PATIENCE, none);
        let next = waited.unwrap().0.as_mut().unwrap().pop_front();
        next.expect("a write begins")
    }
}

impl Folder for Gated {
    fn names(&self) -> io::Result<Vec<String>> {
        self.memory.names()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.memory.read(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        let segment = self.memory.create(name)?;
        Ok(Box::new((self.clone(), segment)))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        self.memory.truncate(name, length)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.memory.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.memory.sync()
    }
}

impl Segment for (Gated, Box<dyn Segment>) {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (answer, answered) = mpsc::channel();
        let mut begun = self.0.gate.begun.lock().unwrap();
        let outcome = match &mut *begun {
            None => Outcome::Written,
            Some(begun_now) => {
                let thread = thread::current().name().unwrap_or_default().to_owned();
                begun_now.push_back(Begun {
                    thread,
                    bytes: bytes.to_vec(),
                    answer,
                });
                self.0.gate.told.notify_all();
                drop(begun);
                answered.recv_timeout(PATIENCE).unwrap()
            }
        };
        match outcome {
            Outcome::Written => {}
            Outcome::Torn => self.0.memory.0.short_writes.store(1, Ordering::SeqCst),
            Outcome::Panic => panic!("the folder panics"),
        }
        self.1.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.sync()
    }
}

fn open_gated(segment_bytes: u64) -> (Gated, Arc<Journal>) {
    let folder = Gated::default();
    let options = JournalOptions {
        durability: Durability::Os,
        segment_bytes,
        tables: vec![(9, "rows".to_owned())],
    };
    let shared = Arc::new(folder.clone());
    let journal = Journal::open(shared, &Recovered::default(), options, Vec::new(), 0).unwrap();
    folder.gate();
    (folder, Arc::new(journal))
}

/// A caller in a thread of its own, named `caller`.
fn call(journal: &Arc<Journal>, seq: u64) -> JoinHandle<Result<()>> {
    let (journal, ticket) = (Arc::clone(journal), append(journal, seq));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let call = move || runtime.block_on(journal.written(ticket));
    thread::Builder::new()
        .name("caller".to_owned())
        .spawn(call)
        .unwrap()
}

/// Whether it waits for somebody, and not only for others to hand theirs over.
fn waits<T>(written: &mut (impl Future<Output = T> + Unpin)) -> bool {
    written.now_or_never().is_none() && written.now_or_never().is_none()
}

fn in_file(folder: &Gated) -> Vec<u64> {
    seqs(&Journal::recover(&folder.memory).unwrap())
}

#[tokio::test]
async fn who_finds_nobody_writing_writes_for_those_who_come_meanwhile() {
    let (folder, journal) = open_gated(1_000_000);
    let leader = call(&journal, 1);
    let first = folder.next();
    assert_eq!((&*first.thread, first.seqs()), ("caller", vec![1]));
    let mut second = Box::pin(journal.written(append(&journal, 2)));
    let mut third = Box::pin(journal.written(append(&journal, 3)));
    assert!(waits(&mut second));
    assert!(waits(&mut third));
    // Whoever waits no longer takes nothing with it.
    drop(third);
    first.end(Outcome::Written);
    let both = folder.next();
    assert_eq!((&*both.thread, both.seqs()), ("caller", vec![2, 3]));
    assert!(waits(&mut second));
    both.end(Outcome::Written);
    second.await.unwrap();
    leader.join().unwrap().unwrap();
    folder.open_gate();
    // The turn is free again: the second poll writes, and so no thread but this one.
    let mut alone = Box::pin(journal.written(append(&journal, 4)));
    assert!((&mut alone).now_or_never().is_none());
    alone.now_or_never().unwrap().unwrap();
    assert_eq!(in_file(&folder), [1, 2, 3, 4]);
}

#[tokio::test]
async fn one_write_is_for_all_who_hand_theirs_over() {
    let (folder, journal) = open_gated(1_000_000);
    let mut others: Vec<_> = (2..=9)
        .map(|seq| Box::pin(journal.written(append(&journal, seq - 1))))
        .collect();
    for other in &mut others {
        assert!(other.now_or_never().is_none());
    }
    let last = call(&journal, 9);
    let begun = folder.next();
    assert_eq!(begun.seqs(), (1..=9).collect::<Vec<_>>());
    begun.end(Outcome::Written);
    last.join().unwrap().unwrap();
    for other in others {
        other.now_or_never().unwrap().unwrap();
    }
    folder.open_gate();
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_all_the_same() {
    let (folder, journal) = open_gated(1_000_000);
    folder.open_gate();
    drop(append(&journal, 1));
    assert_eq!(in_file(&folder), [1]);
    let mut given_up = Box::pin(journal.written(append(&journal, 2)));
    assert!((&mut given_up).now_or_never().is_none());
    assert_eq!(in_file(&folder), [1]);
    drop(given_up);
    assert_eq!(in_file(&folder), [1, 2]);
}

#[tokio::test]
async fn the_thread_takes_over_from_a_caller_for_whom_more_and_more_comes() {
    let (folder, journal) = open_gated(1_000_000);
    let leader = call(&journal, 1);
    let mut waiting = Vec::new();
    let groups = u64::try_from(GROUPS).unwrap();
    for seq in 1..=groups {
        let begun = folder.next();
        assert_eq!((&*begun.thread, begun.seqs()), ("caller", vec![seq]));
        waiting.push(Box::pin(journal.written(append(&journal, seq + 1))));
        assert!(waits(waiting.last_mut().unwrap()));
        begun.end(Outcome::Written);
    }
    let begun = folder.next();
    assert_eq!(
        (&*begun.thread, begun.seqs()),
        ("entourage-journal", vec![groups + 1])
    );
    // The caller is free although somebody still writes.
    leader.join().unwrap().unwrap();
    let last = call(&journal, groups + 2);
    begun.end(Outcome::Written);
    let begun = folder.next();
    assert_eq!(begun.seqs(), [groups + 2]);
    begun.end(Outcome::Written);
    last.join().unwrap().unwrap();
    for written in waiting {
        written.await.unwrap();
    }
    folder.open_gate();
    drop(journal);
    assert_eq!(in_file(&folder), (1..=groups + 2).collect::<Vec<_>>());
}

#[tokio::test]
async fn much_at_once_and_full_segments_are_for_the_thread() {
    let (folder, journal) = open_gated(100_000);
    let frame = |seq, length: usize| {
        let mut write = write(seq);
        write.change = Change::Insert(vec![Value::Bytes(Some(vec![7; length]))]);
        Record::Write(write).frame().unwrap()
    };
    let mut large = Box::pin(journal.written(journal.append(&frame(1, GROUP_BYTES), 1)));
    assert!(waits(&mut large));
    let begun = folder.next();
    assert_eq!(begun.thread, "entourage-journal");
    begun.end(Outcome::Written);
    large.await.unwrap();
    // Once nothing waits the turn is free, and whoever comes fills the segment.
    folder.open_gate();
    journal
        .written(journal.append(&frame(2, 50_000), 2))
        .await
        .unwrap();
    folder.gate();
    let mut full = Box::pin(journal.written(append(&journal, 3)));
    assert!(waits(&mut full));
    let begun = folder.next();
    assert_eq!(
        (&*begun.thread, begun.seqs()),
        ("entourage-journal", vec![3])
    );
    begun.end(Outcome::Written);
    let header = folder.next();
    assert_eq!(header.thread, "entourage-journal");
    header.end(Outcome::Written);
    full.await.unwrap();
    folder.open_gate();
    drop(journal);
    assert_eq!(in_file(&folder), [1, 2, 3]);
}

#[tokio::test]
async fn when_a_caller_fails_to_write_nobody_is_acknowledged_any_more() {
    for outcome in [Outcome::Torn, Outcome::Panic] {
        let (folder, journal) = open_gated(1_000_000);
        let leader = call(&journal, 1);
        folder.next().end(Outcome::Written);
        leader.join().unwrap().unwrap();
        let leader = call(&journal, 2);
        let begun = folder.next();
        let mut follower = Box::pin(journal.written(append(&journal, 3)));
        assert!(waits(&mut follower));
        begun.end(outcome);
        let error = leader.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert_eq!(follower.await.unwrap_err().kind(), ErrorKind::Closed);
        // The disk is well again, and is not believed.
        folder.open_gate();
        let later = journal.written(append(&journal, 4)).await;
        assert_eq!(later.unwrap_err().kind(), ErrorKind::Closed);
        assert!(journal.failed().is_some());
        journal.close();
        assert_eq!(in_file(&folder), [1]);
    }
}

#[tokio::test]
async fn to_close_waits_for_the_caller_that_writes() {
    let (folder, journal) = open_gated(1_000_000);
    let leader = call(&journal, 1);
    let begun = folder.next();
    let unpolled = append(&journal, 2);
    let closing = {
        let journal = Arc::clone(&journal);
        thread::spawn(move || journal.close())
    };
    begun.end(Outcome::Written);
    // What nobody has waited for yet is written too, and the last segment begun.
    while !closing.is_finished() {
        let begun = folder
            .gate
            .begun
            .lock()
            .unwrap()
            .as_mut()
            .unwrap()
            .pop_front();
        if let Some(begun) = begun {
            begun.end(Outcome::Written);
        }
        thread::yield_now();
    }
    closing.join().unwrap();
    leader.join().unwrap().unwrap();
    journal.written(unpolled).await.unwrap();
    let late = journal.written(append(&journal, 3)).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(in_file(&folder), [1, 2]);
}
