use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::{
    result_cache::write_behind::change::{Columns, Set},
    schema::{ColumnDef, ColumnDefault, SqlType},
};

static TABLE: LazyLock<TableDef> = LazyLock::new(|| {
    let column = |name| ColumnDef {
        name,
        field: name,
        sql_type: SqlType::BigInt,
        nullable: false,
        default: ColumnDefault::None,
        length: None,
        sensitive: false,
    };
    TableDef {
        entity: "Counter",
        name: "counters",
        schema: None,
        columns: vec![column("id"), column("count")],
        primary_key: vec![0],
        indexes: Vec::new(),
        version: None,
        created_at: None,
        updated_at: None,
        deleted_at: None,
        shard_key: None,
        cache: None,
        view: None,
        relations: Vec::new,
    }
});

fn queue(max_pending: usize, batch: usize) -> Queue {
    let age = Duration::from_secs(1);
    let limits = Limits {
        max_pending,
        batch,
        age,
    };
    Queue::new(vec![&TABLE], limits, 1)
}

fn add(queue: &mut Queue, key: i64, delta: i64, now: Instant) -> Result<Taken, NotTaken> {
    let edit = Edit {
        set: Columns::from_iter([(1, Set::Add(Value::BigInt(Some(delta))))]),
        ..Edit::default()
    };
    let values = vec![Value::BigInt(Some(key))];
    queue.push((0, KeyPart::Int(key)), values, Change::Update(edit), now)
}

fn sum_of(change: &Change) -> i64 {
    match change {
        Change::Update(edit) => match edit.set.get(1) {
            Some(Set::Add(Value::BigInt(Some(delta)))) => *delta,
            _ => panic!("{edit:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_queue_still_takes_changes_of_rows_that_wait() {
    let now = Instant::now();
    let mut queue = queue(2, 10);
    assert!(add(&mut queue, 1, 1, now).is_ok() && add(&mut queue, 2, 1, now).is_ok());
    assert_eq!(add(&mut queue, 3, 1, now), Err(NotTaken::Full));
    assert!(add(&mut queue, 2, 1, now).unwrap().coalesced);
    assert_eq!(queue.pending(), 2);
}

#[test]
fn rows_that_come_and_go_take_no_memory() {
    let now = Instant::now();
    let mut queue = queue(10, 10);
    let insert = |key| Change::Insert(vec![Value::BigInt(Some(key)), Value::BigInt(Some(0))]);
    let mut push = |key, change| {
        let values = vec![Value::BigInt(Some(key))];
        queue
            .push((0, KeyPart::Int(key)), values, change, now)
            .unwrap();
        assert!(queue.open.entries.len() <= 2 * queue.open.len() + SPARE);
        queue.pending()
    };
    for key in 0..1_000 {
        push(key, insert(key));
        if key >= 3 {
            push(key - 3, Change::Delete(Edit::default()));
        }
    }
    push(1_000, insert(1_000));
    assert_eq!(push(998, Change::Delete(Edit::default())), 3);
    let keys = queue.open.entries().map(|entry| entry.key[0].clone());
    let expected = [997, 999, 1_000].map(|key| Value::BigInt(Some(key)));
    assert_eq!(keys.collect::<Vec<_>>(), expected);
    for key in [997, 999, 1_000] {
        let change = queue.view(&(0, KeyPart::Int(key))).change;
        assert_eq!(change, Some(insert(key)));
    }
    assert_eq!(queue.view(&(0, KeyPart::Int(998))).change, None);
}

#[test]
fn a_batch_is_due_when_it_is_full_or_old() {
    let now = Instant::now();
    let mut queue = queue(10, 2);
    add(&mut queue, 1, 1, now).unwrap();
    assert!(queue.due(now).is_none());
    assert!(queue.due(now + Duration::from_secs(1)).is_some());
    add(&mut queue, 2, 1, now).unwrap();
    assert!(add(&mut queue, 3, 1, now).unwrap().closed);
    queue.committed();
    assert_eq!(queue.due(now).unwrap().through, 3);
}

#[test]
fn a_row_being_written_is_known_as_such() {
    let now = Instant::now();
    let mut queue = queue(10, 1);
    let row = (0, KeyPart::Int(1));
    add(&mut queue, 1, 1, now).unwrap();
    add(&mut queue, 1, 2, now).unwrap();
    let before = queue.view(&row);
    assert_eq!(sum_of(before.change.as_ref().unwrap()), 3);
    queue.attempt_begins();
    let during = queue.view(&row);
    assert!(during.unsettled && !before.is_as_flushed_as(&during));
    queue.attempt_failed(false);
    assert!(!queue.view(&row).unsettled);
    assert!(!before.is_as_flushed_as(&queue.view(&row)));
    queue.committed();
    assert_eq!(sum_of(queue.view(&row).change.as_ref().unwrap()), 2);
}

#[derive(Debug, Clone)]
enum Step {
    Add(i64, i64),
    Close,
    Flush,
    Fail,
}

proptest! {
    /// What the database has and what waits are together what was acknowledged, for every row and at every moment.
    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec(prop_oneof![
        6 => (0..5_i64, 1..9_i64).prop_map(|(key, delta)| Step::Add(key, delta)),
        1 => Just(Step::Close),
        2 => Just(Step::Flush),
        1 => Just(Step::Fail),
    ], 0..60)) {
        let now = Instant::now();
        let mut queue = queue(8, 3);
        let mut acknowledged = HashMap::<i64, i64>::new();
        let mut database = HashMap::<i64, i64>::new();
        let mut last = 0;
        for step in steps {
            match step {
                Step::Add(key, delta) => {
                    if let Ok(taken) = add(&mut queue, key, delta, now) {
                        prop_assert!(taken.seq > last);
                        last = taken.seq;
                        *acknowledged.entry(key).or_default() += delta;
                    }
                }
                Step::Close => drop(queue.close()),
                Step::Fail => {
                    queue.attempt_begins();
                    queue.attempt_failed(true);
                }
                Step::Flush => {
                    if let Some(batch) = queue.due(now) {
                        queue.attempt_begins();
                        for entry in batch.entries() {
                            let Value::BigInt(Some(key)) = entry.key[0] else { panic!("{entry:?}") };
                            *database.entry(key).or_default() += sum_of(&entry.change);
                        }
                        queue.committed();
                        prop_assert_eq!(queue.committed_through(), batch.through);
                    }
                }
            }
            prop_assert!(queue.pending() <= 8);
            for (&key, &sum) in &acknowledged {
                let waits = queue.view(&(0, KeyPart::Int(key))).change;
                let there = database.get(&key).copied().unwrap_or_default();
                prop_assert_eq!(there + waits.as_ref().map_or(0, sum_of), sum);
            }
        }
    }
}
