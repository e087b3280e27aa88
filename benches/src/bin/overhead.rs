//! What does observation cost a get by key: with nobody listening, with an observer, within a scope?
//!
//! The measure is the same get by key through an executor that does nothing but acquire a connection and run the
//! statement: no watch, no event, no listener to ask for. All variants take turns in one process; each ratio is taken
//! within its round, and their median counts.
use std::{
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use entourage::{
    Database,
    dialect::{Capabilities, Dialect},
    driver::{self, ConnectOptions, Connection, Outcome, RowSender, RowSink},
    executor::{AtomicScope, Executor, ExecutorHandle},
    observe::{Event, Observer, Scope},
    pool::{Access, Connect, Pool, PoolOptions, Topology},
    prelude::*,
    statement::Statement,
};
use entourage_benches::Result;

const ROWS: i64 = 1_000;

#[derive(Debug, Clone, Entity)]
#[entity(table = "overhead_users")]
struct User {
    #[entity(primary_key)]
    id: i64,
    name: String,
    email: String,
    age: i32,
}

#[derive(Debug)]
struct Dial(ConnectOptions);

#[async_trait]
impl Connect for Dial {
    async fn connect(&self, _: Access) -> entourage::Result<Box<dyn Connection>> {
        driver::connect(&self.0).await
    }
}

/// An executor that only runs.
#[derive(Debug)]
struct Bare(Pool);

#[async_trait]
impl Executor for Bare {
    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn run(
        &self,
        statement: &Statement,
        sink: &mut dyn RowSink,
    ) -> entourage::Result<Outcome> {
        let acquired = self.0.acquire(Access::Read, statement.call_site);
        acquired.await?.run(statement, sink).await
    }

    async fn stream(
        &self,
        statement: &Statement,
        sender: Box<dyn RowSender>,
    ) -> entourage::Result<Outcome> {
        let acquired = self.0.acquire(Access::Read, statement.call_site);
        acquired.await?.stream(statement, sender).await
    }

    fn in_transaction(&self) -> bool {
        false
    }

    async fn atomic(
        &self,
        _: &'static Location<'static>,
    ) -> entourage::Result<Box<dyn AtomicScope + '_>> {
        Err(Error::new(ErrorKind::Unsupported, "a bench only reads"))
    }

    fn warn(&self, _: &str) {}
}

#[derive(Default)]
struct Counting(AtomicU64);

impl Observer for Counting {
    fn on_event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

async fn get(executor: &dyn Executor, times: i64) -> entourage::Result<()> {
    let users = UserRepository::new(ExecutorHandle::borrowed(executor));
    for number in 0..times {
        let user = users.find(number % ROWS + 1).await?;
        std::hint::black_box(user);
    }
    Ok(())
}

async fn seeded(db: &Database) -> Result<()> {
    db.drop_schema::<(User,)>().await?;
    db.create_schema::<(User,)>().await?;
    let users = (1..=ROWS).map(|id| NewUser {
        id,
        name: format!("User {id}"),
        email: format!("{id}@example.org"),
        age: 30,
    });
    UserRepository::new(db).insert_many(users).await?;
    Ok(())
}

async fn measure(url: &str, rounds: usize, turn: Duration) -> Result<()> {
    let options = ConnectOptions::parse(url)?;
    let one = PoolOptions::new().max_connections(1);
    let db = Database::builder()
        .url(url)
        .pool(one.clone())
        .connect()
        .await?;
    seeded(&db).await?;
    let bare = Bare(Pool::open(Arc::new(Dial(options)), &one, Topology::Shared).await?);
    let observed = Database::builder()
        .url(url)
        .pool(one)
        .observer(Arc::new(Counting::default()))
        .connect()
        .await?;
    let variants: [(&str, &dyn Executor, bool); 4] = [
        ("no observation at all", &bare, false),
        ("nobody listens", &db, false),
        ("an observer", &observed, false),
        ("a scope", &db, true),
    ];
    // As many repetitions as fill a turn.
    let began = Instant::now();
    let mut times = 0;
    while began.elapsed() < turn {
        get(&bare, 100).await?;
        times += 100;
    }
    let mut samples = vec![Vec::with_capacity(rounds); variants.len()];
    for round in 0..rounds {
        let mut took = vec![0.0; variants.len()];
        for place in 0..variants.len() {
            let at = (round + place) % variants.len();
            let (_, executor, scoped) = variants[at];
            let began = Instant::now();
            match scoped {
                true => {
                    Scope::new()
                        .with_limit(1_000)
                        .run(get(executor, times))
                        .await?
                }
                false => get(executor, times).await?,
            }
            took[at] = began.elapsed().as_secs_f64() / times as f64;
        }
        for (samples, each) in samples.iter_mut().zip(&took) {
            samples.push((each / took[0], *each));
        }
    }
    println!(
        "| {} | per get | ratio, median | quartiles |",
        db.dialect().system_name()
    );
    println!("|---|---:|---:|---:|");
    for ((name, ..), mut samples) in variants.into_iter().zip(samples) {
        samples.sort_by(|one, other| one.0.total_cmp(&other.0));
        let ratio = |part: f64| samples[(samples.len() as f64 * part) as usize].0;
        let mut absolute: Vec<f64> = samples.iter().map(|(_, took)| took * 1e6).collect();
        absolute.sort_by(f64::total_cmp);
        println!(
            "| {name} | {:.2} µs | **{:.3}** | {:.3} .. {:.3} |",
            absolute[absolute.len() / 2],
            ratio(0.5),
            ratio(0.25),
            ratio(0.75)
        );
    }
    println!();
    Ok(())
}

async fn run(urls: Vec<String>) -> Result<()> {
    for url in urls {
        let (rounds, turn) = (101, Duration::from_millis(20));
        measure(&url, rounds, turn).await?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let file = std::env::temp_dir().join(format!("entourage-overhead-{}.db", std::process::id()));
    let mut urls: Vec<String> = std::env::args().skip(1).collect();
    if urls.is_empty() {
        urls.push(format!("sqlite://{}", file.display()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(runtime.spawn(run(urls)))?;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    result
}
