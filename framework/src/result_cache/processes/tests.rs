//! Caches that tell each other of writes over a server that is a list.
mod notices;
mod schedules;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{
    Processes,
    link::{Link, Listener, Speaker, Times},
    notice::Notice,
};
use crate::{
    error::{Error, ErrorKind, Result},
    executor::written::{PendingWrites, RowCache, Settled, Write, WriteListener, told},
    prelude::*,
    result_cache::{Cache, CacheOptions, rows::Found, tier::Tier},
    schema::{CachedRow, KeyPart},
    statement::{Touched, touched::TouchedRows},
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "items", cache(ttl = "1h"))]
struct Item {
    #[entity(primary_key)]
    id: i64,
    value: i64,
}

/// Hands every notice to everybody who listens, at once or when it is told to.
#[derive(Debug, Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    listeners: Vec<(u32, mpsc::UnboundedSender<String>)>,
    next: u32,
    is_down: bool,
    /// Takes notices and hands none out.
    is_deaf: bool,
    holds: bool,
    /// What each listener has yet to be handed.
    held: Vec<(u32, String)>,
}

impl Server {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    /// Cuts everybody off.
    fn stop(&self) {
        self.with(|state| {
            state.is_down = true;
            state.listeners.clear();
            state.held.clear();
        });
    }

    fn start(&self) {
        self.with(|state| state.is_down = false);
    }

    /// Hands out the held notice at `at`, unless an earlier one for the same listener is held.
    fn hand_out(&self, at: usize) {
        self.with(|state| {
            if state.held.is_empty() {
                return;
            }
            let (listener, _) = state.held[at % state.held.len()];
            let first = state
                .held
                .iter()
                .position(|(to, _)| *to == listener)
                .unwrap();
            let (to, text) = state.held.remove(first);
            state.hand(to, text);
        });
    }
}

impl State {
    fn hand(&mut self, to: u32, text: String) {
        if let Some((_, listener)) = self.listeners.iter().find(|(id, _)| *id == to) {
            let _ = listener.send(text);
        }
    }
}

#[async_trait]
impl Link for Server {
    async fn connect(&self) -> Result<(Box<dyn Speaker>, Box<dyn Listener>)> {
        self.with(|state| {
            if state.is_down {
                return Err(Error::new(ErrorKind::Connection, "nobody is there"));
            }
            let (sender, listener) = mpsc::unbounded_channel();
            state.next += 1;
            state.listeners.push((state.next, sender));
            let speaker: Box<dyn Speaker> = Box::new(self.clone());
            let listener: Box<dyn Listener> = Box::new(Ear(listener));
            Ok((speaker, listener))
        })
    }
}

#[async_trait]
impl Speaker for Server {
    async fn tell(&self, notices: &[Notice], _: Duration) -> Result<()> {
        self.with(|state| {
            if state.is_down {
                return Err(Error::new(ErrorKind::Connection, "nobody is there"));
            }
            let is_deaf = state.is_deaf;
            for notice in notices.iter().filter(|_| !is_deaf) {
                let listeners: Vec<u32> = state.listeners.iter().map(|(id, _)| *id).collect();
                for listener in listeners {
                    match state.holds {
                        true => state.held.push((listener, notice.to_text())),
                        false => state.hand(listener, notice.to_text()),
                    }
                }
            }
            Ok(())
        })
    }

    fn tier(&self) -> Option<&dyn Tier> {
        None
    }
}

#[derive(Debug)]
struct Ear(mpsc::UnboundedReceiver<String>);

#[async_trait]
impl Listener for Ear {
    async fn next(&mut self) -> Result<String> {
        let lost = || Error::new(ErrorKind::Connection, "nobody is there any more");
        self.0.recv().await.ok_or_else(lost)
    }
}

/// A process.
struct Process {
    cache: Cache,
}

impl Process {
    async fn join(server: &Server) -> Self {
        let options = CacheOptions::new()
            .jitter(0.0)
            .doubt(Duration::from_secs(10));
        let cache = Cache::new(options, Arc::default());
        Processes::join(&cache.0, Box::new(server.clone()), Times::DEFAULT).await;
        settle().await;
        Self { cache }
    }

    /// Loads a row and keeps it, if that is allowed now.
    fn load(&self, id: i64, value: i64) {
        let key = KeyPart::Int(id);
        if let Some(ticket) = self.cache.ticket(Item::table(), &key) {
            let row: Arc<dyn CachedRow> = Arc::new(Item { id, value });
            self.cache.keep(Item::table(), &key, Some(row), ticket);
        }
    }

    /// What is given out for a row.
    fn kept(&self, id: i64) -> Option<i64> {
        let rows = self.cache.0.rows(Item::table()).unwrap();
        match rows.look(&KeyPart::Int(id), &self.cache.0.clock) {
            Found::Kept(row) => row.map(|row| {
                let row = row.into_any().downcast::<Item>().unwrap();
                row.value
            }),
            Found::Old | Found::Nothing => None,
        }
    }

    fn may_keep(&self, id: i64) -> bool {
        self.cache
            .ticket(Item::table(), &KeyPart::Int(id))
            .is_some()
    }

    async fn begin(&self, write: Write) -> Box<dyn PendingWrites> {
        let mut pending = self.cache.begin(vec![write]);
        told(pending.announced()).await;
        settle().await;
        pending
    }

    fn is_connected(&self) -> bool {
        self.cache.stats().shared.unwrap().is_connected
    }
}

async fn end(pending: Box<dyn PendingWrites>, settled: Settled) {
    told(pending.end(settled)).await;
    settle().await;
}

