//! What a hit of the result cache costs, beside moka alone and beside the same row by key from the database.
//!
//! All in one process, on SQLite in memory, in turn, so that a slow minute of the machine hits all of them. Printed are
//! nanoseconds for each call, the fastest and the median of the rounds.
use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use entourage::{Database, prelude::*};

const ROWS: i64 = 10_000;
const ROUNDS: usize = 21;
const CALLS: u32 = 10_000;

#[derive(Debug, Clone, Entity)]
#[entity(table = "users", cache(ttl = "1h", capacity = 20_000))]
struct User {
    #[entity(primary_key)]
    id: i64,
    email: String,
    name: String,
    visits: i64,
}

/// The times of one way to read.
struct Lane {
    name: &'static str,
    times: Vec<Duration>,
}

impl Lane {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            times: Vec::new(),
        }
    }

    fn print(mut self) {
        self.times.sort_unstable();
        let nanos = |time: Duration| (time / CALLS).as_nanos();
        let (fastest, median) = (self.times[0], self.times[self.times.len() / 2]);
        println!(
            "{:<32} {:>8} {:>8}",
            self.name,
            nanos(fastest),
            nanos(median)
        );
    }
}

/// The key of a call: all rows in turn, far apart.
fn key(call: u32) -> i64 {
    i64::from(call) * 7_919 % ROWS
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let db = Database::connect("sqlite::memory:").await?;
    db.create_schema::<User>().await?;
    let users = UserRepository::new(&db);
    let rows = (0..ROWS).map(|id| {
        let email = format!("user{id}@example.org");
        NewUser::new(id, email, format!("User {id}"), id)
    });
    let alone = moka::sync::Cache::<i64, Arc<User>>::new(20_000);
    for row in users.insert_many(rows).await? {
        users.get(row.id).await?;
        alone.insert(row.id, Arc::new(row));
    }
    let query = || {
        let few = users.filter(User::VISITS.lt(10)).order_by(User::ID.asc());
        few.cached(Duration::from_secs(3_600))
    };
    query().all_shared().await?;

    let mut moka_alone = Lane::new("moka alone, Arc");
    let mut moka_copied = Lane::new("moka alone, row copied");
    let mut hit = Lane::new("get, hit");
    let mut result_hit = Lane::new("cached query of 10 rows, hit");
    let mut by_key = Lane::new("get, from SQLite");
    for _ in 0..ROUNDS {
        let began = Instant::now();
        (0..CALLS).for_each(|call| drop(black_box(alone.get(&key(call)))));
        moka_alone.times.push(began.elapsed());
        let began = Instant::now();
        (0..CALLS).for_each(|call| {
            let row = alone.get(&key(call));
            drop(black_box(row.map(Arc::unwrap_or_clone)));
        });
        moka_copied.times.push(began.elapsed());
        let began = Instant::now();
        for call in 0..CALLS {
            black_box(users.get(key(call)).await?);
        }
        hit.times.push(began.elapsed());
        let began = Instant::now();
        for _ in 0..CALLS {
            black_box(query().all_shared().await?);
        }
        result_hit.times.push(began.elapsed());
        let past = users.bypass_cache();
        let began = Instant::now();
        for call in 0..CALLS {
            black_box(past.get(key(call)).await?);
        }
        by_key.times.push(began.elapsed());
    }
    println!("{:<32} {:>8} {:>8}", "ns a call", "fastest", "median");
    let lanes = [moka_alone, moka_copied, hit, result_hit, by_key];
    lanes.into_iter().for_each(Lane::print);
    Ok(())
}
