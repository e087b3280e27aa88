//! How fast is the pool beside sqlx's and deadpool's: acquire and release alone, and a get by key by 64 tasks over 8
//! connections?
//!
//! PostgreSQL over loopback. All pools have eight connections. sqlx tests each before it lends it unless it is told not
//! to, so it is here twice; the others do not. They take turns in one process. Ratios are taken within a round; their median counts.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use deadpool_postgres::{ManagerConfig, RecyclingMethod, Runtime};
use entourage::{Database, pool::PoolOptions, prelude::*};
use entourage_benches::Result;
use sqlx::postgres::PgPoolOptions;

const CONNECTIONS: usize = 8;
const TASKS: usize = 64;
const ROWS: i64 = 1_000;
const ROUNDS: usize = 21;

#[derive(Debug, Clone, Entity)]
#[entity(table = "pool_users")]
struct User {
    #[entity(primary_key)]
    id: i64,
    name: String,
    email: String,
    age: i32,
}

/// A pool under test.
#[async_trait]
trait Contender: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// Takes a connection and gives it back.
    async fn acquire(&self) -> Result<()>;

    /// Gets one row.
    async fn get(&self, id: i64) -> Result<i64>;
}

struct Entourage {
    db: Database,
    pool: entourage::pool::Pool,
}

#[async_trait]
impl Contender for Entourage {
    fn name(&self) -> &'static str {
        "entourage"
    }

    async fn acquire(&self) -> Result<()> {
        let access = entourage::pool::Access::Write;
        drop(
            self.pool
                .acquire(access, std::panic::Location::caller())
                .await?,
        );
        Ok(())
    }

    async fn get(&self, id: i64) -> Result<i64> {
        Ok(UserRepository::new(&self.db).get(id).await?.id)
    }
}

struct Sqlx {
    name: &'static str,
    pool: sqlx::PgPool,
}

const SQL: &str = "SELECT id, name, email, age FROM pool_users WHERE id = $1";

#[async_trait]
impl Contender for Sqlx {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn acquire(&self) -> Result<()> {
        drop(self.pool.acquire().await?);
        Ok(())
    }

    async fn get(&self, id: i64) -> Result<i64> {
        let row: (i64, String, String, i32) =
            sqlx::query_as(SQL).bind(id).fetch_one(&self.pool).await?;
        Ok(std::hint::black_box(row).0)
    }
}

struct Deadpool(deadpool_postgres::Pool);

#[async_trait]
impl Contender for Deadpool {
    fn name(&self) -> &'static str {
        "deadpool-postgres"
    }

    async fn acquire(&self) -> Result<()> {
        drop(self.0.get().await?);
        Ok(())
    }

    async fn get(&self, id: i64) -> Result<i64> {
        let client = self.0.get().await?;
        let statement = client.prepare_cached(SQL).await?;
        let row = client.query_one(&statement, &[&id]).await?;
        let user: (i64, String, String, i32) = (row.get(0), row.get(1), row.get(2), row.get(3));
        Ok(std::hint::black_box(user).0)
    }
}

#[derive(Debug)]
struct Dial(entourage::driver::ConnectOptions);

#[async_trait]
impl entourage::pool::Connect for Dial {
    async fn connect(
        &self,
        _: entourage::pool::Access,
    ) -> entourage::Result<Box<dyn entourage::driver::Connection>> {
        entourage::driver::connect(&self.0).await
    }
}

async fn contenders(url: &str) -> Result<Vec<Arc<dyn Contender>>> {
    let size = u32::try_from(CONNECTIONS)?;
    let options = PoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS);
    let db = Database::builder()
        .url(url)
        .pool(options.clone())
        .connect()
        .await?;
    db.drop_schema::<(User,)>().await?;
    db.create_schema::<(User,)>().await?;
    let users = (1..=ROWS).map(|id| NewUser {
        id,
        name: format!("User {id}"),
        email: format!("{id}@example.org"),
        age: 30,
    });
    UserRepository::new(&db).insert_many(users).await?;
    let dial = Arc::new(Dial(entourage::driver::ConnectOptions::parse(url)?));
    let topology = entourage::pool::Topology::Shared;
    let pool = entourage::pool::Pool::open(dial, &options, topology).await?;
    let sqlx = async |name, test| {
        let options = PgPoolOptions::new()
            .max_connections(size)
            .min_connections(size)
            .test_before_acquire(test);
        let pool = options.connect(url).await?;
        let contender: Arc<dyn Contender> = Arc::new(Sqlx { name, pool });
        Result::Ok(contender)
    };
    let config = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = deadpool_postgres::Manager::from_config(
        url.parse()?,
        deadpool_postgres::tokio_postgres::NoTls,
        config,
    );
    let deadpool = deadpool_postgres::Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .build()?;
    Ok(vec![
        sqlx("sqlx, its defaults", true).await?,
        sqlx("sqlx, untested", false).await?,
        Arc::new(Entourage { db, pool }),
        Arc::new(Deadpool(deadpool)),
    ])
}

