//! Write-behind under what ends programs and databases: SIGKILL at random instants, and a server that is away.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};
use std::time::{Duration, Instant};

use entourage::{
    Database, pool::PoolOptions, prelude::*, repository::WriteBehind,
    result_cache::write_behind::Durability,
};
use entourage_tests::{
    require,
    setup::{self, Scratch, TestDatabase, server::PrivateServer},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// Where the child writes, and where it goes on: `url|folder|next,next,..`. Without it the child's test does nothing.
const JOB: &str = "ENTOURAGE_TEST_WRITER";
const WRITERS: i64 = 4;
const ENTRIES: i64 = 1_000_000_000;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "wb_writers")]
pub(crate) struct Writer {
    #[entity(primary_key)]
    pub id: i64,
    pub count: i64,
    pub last: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "wb_entries", belongs_to(writer: Writer))]
pub(crate) struct Entry {
    #[entity(primary_key)]
    pub id: i64,
    pub writer_id: i64,
}

async fn start(db: &Database, folder: &Path) -> WriteBehind {
    WriteBehind::builder(db)
        .entities::<(Entry, Writer)>()
        .durable(folder)
        .durability(Durability::Os)
        .segment_bytes(8_192)
        .flush_at(20)
        .flush_every(Duration::from_millis(2))
        .start()
        .await
        .unwrap()
}

fn new_entry(writer: i64, number: i64) -> NewEntry {
    NewEntry {
        id: writer * ENTRIES + number,
        writer_id: writer,
    }
}

fn new_last(number: i64) -> WriterPatch {
    WriterPatch {
        last: Some(number),
        ..WriterPatch::default()
    }
}

