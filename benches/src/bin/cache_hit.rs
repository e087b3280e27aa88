//! What does a hit of the result cache cost, beside moka alone and beside the same row by key from the database?
//!
//! All ways take turns in one process. SQLite has a file with a write-ahead log, by hand with one prepared statement that
//! is stepped directly, and through the library past its cache; a server is asked over its connection past the cache.
use std::{
    hint::black_box,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use entourage::{Database, pool::PoolOptions, prelude::*};
use entourage_benches::{Result, ratios::Ratios, zipf::Zipf};
use tokio::time::Instant;

const ROUNDS: usize = 31;
/// Many passes over all rows: the first finds memory as the way before it left it.
const CALLS: usize = 100_000;

/// Which rows are asked for.
#[derive(Debug, Clone, Copy)]
enum Load {
    /// One after the other, far apart.
    Each,
    /// The popular ones most of the time: by a zipf distribution of this exponent.
    Zipf(f64),
}

/// How many rows there are, and which are asked for: few; more than a core's cache holds, as most programs ask for them,
/// and each of them as often as any other.
const SCENES: [(i64, Load); 3] = [
    (100, Load::Each),
    (10_000, Load::Zipf(0.99)),
    (10_000, Load::Each),
];

#[derive(Debug, Clone, Entity)]
#[entity(table = "bench_cache_users", cache(ttl = "1h", capacity = 20_000))]
struct User {
    #[entity(primary_key)]
    id: i64,
    email: String,
    name: String,
    visits: i64,
}

/// The keys of the calls, in their order.
fn keys(rows: i64, load: Load) -> Vec<i64> {
    match load {
        Load::Each => (0..).map(|call| call * 7_919 % rows).take(CALLS).collect(),
        Load::Zipf(exponent) => {
            let mut zipf = Zipf::new(rows as usize, exponent);
            std::iter::repeat_with(|| zipf.key()).take(CALLS).collect()
        }
    }
}

fn row(id: i64) -> User {
    User {
        id,
        email: format!("user{id}@example.org"),
        name: format!("User {id}"),
        visits: id,
    }
}

/// The row by hand.
fn stepped(statement: &mut rusqlite::Statement<'_>, id: i64) -> rusqlite::Result<User> {
    statement.query_row([id], |row| {
        Ok(User {
            id: row.get(0)?,
            email: row.get(1)?,
            name: row.get(2)?,
            visits: row.get(3)?,
        })
    })
}

/// Files of SQLite's, which go with the bench.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("entourage-cache-hit-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn by_hand(file: &Path, rows: i64) -> rusqlite::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = wal; CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, visits INTEGER NOT NULL); BEGIN",
    )?;
    let mut insert = connection.prepare("INSERT INTO users VALUES (?1, ?2, ?3, ?4)")?;
    for row in (0..rows).map(row) {
        insert.execute((row.id, row.email, row.name, row.visits))?;
    }
    drop(insert);
    connection.execute_batch("COMMIT")?;
    Ok(connection)
}

async fn filled(url: &str, rows: i64) -> Result<Database> {
    let one = PoolOptions::new().max_connections(1);
    let db = Database::builder().url(url).pool(one).connect().await?;
    db.drop_schema::<User>().await?;
    db.create_schema::<User>().await?;
    let users = UserRepository::new(&db);
    let new = (0..rows).map(|id| {
        let row = row(id);
        NewUser::new(row.id, row.email, row.name, row.visits)
    });
    users.insert_many(new).await?;
    for id in 0..rows {
        users.get(id).await?;
    }
    drop(users);
    Ok(db)
}

async fn run(rows: i64, load: Load, servers: &[String]) -> Result<()> {
    let mut names: Vec<String> = [
        "get, hit",
        "moka alone, its `Arc`",
        "moka alone, the row copied",
        "cached query of 10 rows, hit",
        "SQLite by hand, one statement stepped",
        "get past the cache, SQLite",
    ]
    .map(str::to_owned)
    .into();
    let folder = Folder::new()?;
    let file = folder.0.join("entourage.db");
    let db = filled(&format!("sqlite://{}", file.display()), rows).await?;
    let mut remote = Vec::new();
    for url in servers {
        let db = filled(url, rows).await?;
        names.push(format!(
            "get past the cache, {}",
            db.dialect().system_name()
        ));
        remote.push(db);
    }
    let users = UserRepository::new(&db);
    let alone = moka::sync::Cache::<i64, Arc<User>>::new(20_000);
    (0..rows).for_each(|id| alone.insert(id, Arc::new(row(id))));
    let by_hand = by_hand(&folder.0.join("by_hand.db"), rows)?;
    let mut statement =
        by_hand.prepare("SELECT id, email, name, visits FROM users WHERE id = ?1")?;
    let query = || {
        let few = users.filter(User::VISITS.lt(10)).order_by(User::ID.asc());
        few.cached(Duration::from_secs(3_600))
    };
    query().all_shared().await?;
    let keys = keys(rows, load);
    let mut ratios = Ratios::of(names);
    for round in 0..ROUNDS {
        for way in ratios.turns(round) {
            let calls = if way < 6 { CALLS } else { CALLS / 100 };
            let keys = &keys[..calls];
            let began = Instant::now();
            match way {
                0 => {
                    for &key in keys {
                        black_box(users.get(key).await?);
                    }
                }
                1 => keys.iter().for_each(|key| drop(black_box(alone.get(key)))),
                2 => keys.iter().for_each(|key| {
                    let row = alone.get(key);
                    drop(black_box(row.map(|row| User::clone(&row))));
                }),
                3 => {
                    for _ in 0..calls {
                        black_box(query().all_shared().await?);
                    }
                }
                4 => {
                    for &key in keys {
                        black_box(stepped(&mut statement, key)?);
                    }
                }
                way => {
                    let db = if way == 5 { &db } else { &remote[way - 6] };
                    let past = UserRepository::new(db).bypass_cache();
                    for &key in keys {
                        black_box(past.get(key).await?);
                    }
                }
            }
            ratios.add(way, began.elapsed().as_secs_f64() / calls as f64);
        }
    }
    let asked = match load {
        Load::Each => "each as often as any other".to_owned(),
        Load::Zipf(exponent) => format!("zipf, exponent {exponent}"),
    };
    ratios.print(&format!("{rows} rows, all kept, {asked}"), "a call");
    for db in &remote {
        db.drop_schema::<User>().await?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let servers: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for (rows, load) in SCENES {
        runtime.block_on(run(rows, load, &servers))?;
    }
    Ok(())
}
