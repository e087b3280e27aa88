//! A database and its cache against a plain map, with time.
use std::collections::BTreeMap;

use proptest::{
    prelude::{Just, ProptestConfig, any, prop_oneof, proptest},
    strategy::Strategy,
};

use super::*;
use crate::{Database, repository::Repository, transaction::Transaction};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
enum Op {
    Find(i64),
    FindMany(Vec<i64>),
    Count,
    Change(Vec<Change>),
    /// The same in a transaction: whether it is committed, and how many changes a savepoint takes back before.
    Transaction(Vec<Change>, Vec<Change>, bool),
    /// Somebody else sets a value, of which the cache is not told.
    Elsewhere(i64, i64),
    Invalidate(i64),
    Clear,
    Wait(u64),
}

#[derive(Debug, Clone)]
enum Change {
    Set(i64, i64),
    Insert(i64, i64),
    Delete(i64),
    SetAll(i64),
    Raw(i64, i64),
}

fn change() -> impl Strategy<Value = Change> {
    let (id, value) = (0..4_i64, 0..100_i64);
    prop_oneof![
        (id.clone(), value.clone()).prop_map(|(id, value)| Change::Set(id, value)),
        (id.clone(), value.clone()).prop_map(|(id, value)| Change::Insert(id, value)),
        id.clone().prop_map(Change::Delete),
        value.clone().prop_map(Change::SetAll),
        (id, value).prop_map(|(id, value)| Change::Raw(id, value)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let id = 0..4_i64;
    let changes = || proptest::collection::vec(change(), 0..4);
    prop_oneof![
        6 => id.clone().prop_map(Op::Find),
        2 => proptest::collection::vec(id.clone(), 0..5).prop_map(Op::FindMany),
        2 => Just(Op::Count),
        4 => changes().prop_map(Op::Change),
        2 => (changes(), changes(), any::<bool>()).prop_map(|(outer, inner, commits)| {
            Op::Transaction(outer, inner, commits)
        }),
        1 => (id.clone(), 0..100_i64).prop_map(|(id, value)| Op::Elsewhere(id, value)),
        1 => id.prop_map(Op::Invalidate),
        1 => Just(Op::Clear),
        2 => (1..50_u64).prop_map(Op::Wait),
    ]
}

type Map = BTreeMap<i64, i64>;

/// Applies changes to the rows and to the map.
async fn apply(
    items: Repository<'_, Item>,
    raw: &dyn crate::executor::Executor,
    changes: &[Change],
    map: &mut Map,
) {
    for change in changes {
        match *change {
            Change::Set(id, value) => {
                let result = items.update(&Item { id, value }).await;
                assert_eq!(result.is_ok(), map.contains_key(&id));
                map.entry(id).and_modify(|old| *old = value);
            }
            Change::Insert(id, value) => {
                if map.contains_key(&id) {
                    continue;
                }
                items.insert(NewItem { id, value }).await.unwrap();
                map.insert(id, value);
            }
            Change::Delete(id) => {
                assert_eq!(items.delete(id).await.unwrap(), map.remove(&id).is_some());
            }
            Change::SetAll(value) => {
                let set = items.query().set(Item::VALUE.to(value));
                set.update().await.unwrap();
                map.values_mut().for_each(|old| *old = value);
            }
            Change::Raw(id, value) => {
                let sql = "UPDATE items SET value = ? WHERE id = ?";
                let raw = crate::repository::Sql::new(raw, sql, args![value, id]);
                raw.execute().await.unwrap();
                map.entry(id).and_modify(|old| *old = value);
            }
        }
    }
}

async fn transaction(
    db: &Database,
    outer: &[Change],
    inner: &[Change],
    commits: bool,
    map: &mut Map,
) {
    let tx: Transaction = db.begin().await.unwrap();
    let mut inside = map.clone();
    apply(Repository::new(tx.clone()), &tx, outer, &mut inside).await;
    let savepoint = tx.begin().await.unwrap();
    let mut lost = inside.clone();
    apply(
        Repository::new(savepoint.clone()),
        &savepoint,
        inner,
        &mut lost,
    )
    .await;
    savepoint.rollback().await.unwrap();
    match commits {
        true => {
            tx.commit().await.unwrap();
            *map = inside;
        }
        false => tx.rollback().await.unwrap(),
    }
}

async fn play(ops: Vec<Op>) {
    let options = CacheOptions::new().jitter(0.0);
    let builder = Database::builder().url("sqlite::memory:").cache(options);
    let db = builder.connect().await.unwrap();
    db.execute_script("CREATE TABLE items (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)")
        .await
        .unwrap();
    let items = Repository::<Item>::new(&db);
    let mut map = Map::new();
    // What may be read besides, because somebody else changed it less than a minute ago.
    let mut old: Vec<(tokio::time::Instant, i64, Option<i64>)> = Vec::new();
    for op in ops {
        let may_be_old = |id: i64, value: Option<i64>| {
            old.iter()
                .any(|(at, of, was)| at.elapsed() < MINUTE && *of == id && *was == value)
        };
        let check = |id: i64, found: Option<&Item>, map: &Map| {
            let found = found.map(|item| item.value);
            let is_true = found == map.get(&id).copied();
            assert!(
                is_true || may_be_old(id, found),
                "{id}: {found:?} in {map:?}"
            );
        };
        match op {
            Op::Find(id) => {
                let found = items.find(id).await.unwrap();
                check(id, found.as_ref(), &map);
                let recording = db.recorded();
                assert_eq!(items.find(id).await.unwrap(), found);
                assert_eq!(recording.count(), 0);
            }
            Op::FindMany(ids) => {
                let found = items.find_many(ids.clone()).await.unwrap();
                for (id, found) in ids.into_iter().zip(&found) {
                    check(id, found.as_ref(), &map);
                }
            }
            Op::Count => {
                let count = items.query().cached(MINUTE).count().await.unwrap();
                assert_eq!(count, map.len() as u64);
            }
            Op::Change(changes) => apply(items.clone(), &db, &changes, &mut map).await,
            Op::Transaction(outer, inner, commits) => {
                transaction(&db, &outer, &inner, commits, &mut map).await;
            }
            Op::Elsewhere(id, value) => {
                let sql = "UPDATE items SET value = ? WHERE id = ?";
                let unseen = db.sql(sql, args![value, id]).tables(["elsewhere"]);
                unseen.execute().await.unwrap();
                if let Some(was) = map.get_mut(&id) {
                    old.push((tokio::time::Instant::now(), id, Some(*was)));
                    *was = value;
                }
            }
            Op::Invalidate(id) => {
                db.cache().invalidate::<Item>(id);
                old.retain(|(_, of, _)| *of != id);
            }
            Op::Clear => {
                db.cache().clear();
                old.clear();
            }
            Op::Wait(seconds) => tokio::time::advance(Duration::from_secs(seconds)).await,
        }
    }
    for id in 0..4 {
        let found = items.refresh_cache().find(id).await.unwrap();
        assert_eq!(found.map(|item| item.value), map.get(&id).copied());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn reads_through_the_cache_are_those_of_a_map(ops in proptest::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(ops));
    }
}