/// The program that is killed: each line it prints is a write that was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer() {
    let Ok(job) = std::env::var(JOB) else { return };
    let parts: Vec<&str> = job.split('|').collect();
    let db = Database::connect(parts[0]).await.unwrap();
    let queue = start(&db, Path::new(parts[1])).await;
    let next = parts[2].split(',').map(|next| next.parse::<i64>().unwrap());
    let writers = (1..).zip(next).map(|(writer, next)| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let (entries, writers) = (queue.of::<Entry>().unwrap(), queue.of::<Writer>().unwrap());
            for number in next.. {
                entries.insert(new_entry(writer, number)).await.unwrap();
                acknowledged(writer, number, 1);
                writers.add(writer, Writer::COUNT, 1).await.unwrap();
                acknowledged(writer, number, 2);
                writers.patch(writer, new_last(number)).await.unwrap();
                acknowledged(writer, number, 3);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

fn acknowledged(writer: i64, number: i64, step: i64) {
    // One call, so that no line is torn but the last.
    let line = format!("\nack {writer} {number} {step}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// What the parent knows of one writer.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The last entry that was acknowledged, of this round.
    entry: i64,
    /// How many sums were acknowledged in this round.
    sums: i64,
    /// The last number that was acknowledged as such.
    last: i64,
    /// The writer's count in the database before this round.
    count: i64,
    /// The next number that was never tried.
    next: i64,
}

/// From when the time until a kill is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// So it hits what a program does before it writes.
    ItsStart,
    /// However long a busy machine takes to start a program.
    ItsFirstWrite,
}

/// Runs the child for a while, and kills it. The numbers of the entries that were acknowledged.
async fn killed_after(
    delay: Duration,
    since: Since,
    url: &str,
    folder: &Path,
    known: &mut [Known],
) -> Vec<(i64, i64)> {
    let next: Vec<_> = known.iter().map(|known| known.next.to_string()).collect();
    let job = format!("{url}|{}|{}", folder.display(), next.join(","));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "write_behind::the_writer",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(JOB, job)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (first, wrote) = tokio::sync::oneshot::channel();
    let reader = tokio::spawn(async move {
        let (mut heard, mut first) = (Vec::new(), Some(first));
        while let Ok(Some(line)) = lines.next_line().await {
            let words: Vec<i64> = line
                .split(' ')
                .skip(1)
                .filter_map(|word| word.parse().ok())
                .collect();
            if let (true, &[writer, number, step]) = (line.starts_with("ack "), words.as_slice()) {
                heard.push((writer, number, step));
                if let Some(first) = first.take() {
                    // Whoever does not wait for it has dropped the other end.
                    let _ = first.send(());
                }
            }
        }
        heard
    });
    if since == Since::ItsFirstWrite {
        wrote.await.expect("the writer ended without a write");
    }
    tokio::time::sleep(delay).await;
    assert_eq!(
        child.try_wait().unwrap(),
        None,
        "the writer ended by itself"
    );
    child.kill().await.unwrap();
    let mut entries = Vec::new();
    for (writer, number, step) in reader.await.unwrap() {
        let known = &mut known[usize::try_from(writer - 1).unwrap()];
        match step {
            1 => entries.push((writer, number)),
            2 => known.sums += 1,
            _ => known.last = number,
        }
        known.entry = number;
    }
    entries
}

async fn killed_again_and_again(database: TestDatabase, rounds: usize, longest: Duration) {
    let db = Database::connect(database.url()).await.unwrap();
    db.create_schema::<(Writer, Entry)>().await.unwrap();
    for id in 1..=WRITERS {
        let new = NewWriter {
            id,
            count: 0,
            last: 0,
        };
        WriterRepository::new(&db).insert(new).await.unwrap();
    }
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path().join("journal");
    let mut known = vec![
        Known {
            next: 1,
            ..Known::default()
        };
        4
    ];
    let mut random = u64::from(std::process::id()) | 1;
    let (mut acknowledged, mut left_behind) = (0, 0);
    for round in 0..rounds {
        // Xorshift: any instant will do.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let delay = longest.mul_f64((random % 1_000) as f64 / 1_000.0);
        let since = match round % 2 {
            0 => Since::ItsStart,
            _ => Since::ItsFirstWrite,
        };
        let entries = killed_after(delay, since, database.url(), &folder, &mut known).await;
        acknowledged += entries.len();
        let queue = start(&db, &folder).await;
        left_behind += queue.stats().pending;
        queue.shutdown().await.unwrap();
        assert!(
            queue.dead_letters().is_empty(),
            "{round}: {:#?}",
            queue.dead_letters()
        );
        let keys = entries
            .iter()
            .map(|(writer, number)| writer * ENTRIES + number);
        let found = EntryRepository::new(&db).find_many(keys).await.unwrap();
        assert!(
            found.iter().all(Option::is_some),
            "{round}: an entry is lost"
        );
        for (id, known) in (1..).zip(&mut known) {
            let row = WriterRepository::new(&db).get(id).await.unwrap();
            // One sum may have been on its way.
            let sums = row.count - known.count;
            assert!(
                sums == known.sums || sums == known.sums + 1,
                "{round}: {row:?} {known:?}"
            );
            assert!(
                row.last == known.last
                    || row.last > known.last && row.last <= known.entry.max(known.next) + 1,
                "{round}: {row:?} {known:?}"
            );
            known.last = row.last;
            known.next = (known.next + 1).max(known.entry + 2);
            known.count = row.count;
            known.sums = 0;
        }
    }
    println!(
        "{rounds} kills, {acknowledged} entries acknowledged, {left_behind} rows left to the next start"
    );
    assert!(acknowledged > 0 && left_behind > 0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_by_two_hundred_kills() {
    let database = require!(setup::sqlite().await);
    killed_again_and_again(database, 200, Duration::from_millis(90)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_by_kills_on_postgres() {
    let database = require!(setup::postgres().await);
    killed_again_and_again(database, 20, Duration::from_millis(250)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_by_kills_on_mysql() {
    let database = require!(setup::mysql().await);
    killed_again_and_again(database, 20, Duration::from_millis(250)).await;
}

/// How long the server is away.
const AWAY: Duration = Duration::from_secs(10);
const MAX_PENDING: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_for_ten_seconds_costs_no_write() {
    let mut server = require!(PrivateServer::postgres(&[]).await);
    let pool = PoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(1));
    let db = Database::builder().url(&server.url()).pool(pool).connect();
    let db = db.await.unwrap();
    db.create_schema::<(Writer, Entry)>().await.unwrap();
    let new = NewWriter {
        id: 1,
        count: 0,
        last: 0,
    };
    WriterRepository::new(&db).insert(new).await.unwrap();
    let scratch = Scratch::new().unwrap();
    let queue = WriteBehind::builder(&db)
        .entities::<(Writer, Entry)>()
        .durable(scratch.path().join("journal"))
        .durability(Durability::Os)
        .max_pending(MAX_PENDING)
        .flush_at(200)
        .flush_every(Duration::from_millis(10))
        .retry_delays(Duration::from_millis(20), Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let (stop, acknowledged) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicI64::new(0)),
    );
    let writers: Vec<_> = (1..=4_i64)
        .map(|writer| {
            let (queue, stop) = (queue.clone(), Arc::clone(&stop));
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                let (entries, counts) =
                    (queue.of::<Entry>().unwrap(), queue.of::<Writer>().unwrap());
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let entry = NewEntry {
                        id: writer * ENTRIES + number,
                        writer_id: 1,
                    };
                    entries.insert(entry).await.unwrap();
                    counts.add(1, Writer::COUNT, 1).await.unwrap();
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let grown = |more: i64| {
        let acknowledged = Arc::clone(&acknowledged);
        async move {
            let before = acknowledged.load(Ordering::Relaxed);
            while acknowledged.load(Ordering::Relaxed) < before + more {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    grown(500).await;
    server.crash();
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < AWAY {
        most = most.max(queue.stats().pending);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stats = queue.stats();
    assert_eq!(most, MAX_PENDING, "{stats:?}");
    assert!(
        stats.back_pressure > 0 && stats.retried > 0 && stats.last_error.is_some(),
        "{stats:?}"
    );
    assert!(stats.oldest.unwrap() > AWAY / 2, "{stats:?}");
    server.restart().await.unwrap();
    grown(1_000).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    queue.shutdown().await.unwrap();
    assert!(
        queue.dead_letters().is_empty(),
        "{:#?}",
        queue.dead_letters()
    );
    let expected = acknowledged.load(Ordering::Relaxed);
    let count = WriterRepository::new(&db).get(1).await.unwrap().count;
    let entries = EntryRepository::new(&db).query().count().await.unwrap();
    assert_eq!(
        (count, i64::try_from(entries).unwrap()),
        (expected, expected)
    );
    db.close().await;
}
