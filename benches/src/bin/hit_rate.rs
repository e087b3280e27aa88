//! How many reads under a zipf load does the result cache answer, beside plain moka and beside an LRU of its capacity?
//!
//! All three see the same keys in the same order: the most popular key is asked for `rank^-s` times as often as the
//! others. Counted are the reads after a warm-up. The generator begins with a fixed number, so that runs agree but for
//! what moka does in the background.
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use entourage::{Database, prelude::*};
use entourage_benches::{Result, zipf::Zipf};

const KEYS: usize = 100_000;
const WARM_UP: usize = 200_000;
const READS: usize = 500_000;
const EXPONENTS: [f64; 3] = [0.8, 0.99, 1.2];

#[derive(Debug, Clone, Entity)]
#[entity(table = "small", cache(ttl = "1h", capacity = 1_000))]
struct Small {
    #[entity(primary_key)]
    id: i64,
    name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "large", cache(ttl = "1h", capacity = 10_000))]
struct Large {
    #[entity(primary_key)]
    id: i64,
    name: String,
}

/// The least recently used goes.
struct Lru {
    capacity: usize,
    clock: u64,
    used: HashMap<i64, u64>,
    order: BTreeMap<u64, i64>,
}

impl Lru {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            clock: 0,
            used: HashMap::new(),
            order: BTreeMap::new(),
        }
    }

    /// Asks for a key, and keeps it; whether it was there.
    fn ask(&mut self, key: i64) -> bool {
        self.clock += 1;
        let before = self.used.insert(key, self.clock);
        if let Some(before) = before {
            self.order.remove(&before);
        }
        self.order.insert(self.clock, key);
        if self.used.len() > self.capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.used.remove(&oldest);
        }
        before.is_some()
    }
}

/// The part of the reads after the warm-up that `is_hit` says yes to.
fn rate(exponent: f64, mut is_hit: impl FnMut(i64) -> bool) -> f64 {
    let mut keys = Zipf::new(KEYS, exponent);
    let mut hits = 0;
    for read in 0..WARM_UP + READS {
        hits += usize::from(is_hit(keys.key()) && read >= WARM_UP);
    }
    hits as f64 / READS as f64
}

fn moka_alone(exponent: f64, capacity: u64) -> f64 {
    let cache = moka::sync::Cache::<i64, Arc<String>>::new(capacity);
    let name = Arc::new("name".to_owned());
    rate(exponent, |key| {
        let is_hit = cache.get(&key).is_some();
        if !is_hit {
            cache.insert(key, Arc::clone(&name));
        }
        is_hit
    })
}

fn lru(exponent: f64, capacity: usize) -> f64 {
    let mut lru = Lru::new(capacity);
    rate(exponent, |key| lru.ask(key))
}

/// The rate that an all-knowing cache would have: the most popular keys, and no others.
fn at_most(exponent: f64, capacity: usize) -> f64 {
    Zipf::new(KEYS, exponent).share_of_most_popular(capacity)
}

macro_rules! of_entity {
    ($entity:ident, $new:ident, $repository:ident, $exponent:expr) => {{
        let db = Database::connect("sqlite::memory:").await?;
        db.create_schema::<$entity>().await?;
        let rows = $repository::new(&db);
        let all = (0..KEYS as i64).map(|id| $new::new(id, format!("Row {id}")));
        rows.insert_many(all).await?;
        db.cache().clear();
        let mut keys = Zipf::new(KEYS, $exponent);
        let hits = || db.cache().stats().entity(stringify!($entity)).hits;
        let mut before = 0;
        for read in 0..WARM_UP + READS {
            if read == WARM_UP {
                before = hits();
            }
            rows.get(keys.key()).await?;
        }
        (hits() - before) as f64 / READS as f64
    }};
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    println!(
        "| {KEYS} keys, {READS} reads after {WARM_UP} | capacity | entourage | moka alone | LRU | at most |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for exponent in EXPONENTS {
        for capacity in [1_000, 10_000] {
            let ours: f64 = match capacity {
                1_000 => of_entity!(Small, NewSmall, SmallRepository, exponent),
                _ => of_entity!(Large, NewLarge, LargeRepository, exponent),
            };
            println!(
                "| zipf, exponent {exponent} | {capacity} | **{:.1} %** | {:.1} % | {:.1} % | {:.1} % |",
                100.0 * ours,
                100.0 * moka_alone(exponent, capacity as u64),
                100.0 * lru(exponent, capacity),
                100.0 * at_most(exponent, capacity),
            );
        }
    }
    Ok(())
}
