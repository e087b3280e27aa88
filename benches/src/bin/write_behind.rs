//! How many writes does write-behind take, beside plain inserts, and what does each durability cost?
//!
//! Sixteen tasks write at once over as many connections. The time of a plain insert ends when the database has it; that
//! of a write through the queue too: the last flush is in it. Counters are one hundred rows that are counted up: the
//! queue makes one change of many, plain writes are one UPDATE each. All ways take turns.
use std::path::PathBuf;

use entourage::{
    Database, pool::PoolOptions, prelude::*, repository::WriteBehind,
    result_cache::write_behind::Durability,
};
use entourage_benches::{Result, ratios::Ratios};
use tokio::{task::JoinSet, time::Instant};

const WRITERS: i64 = 16;
const COUNTERS: i64 = 100;
const ROUNDS: usize = 7;

const WAYS: [(&str, Option<Durability>); 4] = [
    ("one by one", None),
    ("write-behind, `none`", Some(Durability::None)),
    ("write-behind, `os`", Some(Durability::Os)),
    ("write-behind, `fsync`", Some(Durability::Fsync)),
];

#[derive(Debug, Clone, Entity)]
#[entity(table = "bench_wb_visits")]
struct Visit {
    #[entity(primary_key, generated)]
    id: i64,
    page: i64,
    agent: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "bench_wb_counters")]
struct Counter {
    #[entity(primary_key)]
    id: i64,
    views: i64,
}

#[derive(Clone, Copy)]
enum Work {
    Inserts,
    Counts,
}

/// Where the journals are.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path =
            std::env::temp_dir().join(format!("entourage-write-behind-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn visit(writer: i64, number: i64) -> NewVisit {
    NewVisit {
        page: writer * 1_000 + number,
        agent: "Mozilla/5.0 (X11; Linux x86_64)".into(),
    }
}

/// Writes past any queue.
async fn plain(db: &Database, work: Work, each: i64) -> Result<()> {
    let mut tasks: JoinSet<entourage::Result<()>> = JoinSet::new();
    for writer in 0..WRITERS {
        let db = db.clone();
        tasks.spawn(async move {
            for number in 0..each {
                match work {
                    Work::Inserts => {
                        let visits = VisitRepository::new(&db);
                        visits.insert(visit(writer, number)).await?;
                    }
                    Work::Counts => {
                        let key = (writer + number) % COUNTERS;
                        db.sql(
                            "UPDATE bench_wb_counters SET views = views + 1 WHERE id = ?",
                            args![key],
                        )
                        .execute()
                        .await?;
                    }
                }
            }
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// Writes through a queue, until the database has all.
async fn queued(queue: &WriteBehind, work: Work, each: i64) -> Result<()> {
    let mut tasks: JoinSet<entourage::Result<()>> = JoinSet::new();
    for writer in 0..WRITERS {
        let queue = queue.clone();
        tasks.spawn(async move {
            let (visits, counters) = (queue.of::<Visit>()?, queue.of::<Counter>()?);
            for number in 0..each {
                match work {
                    Work::Inserts => drop(visits.insert(visit(writer, number)).await?),
                    Work::Counts => {
                        let key = (writer + number) % COUNTERS;
                        counters.add(key, Counter::VIEWS, 1).await?;
                    }
                }
            }
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    queue.flush().await?;
    Ok(())
}

async fn measure(url: &str, folder: &Folder, each: i64) -> Result<()> {
    let pool = PoolOptions::new().max_connections(usize::try_from(WRITERS)?);
    let db = Database::builder().url(url).pool(pool).connect().await?;
    db.drop_schema::<(Visit, Counter)>().await?;
    db.create_schema::<(Visit, Counter)>().await?;
    let counters = (0..COUNTERS).map(|id| NewCounter { id, views: 0 });
    CounterRepository::new(&db).insert_many(counters).await?;
    let name = db.dialect().system_name();
    let mut queues = Vec::new();
    for (_, durability) in WAYS {
        let Some(durability) = durability else {
            queues.push(None);
            continue;
        };
        let mut builder = WriteBehind::builder(&db)
            .entities::<(Visit, Counter)>()
            .reserve_keys(10_000);
        if durability != Durability::None {
            let journal = folder.0.join(format!("{name}-{}", durability.name()));
            builder = builder.durable(journal).durability(durability);
        }
        queues.push(Some(builder.start().await?));
    }
    for (what, work) in [("insert", Work::Inserts), ("count", Work::Counts)] {
        let mut ratios = Ratios::of(WAYS.map(|(name, _)| name));
        for round in 0..=ROUNDS {
            for way in ratios.turns(round) {
                let began = Instant::now();
                match &queues[way] {
                    None => plain(&db, work, each).await?,
                    Some(queue) => queued(queue, work, each).await?,
                }
                let took = began.elapsed().as_secs_f64() / (each * WRITERS) as f64;
                // The first round opens connections and files.
                if round > 0 {
                    ratios.add(way, took);
                }
            }
            db.sql("DELETE FROM bench_wb_visits", args![])
                .execute()
                .await?;
        }
        ratios.print(&format!("{name}, {what}"), what);
    }
    for queue in queues.into_iter().flatten() {
        assert!(
            queue.dead_letters().is_empty(),
            "{:?}",
            queue.dead_letters()
        );
        queue.shutdown().await?;
    }
    db.drop_schema::<(Visit, Counter)>().await?;
    db.close().await;
    Ok(())
}

async fn run(servers: Vec<String>) -> Result<()> {
    let folder = Folder::new()?;
    let sqlite = format!("sqlite://{}", folder.0.join("bench.db").display());
    for url in std::iter::once(sqlite).chain(servers) {
        measure(&url, &folder, 250).await?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let servers = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(runtime.spawn(run(servers)))?
}
