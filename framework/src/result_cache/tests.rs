//! The promises of the cache, against a database that is a map.
mod commits;
mod flights;
#[cfg(feature = "sqlite")]
mod model;
mod races;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Cache, CacheOptions, rows::Found};
use crate::{
    executor::written::{PendingWrites, RowCache, Settled, Ticket, Write, WriteListener},
    prelude::*,
    schema::{CachedRow, KeyPart},
    statement::{
        Touched,
        touched::{Fresh, TouchedRows},
    },
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "items", cache(ttl = "60s"))]
struct Item {
    #[entity(primary_key)]
    id: i64,
    value: i64,
}

/// A cache without jitter, and rows that are the truth.
struct World {
    cache: Cache,
    truth: BTreeMap<i64, i64>,
    /// Writes that have begun and not ended.
    writing: usize,
}

impl World {
    fn new() -> Self {
        Self {
            cache: cache(),
            truth: BTreeMap::from([(1, 0)]),
            writing: 0,
        }
    }

    fn row(&self, id: i64) -> Option<Arc<dyn CachedRow>> {
        let value = *self.truth.get(&id)?;
        Some(Arc::new(Item { id, value }))
    }

    /// What the cache gives out for a row: `None` if it does not know.
    fn given_out(&self, id: i64) -> Option<Option<i64>> {
        let rows = self.cache.0.rows(Item::table()).unwrap();
        match rows.look(&KeyPart::Int(id), &self.cache.0.clock) {
            Found::Kept(row) => Some(row.map(|row| value_of(row).value)),
            Found::Old | Found::Nothing => None,
        }
    }

    fn ticket(&self, id: i64) -> Option<Ticket> {
        self.cache.ticket(Item::table(), &KeyPart::Int(id))
    }

    fn begin(&mut self, writes: Vec<Write>) -> Box<dyn PendingWrites> {
        self.writing += 1;
        self.cache.begin(writes)
    }

    fn end(&mut self, pending: Box<dyn PendingWrites>, settled: Settled) {
        drop(pending.end(settled));
        self.writing -= 1;
    }
}

fn cache() -> Cache {
    Cache::new(CacheOptions::new().jitter(0.0), Arc::default())
}

fn value_of(row: Arc<dyn CachedRow>) -> Item {
    Item::clone(&row.into_any().downcast::<Item>().unwrap())
}

/// A write that leaves this value in the row, or nothing.
fn leaves(id: i64, value: Option<i64>) -> Write {
    let touched = Touched::new(Item::table(), TouchedRows::Keys(vec![KeyPart::Int(id)]));
    let row = value.map(|value| Arc::new(Item { id, value }) as Arc<dyn CachedRow>);
    touched.note(Fresh {
        key: KeyPart::Int(id),
        row,
    });
    Write::Table {
        name: "items".into(),
        removes: value.is_none(),
        touched: Some(touched),
    }
}

/// A write to rows that nobody names.
fn anywhere() -> Write {
    Write::Table {
        name: "Items".into(),
        removes: false,
        touched: None,
    }
}

#[test]
fn a_write_leaves_its_row_and_a_delete_its_absence() {
    let mut world = World::new();
    let pending = world.begin(vec![leaves(1, Some(7))]);
    world.end(pending, Settled::Kept);
    assert_eq!(world.given_out(1), Some(Some(7)));
    let pending = world.begin(vec![leaves(1, None)]);
    assert_eq!(world.given_out(1), None);
    world.end(pending, Settled::Kept);
    assert_eq!(world.given_out(1), Some(None));
    // A new row may have any key, so nobody knows any more that there is none.
    let touched = Touched::new(Item::table(), TouchedRows::New);
    let pending = world.begin(vec![Write::Table {
        name: "items".into(),
        removes: false,
        touched: Some(touched),
    }]);
    world.end(pending, Settled::Kept);
    assert_eq!(world.given_out(1), None);
}

#[test]
fn of_several_writes_to_a_row_the_last_one_counts() {
    let mut world = World::new();
    let unnamed = Touched::new(Item::table(), TouchedRows::Keys(vec![KeyPart::Int(1)]));
    let silent = Write::Table {
        name: "items".into(),
        removes: false,
        touched: Some(unnamed),
    };
    for (writes, expected) in [
        (vec![leaves(1, Some(7)), leaves(1, Some(8))], Some(Some(8))),
        (vec![leaves(1, Some(7)), leaves(1, None)], Some(None)),
        (vec![leaves(1, Some(7)), silent.clone()], None),
        (vec![leaves(1, Some(7)), anywhere()], None),
        (vec![leaves(1, Some(7)), Write::Anything], None),
    ] {
        let pending = world.begin(writes);
        world.end(pending, Settled::Kept);
        assert_eq!(world.given_out(1), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_unknown_outcome_leaves_its_table_to_the_database() {
    let mut world = World::new();
    let pending = world.begin(vec![leaves(1, Some(7))]);
    drop(pending);
    assert_eq!((world.given_out(1), world.ticket(1)), (None, None));
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(world.ticket(1), None);
    // Another write that is known does not end the doubt.
    let pending = world.begin(vec![leaves(1, Some(8))]);
    world.end(pending, Settled::Kept);
    assert_eq!((world.given_out(1), world.ticket(1)), (None, None));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(world.ticket(1).is_some());
}

#[tokio::test(start_paused = true)]
async fn rows_expire_and_only_those_unread_early() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[entity(table = "visits", cache(ttl = "60s", tti = "10s"))]
    struct Visit {
        #[entity(primary_key)]
        id: i64,
    }
    let cache = cache();
    let key = KeyPart::Int(1);
    let keep = || {
        let ticket = cache.ticket(Visit::table(), &key).unwrap();
        cache.keep(
            Visit::table(),
            &key,
            Some(Arc::new(Visit { id: 1 })),
            ticket,
        );
    };
    let is_kept = || cache.kept(Visit::table(), &key).is_some();
    keep();
    for _ in 0..7 {
        assert!(is_kept());
        tokio::time::advance(Duration::from_secs(8)).await;
    }
    assert!(is_kept());
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(!is_kept(), "it is 61 seconds old");
    keep();
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(!is_kept(), "nobody asked for it for ten seconds");
}

#[test]
fn a_full_cache_drops_rows_and_says_so() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[entity(table = "pages", cache(ttl = "60s", max_bytes = 10_000))]
    struct Page {
        #[entity(primary_key)]
        id: i64,
        text: String,
    }
    let cache = cache();
    for id in 0..100 {
        let ticket = cache.ticket(Page::table(), &KeyPart::Int(id)).unwrap();
        let row = Page {
            id,
            text: "x".repeat(900),
        };
        cache.keep(
            Page::table(),
            &KeyPart::Int(id),
            Some(Arc::new(row)),
            ticket,
        );
    }
    let figures = cache.stats().entity("Page");
    assert!((5..=10).contains(&figures.entries), "{figures:?}");
    assert!(figures.evictions >= 90, "{figures:?}");
}
