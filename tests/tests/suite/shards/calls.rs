//! Which shards a call goes to.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use entourage::{
    Database, ErrorKind, Shards,
    observe::{Event, Observer},
    prelude::*,
    repository::WriteBatcher,
    result_cache::{CacheOptions, RedisOptions},
    shards::ShardRanges,
};
use entourage_tests::{
    require,
    setup::{self, TestDatabase},
};

use super::{
    keys,
    models::{
        Customer, CustomerPatch, CustomerRepository, Everything, LineRepository, NewOrder,
        NewTicket, Order, OrderRepository, Ticket, TicketPatch, TicketRepository, builder,
        customers, empty, filled,
    },
    refused,
};

/// The shards that `work` sent statements to, and its value. Sent are exactly `statements`.
async fn sent<T>(
    shards: &Shards,
    statements: usize,
    work: impl Future<Output = entourage::Result<T>>,
) -> (BTreeSet<String>, T) {
    let recording = shards.recorded();
    let value = work.await.unwrap();
    let all = recording.statements();
    assert_eq!(
        all.len(),
        statements,
        "{:#?}",
        all.iter().map(|one| &one.sql).collect::<Vec<_>>()
    );
    let shard =
        |one: &entourage::observe::Recorded| one.target.shard.as_deref().unwrap().to_owned();
    (all.iter().map(shard).collect(), value)
}

fn of(shards: &Shards, keys: &[i64]) -> BTreeSet<String> {
    let name = |key: &i64| shards.shard_of(key).unwrap().to_string();
    keys.iter().map(name).collect()
}

fn all() -> BTreeSet<String> {
    ["a", "b", "c"].map(str::to_owned).into()
}

pub(super) async fn a_call_goes_to_the_shards_of_its_keys(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    let (customers, orders) = (
        CustomerRepository::new(&shards),
        OrderRepository::new(&shards),
    );
    let (one, other, same) = keys(&shards);
    assert_eq!(
        sent(&shards, 1, customers.find(one)).await.0,
        of(&shards, &[one])
    );
    let two = sent(&shards, 2, customers.find_many([one, other, same])).await;
    assert_eq!(two.0, of(&shards, &[one, other]));
    let equal = orders.filter(Order::CUSTOMER_ID.eq(one).and(Order::CENTS.gt(0)));
    assert_eq!(sent(&shards, 1, equal.all()).await.0, of(&shards, &[one]));
    let either = orders.filter(
        Order::CUSTOMER_ID
            .eq(one)
            .or(Order::CUSTOMER_ID.in_list([other])),
    );
    assert_eq!(
        sent(&shards, 2, either.clone().all()).await.0,
        of(&shards, &[one, other])
    );
    assert_eq!(
        sent(&shards, 2, either.count()).await.0,
        of(&shards, &[one, other])
    );
    let none = orders.filter(Order::CUSTOMER_ID.in_list(Vec::<i64>::new()));
    assert_eq!(sent(&shards, 0, none.all()).await.1, Vec::new());
    assert_eq!(
        sent(&shards, 3, orders.filter(Order::CENTS.gt(0)).all())
            .await
            .0,
        all()
    );
    assert_eq!(sent(&shards, 3, orders.find(7)).await.0, all());
    assert_eq!(sent(&shards, 3, orders.query().exists()).await.0, all());
    // An order by text is decided by the database: a statement more.
    assert_eq!(
        sent(&shards, 4, customers.order_by(Customer::NAME.asc()).all())
            .await
            .0,
        all()
    );
    // One graph is a load on each shard, not a statement for each row.
    let graph = customers
        .with(Customer::ORDERS.with(Order::LINES))
        .strategy(Strategy::Batched);
    assert_eq!(sent(&shards, 9, graph.all()).await.0, all());
    let figures = shards.figures();
    let reads: u64 = figures.shards.iter().map(|shard| shard.reads).sum();
    assert_eq!(reads, 1 + 2 + 1 + 2 + 2 + 3 + 3 + 3 + 3 + 3);
    assert!(
        figures
            .hottest()
            .is_some_and(|shard| *shard.name == *shards.shard_of(&one).unwrap())
    );
}