/// The time of one operation when `tasks` do `each` of them side by side.
async fn side_by_side(
    contender: &Arc<dyn Contender>,
    tasks: usize,
    each: usize,
    gets: bool,
) -> Result<f64> {
    let began = Instant::now();
    let mut running = Vec::with_capacity(tasks);
    for task in 0..tasks {
        let contender = Arc::clone(contender);
        running.push(tokio::spawn(async move {
            for number in 0..each {
                match gets {
                    true => {
                        let id = i64::try_from((task * 31 + number * 7) % 1_000)? + 1;
                        assert_eq!(contender.get(id).await?, id);
                    }
                    false => contender.acquire().await?,
                }
            }
            Result::Ok(())
        }));
    }
    for task in running {
        task.await??;
    }
    Ok(began.elapsed().as_secs_f64() / (tasks * each) as f64)
}

async fn table(
    title: &str,
    contenders: &[Arc<dyn Contender>],
    (tasks, each, gets): (usize, usize, bool),
) -> Result<()> {
    for contender in contenders {
        side_by_side(contender, tasks, each, gets).await?;
    }
    let mut samples = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for round in 0..ROUNDS {
        let mut took = vec![0.0; contenders.len()];
        for place in 0..contenders.len() {
            let at = (round + place) % contenders.len();
            took[at] = side_by_side(&contenders[at], tasks, each, gets).await?;
        }
        for (samples, took_each) in samples.iter_mut().zip(&took) {
            samples.push((took_each / took[0], *took_each));
        }
    }
    println!("| {title} | each, median | ratio to sqlx, median | quartiles |");
    println!("|---|---:|---:|---:|");
    for (contender, mut samples) in contenders.iter().zip(samples) {
        samples.sort_by(|one, other| one.0.total_cmp(&other.0));
        let ratio = |part: f64| samples[(samples.len() as f64 * part) as usize].0;
        let mut each: Vec<f64> = samples.iter().map(|(_, each)| each * 1e6).collect();
        each.sort_by(f64::total_cmp);
        println!(
            "| {} | {:.2} µs | **{:.2}** | {:.2} .. {:.2} |",
            contender.name(),
            each[each.len() / 2],
            ratio(0.5),
            ratio(0.25),
            ratio(0.75)
        );
    }
    println!();
    Ok(())
}

/// The slowest of a hundred acquisitions by one task, while others keep the machine busy over other connections.
async fn tail(contenders: &[Arc<dyn Contender>]) -> Result<()> {
    println!("| acquire while 4 tasks get | p50 | p99 | p99.9 |");
    println!("|---|---:|---:|---:|");
    for contender in contenders {
        let load: Vec<_> = (0..4)
            .map(|task| {
                let contender = Arc::clone(contender);
                tokio::spawn(async move {
                    loop {
                        let _ = contender.get(task + 1).await;
                    }
                })
            })
            .collect();
        let mut took = Vec::new();
        for _ in 0..5_000 {
            let began = Instant::now();
            contender.acquire().await?;
            took.push(began.elapsed());
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        load.iter().for_each(tokio::task::JoinHandle::abort);
        took.sort();
        let at = |part: f64| took[(took.len() as f64 * part) as usize];
        let name = contender.name();
        println!(
            "| {name} | {:?} | {:?} | {:?} |",
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
    println!();
    Ok(())
}

async fn run(url: String) -> Result<()> {
    let contenders = contenders(&url).await?;
    table(
        "acquire and release, 1 task",
        &contenders,
        (1, 20_000, false),
    )
    .await?;
    table(
        "acquire and release, 64 tasks",
        &contenders,
        (TASKS, 500, false),
    )
    .await?;
    table("get by key, 1 task", &contenders, (1, 1_000, true)).await?;
    table("get by key, 64 tasks", &contenders, (TASKS, 50, true)).await?;
    tail(&contenders).await
}

fn main() -> Result<()> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(runtime.spawn(run(url)))?
}