fn row(id: i64) -> Write {
    let touched = Touched::new(Item::table(), TouchedRows::Keys(vec![KeyPart::Int(id)]));
    Write::Table {
        name: "items".into(),
        removes: false,
        touched: Some(touched),
    }
}

/// Lets every task do what it can do now.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

async fn two() -> (Server, Process, Process) {
    let server = Server::default();
    let (one, other) = (Process::join(&server).await, Process::join(&server).await);
    (server, one, other)
}

#[tokio::test(start_paused = true)]
async fn a_row_is_closed_to_others_while_it_is_written() {
    let (_server, one, other) = two().await;
    other.load(1, 0);
    other.load(2, 0);
    assert_eq!(other.kept(1), Some(0));
    let pending = one.begin(row(1)).await;
    assert_eq!(other.kept(1), None);
    assert!(!other.may_keep(1));
    assert_eq!(other.kept(2), Some(0), "no other row is dropped");
    end(pending, Settled::Kept).await;
    assert_eq!(other.kept(1), None);
    assert!(other.may_keep(1));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_a_write_elsewhere_has_overtaken_is_not_kept() {
    let (_server, one, other) = two().await;
    let ticket = other.cache.ticket(Item::table(), &KeyPart::Int(1)).unwrap();
    end(one.begin(row(1)).await, Settled::Kept).await;
    let old: Arc<dyn CachedRow> = Arc::new(Item { id: 1, value: 0 });
    other
        .cache
        .keep(Item::table(), &KeyPart::Int(1), Some(old), ticket);
    assert_eq!(other.kept(1), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_keeps_what_he_has_written() {
    let (_server, one, _other) = two().await;
    let pending = one.begin(row(1)).await;
    end(pending, Settled::Kept).await;
    one.load(1, 5);
    settle().await;
    assert_eq!(one.kept(1), Some(5), "one's own notices are no news");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_dies_leaves_doubt_and_no_old_rows() {
    let (_server, one, other) = two().await;
    other.load(1, 0);
    let pending = one.begin(row(1)).await;
    // Gone, without a word of how it ended.
    one.cache.0.processes.get().unwrap().task.abort();
    std::mem::forget(pending);
    settle().await;
    assert!(!other.may_keep(1));
    // First it is waited for its end, then its tables are in doubt.
    tokio::time::sleep(Duration::from_secs(40)).await;
    settle().await;
    assert_eq!(other.kept(1), None);
    assert!(other.may_keep(1));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_write_is_in_doubt_everywhere() {
    let (_server, one, other) = two().await;
    other.load(1, 0);
    drop(one.begin(row(1)).await);
    settle().await;
    assert!(!other.may_keep(1));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(other.may_keep(1));
    assert_eq!(other.kept(1), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_cut_off_keeps_nothing_and_forgets() {
    let (server, one, other) = two().await;
    other.load(1, 0);
    server.stop();
    settle().await;
    assert!(!other.is_connected());
    assert_eq!(other.kept(1), None);
    assert!(!other.may_keep(1));
    assert_eq!(other.cache.stats().shared.unwrap().lost, 1);
    server.start();
    tokio::time::sleep(Duration::from_secs(5)).await;
    settle().await;
    assert!(other.is_connected() && one.is_connected());
    assert_eq!(other.kept(1), None, "what was kept before is forgotten");
    other.load(1, 3);
    assert_eq!(other.kept(1), Some(3));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_makes_everybody_forget() {
    let server = Server::default();
    let one = Process::join(&server).await;
    server.stop();
    settle().await;
    // The writer is cut off and writes all the same.
    let pending = one.begin(row(1)).await;
    end(pending, Settled::Kept).await;
    server.with(|state| state.is_down = false);
    let other = Process::join(&server).await;
    other.load(1, 0);
    assert_eq!(other.kept(1), Some(0));
    tokio::time::sleep(Duration::from_secs(5)).await;
    settle().await;
    assert!(one.is_connected());
    assert_eq!(other.kept(1), None, "it was told of what it had missed");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hands_nothing_out_is_noticed() {
    let (server, one, _other) = two().await;
    one.load(1, 0);
    server.with(|state| state.is_deaf = true);
    tokio::time::sleep(Times::DEFAULT.silence() + Times::DEFAULT.heartbeat).await;
    settle().await;
    assert!(one.cache.stats().shared.unwrap().lost >= 1);
    assert_eq!(one.kept(1), None);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_no_lost_one() {
    let (_server, one, other) = two().await;
    one.load(1, 0);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(one.is_connected() && other.is_connected());
    assert_eq!(one.kept(1), Some(0));
    assert_eq!(one.cache.stats().shared.unwrap().lost, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_invalidated_by_hand_is_dropped_everywhere() {
    let (_server, one, other) = two().await;
    for drop_it in [
        (|cache| cache.invalidate::<Item>(1)) as fn(&Cache),
        |cache| cache.invalidate_entity::<Item>(),
        |cache| cache.clear(),
    ] {
        other.load(1, 0);
        assert_eq!(other.kept(1), Some(0));
        drop_it(&one.cache);
        settle().await;
        assert_eq!(other.kept(1), None);
        assert!(other.may_keep(1));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_keeps_nothing() {
    let (_server, one, other) = two().await;
    one.load(1, 0);
    one.cache.leave().await;
    settle().await;
    assert_eq!(one.kept(1), None);
    assert!(!one.may_keep(1));
    assert!(other.may_keep(1));
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_is_dropped_ends_its_task() {
    let server = Server::default();
    let one = Process::join(&server).await;
    drop(one);
    tokio::time::sleep(Duration::from_secs(10)).await;
    server.with(|state| {
        state
            .listeners
            .retain(|(_, listener)| !listener.is_closed());
        assert!(state.listeners.is_empty());
    });
}