pub(super) async fn a_write_goes_to_the_shard_of_its_row(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    let (customers, orders) = (
        CustomerRepository::new(&shards),
        OrderRepository::new(&shards),
    );
    let (one, other, same) = keys(&shards);
    let new = |id, customer_id| NewOrder {
        id,
        customer_id,
        cents: 5,
        note: None,
    };
    let recorded = async |work: &str, key: i64, recording: entourage::observe::Recording| {
        let names: BTreeSet<String> = recording
            .statements()
            .iter()
            .map(|one| one.target.shard.as_deref().unwrap().to_owned())
            .collect();
        assert_eq!(names, of(&shards, &[key]), "{work}");
    };
    let recording = shards.recorded();
    let mut order = orders.insert(new(501, other)).await.unwrap();
    recorded("insert", other, recording).await;
    let recording = shards.recorded();
    orders
        .insert_many([new(502, one), new(503, same)])
        .await
        .unwrap();
    recorded("insert_many", one, recording).await;
    let recording = shards.recorded();
    let inserted = orders
        .insert_many([new(504, one), new(505, same)])
        .without_rows()
        .await;
    assert_eq!(inserted.unwrap(), 2);
    recorded("without_rows", one, recording).await;
    let recording = shards.recorded();
    order.cents = 6;
    let order = orders.update(&order).await.unwrap();
    recorded("update", other, recording).await;
    let recording = shards.recorded();
    let updated = orders.update_many([&order]).await.unwrap();
    assert_eq!(updated[0].version, 3);
    recorded("update_many", other, recording).await;
    let recording = shards.recorded();
    let changed = orders
        .filter(Order::CUSTOMER_ID.eq(one))
        .set(Order::CENTS.to(1))
        .update()
        .await;
    assert!(changed.unwrap() >= 2);
    recorded("set", one, recording).await;
    let recording = shards.recorded();
    let mut again = super::models::customers().swap_remove(0);
    again.id = other;
    customers.upsert(again, Customer::ID).await.unwrap();
    recorded("upsert", other, recording).await;
    let recording = shards.recorded();
    customers
        .patch(
            one,
            CustomerPatch {
                name: Some("new".into()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    recorded("patch", one, recording).await;
    let recording = shards.recorded();
    assert_eq!(
        orders
            .filter(Order::CUSTOMER_ID.eq(other).and(Order::ID.eq(501)))
            .delete()
            .await
            .unwrap(),
        1
    );
    recorded("delete", other, recording).await;
    assert_eq!(customers.find(one).await.unwrap().unwrap().name, "new");
    assert_eq!(orders.find(501).await.unwrap(), None);
    let db = shards.at(&one).unwrap();
    let loaded = OrderRepository::new(&db)
        .bulk_insert((600..700).map(|id| new(id, one)))
        .await;
    assert_eq!(loaded.unwrap().affected, 100);
    let batcher = WriteBatcher::<Order>::builder(&db).start();
    assert_eq!(batcher.insert(new(700, same)).await.unwrap().id, 700);
    assert_eq!(orders.filter(Order::ID.ge(600)).count().await.unwrap(), 101);
    let writes: u64 = shards
        .figures()
        .shards
        .iter()
        .map(|shard| shard.writes)
        .sum();
    assert_eq!(writes, 9);
}

pub(super) async fn a_transaction_has_one_shard(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    let (one, other, same) = keys(&shards);
    let error = shards.transaction(&[one, other]).map(drop).unwrap_err();
    refused(
        error,
        ErrorKind::CrossShard,
        &["are on the shards", "one database's"],
    );
    let error = shards.transaction::<i64>(&[]).map(drop).unwrap_err();
    refused(error, ErrorKind::NoShard, &["no shard key"]);
    let tx = shards
        .transaction(&[one, same])
        .unwrap()
        .begin()
        .await
        .unwrap();
    let orders = OrderRepository::new(&tx);
    let new = |id, customer_id| NewOrder {
        id,
        customer_id,
        cents: 5,
        note: None,
    };
    orders.insert(new(501, one)).await.unwrap();
    orders.insert(new(502, same)).await.unwrap();
    let recording = shards.recorded();
    let error = orders.insert(new(503, other)).await.unwrap_err();
    refused(
        error,
        ErrorKind::CrossShard,
        &["belongs on shard", "`customer_id`"],
    );
    let error = orders
        .filter(Order::CUSTOMER_ID.eq(other))
        .all()
        .await
        .unwrap_err();
    refused(error, ErrorKind::CrossShard, &["belongs on shard"]);
    let locked = CustomerRepository::new(&tx).lock(other).await.unwrap_err();
    refused(locked, ErrorKind::CrossShard, &["belongs on shard"]);
    assert_eq!(recording.count(), 0);
    // What was refused was not sent: the transaction goes on.
    assert_eq!(
        CustomerRepository::new(&tx).lock(one).await.unwrap().id,
        one
    );
    drop(orders);
    tx.commit().await.unwrap();
    let orders = OrderRepository::new(&shards);
    assert_eq!(orders.filter(Order::ID.ge(501)).count().await.unwrap(), 2);
}

pub(super) async fn a_key_that_each_shard_counts_is_ambiguous(databases: &[TestDatabase]) {
    let shards = empty(databases).await;
    let tickets = TicketRepository::new(&shards);
    let (one, other, _) = keys(&shards);
    let new = |tenant, title: &str| NewTicket {
        tenant,
        title: title.into(),
    };
    let first = tickets.insert(new(one, "first")).await.unwrap();
    assert_eq!(
        tickets.find(first.id).await.unwrap().unwrap().title,
        "first"
    );
    let second = tickets.insert(new(other, "second")).await.unwrap();
    assert_eq!(first.id, second.id);
    let error = tickets.find(first.id).await.unwrap_err();
    refused(
        error,
        ErrorKind::TooMany,
        &["both have a row of `tickets`", "with its shard key"],
    );
    let error = tickets.find_many([first.id]).await.unwrap_err();
    refused(error, ErrorKind::TooMany, &["both have a row"]);
    let found = tickets
        .filter(Ticket::TENANT.eq(other).and(Ticket::ID.eq(second.id)))
        .one()
        .await
        .unwrap();
    assert_eq!(found.title, "second");
    assert_eq!(tickets.find_by_title("second").await.unwrap(), Some(second));
    tickets.insert(new(other, "first")).await.unwrap();
    let error = tickets.find_by_title("first").await.unwrap_err();
    refused(error, ErrorKind::TooMany, &["both have a row"]);
}

pub(super) async fn a_shard_that_fails_is_named(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    shards
        .shard("b")
        .unwrap()
        .execute_script("DROP VIEW customer_totals; DROP TABLE order_lines; DROP TABLE orders")
        .await
        .unwrap();
    let orders = OrderRepository::new(&shards);
    let error = orders.query().all().await.unwrap_err();
    assert_eq!(error.shard(), Some("b"));
    refused(error, ErrorKind::Syntax, &["on shard `b`"]);
    for error in [
        orders.query().count().await.unwrap_err(),
        orders.order_by(Order::ID.asc()).all().await.unwrap_err(),
        orders.find(1).await.unwrap_err(),
        orders.query().exists().await.unwrap_err(),
    ] {
        assert_eq!(error.shard(), Some("b"), "{error}");
    }
    let healthy = (1..=40)
        .find(|key| *shards.shard_of(key).unwrap() != *"b")
        .unwrap();
    orders
        .filter(Order::CUSTOMER_ID.eq(healthy))
        .all()
        .await
        .unwrap();
    let error = shards.shard("d").map(drop).unwrap_err();
    assert!(
        error.is_no_shard() && error.to_string().contains("there are: `a`, `b`, `c`"),
        "{error}"
    );
    let health = shards.health().await;
    assert_eq!(health.len(), 3);
    shards.close().await.unwrap();
    let error = orders.query().all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
}

/// Keeps the shard of every statement, and every warning.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let text = match event {
            Event::Statement(event) => event.target.shard.as_deref().unwrap_or("none").to_owned(),
            Event::NPlusOne { found, .. } => format!("{found:?}"),
            Event::Warning { message } => (*message).to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

pub(super) async fn the_statements_of_one_call_are_no_n_plus_one(databases: &[TestDatabase]) {
    let heard = Arc::new(Heard::default());
    let shards = builder(databases)
        .observer(heard.clone())
        .connect()
        .await
        .unwrap();
    shards.create_schema::<Everything>().await.unwrap();
    for (db, rows) in shards.group(customers(), |row| row.id).unwrap() {
        CustomerRepository::new(&db)
            .insert_many(rows)
            .await
            .unwrap();
    }
    heard.0.lock().unwrap().clear();
    let repository = CustomerRepository::new(&shards);
    entourage::testing::assert_no_n_plus_one!(shards, {
        repository.query().all().await.unwrap();
        repository
            .order_by(Customer::NAME.asc())
            .limit(5)
            .all()
            .await
            .unwrap();
        repository.query().avg(Customer::RATING).await.unwrap();
        repository.find_many(1..=40).await.unwrap();
        repository.with(Customer::ORDERS).all().await.unwrap();
        let rows = repository.query().all().await.unwrap();
        repository.load(rows, Customer::ORDERS).await.unwrap();
    });
    entourage::testing::assert_no_n_plus_one!(shards, {
        let rows = (900..960).map(|id| NewOrder {
            id,
            customer_id: id % 40 + 1,
            cents: 1,
            note: None,
        });
        for (db, rows) in shards.group(rows, |row| row.customer_id).unwrap() {
            OrderRepository::new(&db).insert_many(rows).await.unwrap();
        }
    });
    let all = heard.0.lock().unwrap().clone();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3, "{all:?}");
    let count = entourage::testing::assert_queries!(shards, 3, repository.query().count().await);
    assert_eq!(count.unwrap(), 40);
}

pub(super) async fn each_shard_keeps_rows_of_its_own(databases: &[TestDatabase]) {
    let shards = empty(databases).await;
    let tickets = TicketRepository::new(&shards);
    let (one, other, _) = keys(&shards);
    let mine = tickets
        .insert(NewTicket {
            tenant: one,
            title: "mine".into(),
        })
        .await
        .unwrap();
    let (db, stranger) = (shards.at(&one).unwrap(), shards.at(&other).unwrap());
    let here = TicketRepository::new(&db);
    here.find(mine.id).await.unwrap();
    let recording = shards.recorded();
    assert_eq!(here.find(mine.id).await.unwrap().unwrap().title, "mine");
    assert_eq!(recording.count(), 0);
    // A row of that key elsewhere is another row.
    assert_eq!(
        TicketRepository::new(&stranger)
            .find(mine.id)
            .await
            .unwrap(),
        None
    );
    here.patch(
        mine.id,
        TicketPatch {
            title: Some("changed".into()),
        },
    )
    .await
    .unwrap();
    let read = tickets
        .filter(Ticket::TENANT.eq(one))
        .cached(std::time::Duration::from_secs(60));
    assert_eq!(read.one().await.unwrap().title, "changed");
    let everywhere = tickets
        .query()
        .cached(std::time::Duration::from_secs(60))
        .all()
        .await
        .unwrap();
    assert_eq!(everywhere.len(), 1);
}

pub(super) async fn rows_in_the_wrong_place_are_counted(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    let customers = CustomerRepository::new(&shards);
    assert_eq!(customers.misplaced().await.unwrap(), Vec::new());
    let error = LineRepository::new(&shards).misplaced().await.unwrap_err();
    refused(error, ErrorKind::CrossShard, &["no shard key"]);
    let own = shards.at(&1_i64).unwrap();
    let error = CustomerRepository::new(&own).misplaced().await.unwrap_err();
    refused(
        error,
        ErrorKind::Unsupported,
        &["a repository of `&shards`"],
    );
    // The same databases by another map: what is below 10 is looked for on `a`, and nothing from 30 on.
    let ranges = ShardRanges::new().below(10_i64, "a").below(30_i64, "b");
    let other = builder(databases).strategy(ranges).connect().await.unwrap();
    let found = CustomerRepository::new(&other).misplaced().await.unwrap();
    let mut expected: std::collections::BTreeMap<(String, Option<&str>), u64> = Default::default();
    for key in 1..=40 {
        let on = shards.shard_of(&key).unwrap().to_string();
        let belongs_on = match key {
            ..10 => Some("a"),
            10..30 => Some("b"),
            30.. => None,
        };
        if Some(on.as_str()) != belongs_on {
            *expected.entry((on, belongs_on)).or_default() += 1;
        }
    }
    let found: Vec<_> = found
        .iter()
        .map(|found| {
            (
                (found.on.to_string(), found.belongs_on.as_deref()),
                found.keys,
            )
        })
        .collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_that_share_redis_keep_their_rows_apart() {
    let redis = require!(setup::redis().await);
    let (one, other) = (
        require!(setup::sqlite().await),
        require!(setup::sqlite().await),
    );
    let namespace = format!("test {}", uuid::Uuid::new_v4());
    let connect = async || {
        let shard = |url: &str| {
            let share = RedisOptions::new(redis.clone(), namespace.clone());
            Database::builder()
                .url(url)
                .cache(CacheOptions::new().share(share))
        };
        let ranges = ShardRanges::new().below(10_i64, "a").rest("b");
        Shards::builder()
            .shard("a", shard(one.url()))
            .shard("b", shard(other.url()))
            .strategy(ranges)
            .connect()
            .await
            .unwrap()
    };
    let first = connect().await;
    first.create_schema::<Everything>().await.unwrap();
    let tickets = TicketRepository::new(&first);
    for (tenant, title) in [(1, "on a"), (11, "on b")] {
        let title = title.to_owned();
        tickets.insert(NewTicket { tenant, title }).await.unwrap();
    }
    // Other handles are what other processes are: the second puts the rows there, the third finds them.
    let (second, third) = (connect().await, connect().await);
    for shards in [&first, &second, &third] {
        for (name, title) in [("a", "on a"), ("b", "on b")] {
            let db = shards.shard(name).unwrap();
            let found = TicketRepository::new(&db).find(1).await.unwrap();
            assert_eq!(found.unwrap().title, title);
        }
    }
    // They came from there: otherwise this test shows nothing.
    for name in ["a", "b"] {
        let shared = third.shard(name).unwrap().cache().stats().shared.unwrap();
        assert_eq!(shared.tier_hits, 1, "{shared:?}");
    }
    for shards in [&first, &second, &third] {
        shards.close().await.unwrap();
    }
}
