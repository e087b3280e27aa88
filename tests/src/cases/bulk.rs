//! Many rows at once, and nothing read back.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use entourage::{
    Database, ErrorKind, dialect::Dialect, observe::Recorded, prelude::*, statement::StatementKind,
};
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use super::counted::counted;
use super::values::sample;
use crate::models::{blog::*, create, shop::*, values::*};

pub(super) fn people(numbers: std::ops::Range<i64>) -> impl Iterator<Item = NewUser> + Send {
    numbers.map(|number| user(&format!("U{number}")))
}

/// The writes among what was sent.
fn writes(sent: &[Recorded]) -> Vec<&Recorded> {
    let writes =
        |sent: &&Recorded| matches!(sent.kind, StatementKind::Insert | StatementKind::Copy);
    sent.iter().filter(writes).collect()
}

pub async fn rows_are_inserted_without_reading_them_back(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let recording = db.recorded();
    let three = users.insert_many(people(0..3)).without_rows();
    assert_eq!(counted(db, 1, three).await, 3);
    let sent = recording.statements();
    assert_eq!((sent.len(), sent[0].affected, sent[0].rows), (1, 3, 0));
    assert!(!sent[0].sql.contains("RETURNING"), "{}", sent[0].sql);
    assert!(sent[0].call_site.file().ends_with("bulk.rs"));
    let all = users.order_by(User::NAME.asc()).all().await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!((all[2].name.as_str(), all[2].version), ("U2", 1));
    let none = users.insert_many(Vec::<NewUser>::new()).without_rows();
    assert_eq!(counted(db, 0, none).await, 0);
}

pub async fn many_rows_without_reading_back_are_all_or_none(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let twice = people(0..2_400)
        .chain(people(7..8))
        .chain(people(2_400..2_500));
    let refused = users.insert_many(twice).without_rows().await.unwrap_err();
    assert!(refused.is_unique_violation(), "{refused}");
    assert_eq!(refused.columns(), ["email"]);
    let hint = refused.hint().unwrap();
    let place = match db.dialect() {
        Dialect::Sqlite => "one of the rows number 2401 to 2500",
        Dialect::Postgres => "the row number 2401",
        Dialect::Mysql => "one of the rows number 2001 to 2501",
    };
    assert!(hint.contains(place), "{hint}");
    assert_eq!(users.query().count().await.unwrap(), 0);

    let recording = db.recorded();
    let all = users.insert_many(people(0..2_500)).without_rows().await;
    assert_eq!(all.unwrap(), 2_500);
    let sent = recording.statements();
    let statements = match db.dialect() {
        Dialect::Sqlite => 25,
        Dialect::Postgres => 1,
        Dialect::Mysql => 3,
    };
    assert_eq!(writes(&sent).len(), statements);
    if db.dialect() == Dialect::Postgres {
        let copy = writes(&sent)[0];
        assert_eq!((copy.kind, copy.affected), (StatementKind::Copy, 2_500));
        assert_eq!(
            &*copy.sql,
            r#"COPY "users" ("email", "name", "age", "version") FROM STDIN WITH (FORMAT binary)"#
        );
        assert_eq!((copy.tables.len(), &*copy.tables[0]), (1, "users"));
    }
    assert_eq!(users.query().count().await.unwrap(), 2_500);
}

pub async fn rows_that_give_other_columns_are_sorted_by_them(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let mixed = (0..3_000).map(|number| NewUser {
        visits: (number % 3 == 0).then_some(number),
        age: (number % 2 == 0).then_some(30),
        ..user(&format!("U{number}"))
    });
    let inserted = users.insert_many(mixed).without_rows().await;
    assert_eq!(inserted.unwrap(), 3_000);
    let all = users.query().all().await.unwrap();
    let by_name: HashMap<_, _> = all.iter().map(|user| (user.name.as_str(), user)).collect();
    for number in 0..3_000 {
        let user = by_name[&*format!("U{number}")];
        assert_eq!(user.visits, if number % 3 == 0 { number } else { 0 });
        assert_eq!(user.age, (number % 2 == 0).then_some(30));
    }
    // A table whose rows have nothing but what the framework and the database give.
    let lines = LineRepository::new(db);
    create_shop(db).await;
    let new = (0..1_200).map(|quantity| NewLine {
        id: None,
        tenant: None,
        sku: None,
        quantity,
    });
    let inserted = lines.insert_many(new).without_rows().await.unwrap();
    assert_eq!(inserted, 1_200);
    assert_eq!(lines.query().count().await.unwrap(), 1_200);
}

/// Whatever technique writes it, a row comes back as one that was inserted alone.
pub async fn every_type_comes_back_from_many_rows(db: &Database) {
    create(db, &[Sample::table(), Gap::table()]).await;
    let samples = SampleRepository::new(db);
    let single = samples.insert(sample(0)).await.unwrap();
    let alike = |from: i64, count: i64| (from..from + count).map(sample);
    let few = samples.insert_many(alike(1, 5)).without_rows();
    assert_eq!(counted(db, 1, few).await, 5);
    let many = samples.insert_many(alike(10, 1_100)).without_rows();
    assert_eq!(many.await.unwrap(), 1_100);
    let all = samples.query().all().await.unwrap();
    assert_eq!(all.len(), 1_106);
    for row in all {
        let id = row.id;
        assert_eq!(
            row,
            Sample {
                id,
                ..single.clone()
            }
        );
    }

    let gaps = GapRepository::new(db);
    let zoned = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let moment = "2024-02-29T23:59:58.123456"
        .parse::<chrono::NaiveDateTime>()
        .unwrap();
    let full = |id: i64| NewGap {
        truth: Some(false),
        small: Some(i16::MIN),
        int: Some(i32::MIN),
        big: Some(i64::MIN),
        float: Some(-1.5),
        double: Some(1e300),
        decimal: Some(rust_decimal::Decimal::new(-12_345, 3)),
        text: Some("\\N\t\n".to_owned()),
        bytes: Some(Vec::new()),
        date: Some(moment.date()),
        time: Some(moment.time()),
        moment: Some(moment),
        instant: Some(moment.and_utc()),
        uuid: Some(uuid::Uuid::max()),
        json: Some(Json(serde_json::json!(null))),
        points: Some(Points(-1)),
        zoned: Some(zoned),
        day: Some(zoned.date()),
        ..NewGap::new(id)
    };
    let (empty, filled) = (
        gaps.insert(NewGap::new(-1)).await.unwrap(),
        gaps.insert(full(-2)).await.unwrap(),
    );
    let mixed = (0..2_400).map(|id| match id % 2 {
        0 => NewGap::new(id),
        _ => full(id),
    });
    gaps.insert_many(mixed).without_rows().await.unwrap();
    for row in gaps.filter(Gap::ID.ge(0)).all().await.unwrap() {
        let id = row.id;
        let like = if id % 2 == 0 { &empty } else { &filled };
        assert_eq!(row, Gap { id, ..like.clone() });
    }
}

pub async fn the_framework_keeps_its_columns_of_many_rows(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let new = (0..1_500).map(|number| product(1, &format!("chair {number}")));
    let inserted = products.insert_many(new).without_rows().await.unwrap();
    assert_eq!(inserted, 1_500);
    let like = products.insert(product(2, "chair")).await.unwrap();
    let all = products.filter(Product::TENANT.eq(1)).all().await.unwrap();
    assert_eq!(all.len(), 1_500);
    for row in all {
        assert_eq!((row.version, row.deleted_at), (1, None));
        assert!(row.created_at <= row.updated_at && row.updated_at <= like.updated_at);
        let expected = Product {
            tenant: 1,
            sku: row.sku.clone(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            ..like.clone()
        };
        assert_eq!(row, expected);
    }
}

pub async fn a_bulk_insert_takes_rows_as_they_come(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let told = Mutex::new(Vec::new());
    let recording = db.recorded();
    let loaded = users
        .bulk_insert(people(0..20_000))
        .batch_size(6_000)
        .progress(|so_far| told.lock().unwrap().push(so_far.rows))
        .await
        .unwrap();
    assert_eq!((loaded.rows, loaded.affected), (20_000, 20_000));
    assert_eq!((loaded.batches, loaded.committed), (4, 20_000));
    let sent = recording.statements();
    let sent = writes(&sent);
    assert_eq!(loaded.statements, sent.len() as u64);
    let load = sent[0].load;
    assert!(load.is_some() && sent.iter().all(|sent| sent.load == load));
    if db.dialect() == Dialect::Postgres {
        let rows: Vec<_> = sent.iter().map(|sent| (sent.kind, sent.affected)).collect();
        let full = (StatementKind::Copy, 6_000);
        assert_eq!(rows, [full, full, full, (StatementKind::Copy, 2_000)]);
    }
    drop(recording);
    assert_eq!(*told.lock().unwrap(), [6_000, 12_000, 18_000, 20_000]);
    assert_eq!(users.query().count().await.unwrap(), 20_000);
    let none = users.bulk_insert(Vec::<NewUser>::new()).await.unwrap();
    assert_eq!((none.rows, none.statements), (0, 0));
}

pub async fn a_stream_that_fails_takes_everything_back(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let rows = stream::iter(people(0..9_000))
        .map(Ok)
        .chain(stream::iter([Err(std::io::Error::other(
            "the file ends here",
        ))]));
    let failed = users.bulk_insert_stream(rows).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::User);
    assert!(
        failed.downcast_ref::<std::io::Error>().is_some(),
        "{failed:?}"
    );
    assert!(failed.call_site().unwrap().file().ends_with("bulk.rs"));
    assert_eq!(users.query().count().await.unwrap(), 0);
    let rows = stream::iter(people(0..9_000)).map(Ok::<_, std::io::Error>);
    let loaded = users.bulk_insert_stream(rows).await.unwrap();
    assert_eq!(loaded.affected, 9_000);
}

pub async fn batches_can_be_committed_one_by_one(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let twice = people(0..5_500)
        .chain(people(5..6))
        .chain(people(6_000..6_400));
    let failed = users
        .bulk_insert(twice)
        .batch_size(2_000)
        .commit_each_batch()
        .await
        .unwrap_err();
    assert!(failed.is_unique_violation(), "{failed}");
    let hint = failed.hint().unwrap();
    assert!(
        hint.contains("4000 rows of the batches before are committed"),
        "{hint}"
    );
    assert_eq!(users.query().count().await.unwrap(), 4_000);
}

pub async fn rows_that_meet_others_are_ignored_or_change_them(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    users
        .insert_many(people(0..1_500))
        .without_rows()
        .await
        .unwrap();
    let renamed = |numbers: std::ops::Range<i64>| {
        people(numbers).map(|user| NewUser {
            name: "new".to_owned(),
            ..user
        })
    };
    let recording = db.recorded();
    let ignored = users
        .bulk_insert(renamed(1_000..3_000))
        .on_conflict_ignore(User::EMAIL)
        .await
        .unwrap();
    assert_eq!(ignored.rows, 2_000);
    let sent = recording.statements();
    assert!(
        writes(&sent)
            .iter()
            .all(|sent| sent.kind == StatementKind::Insert)
    );
    drop(recording);
    if db.dialect() != Dialect::Mysql {
        assert_eq!(ignored.affected, 1_500);
    }
    let new = || users.filter(User::NAME.eq("new"));
    assert_eq!(new().count().await.unwrap(), 1_500);
    let updated = users
        .bulk_insert(renamed(0..1_400))
        .on_conflict_update(User::EMAIL)
        .await
        .unwrap();
    assert_eq!(updated.rows, 1_400);
    assert_eq!(new().count().await.unwrap(), 2_900);
    assert_eq!(
        new().filter(User::VERSION.eq(2)).count().await.unwrap(),
        1_400
    );
    assert_eq!(users.query().count().await.unwrap(), 3_000);
    let refused = users
        .bulk_insert(people(0..1))
        .on_conflict_ignore(User::NAME)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
}

/// Rows, and then nothing for ever; `stalled` is told when that is so.
fn stalling(
    rows: i64,
    stalled: &Arc<Notify>,
) -> impl stream::Stream<Item = Result<NewUser>> + use<> {
    let stalled = Arc::clone(stalled);
    let silence = stream::poll_fn(move |_| {
        stalled.notify_one();
        Poll::Pending
    });
    stream::iter(people(0..rows)).map(Ok).chain(silence)
}

pub async fn a_bulk_insert_dropped_midway_leaves_nothing(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    for rows in [10, 10_000] {
        let stalled = Arc::new(Notify::new());
        tokio::select! {
            ended = users.bulk_insert_stream(stalling(rows, &stalled)) => panic!("{ended:?}"),
            () = stalled.notified() => {}
        }
        assert_eq!(users.query().count().await.unwrap(), 0);
        let again = users.bulk_insert(people(0..3_000)).await.unwrap();
        assert_eq!(again.affected, 3_000);
        assert_eq!(users.query().delete().await.unwrap(), 3_000);
    }
}

pub async fn a_bulk_insert_is_part_of_its_transaction(db: &Database) {
    create_blog(db).await;
    let count = async |users: &UserRepository<'_>| users.query().count().await.unwrap();
    let tx = db.begin().await.unwrap();
    let users = UserRepository::new(&tx);
    let loaded = users.bulk_insert(people(0..3_000)).await.unwrap();
    assert_eq!((loaded.affected, loaded.committed), (3_000, 0));
    assert_eq!(count(&users).await, 3_000);
    // What fails is taken back to where it began, and the transaction goes on.
    let again = users.bulk_insert(people(2_000..5_000)).await.unwrap_err();
    assert!(again.is_unique_violation(), "{again}");
    let rows = stream::iter(people(5_000..8_000))
        .map(Ok)
        .chain(stream::iter([Err("enough")]));
    let failed = users.bulk_insert_stream(rows).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::User);
    assert_eq!(count(&users).await, 3_000);
    let more = users.insert_many(people(3_000..4_500)).without_rows().await;
    assert_eq!(more.unwrap(), 1_500);
    drop(users);
    tx.rollback().await.unwrap();
    assert_eq!(count(&UserRepository::new(db)).await, 0);
}

pub async fn rows_without_end_take_no_more_memory(db: &Database) {
    create_blog(db).await;
    // How many rows were asked for and are not written yet.
    let (asked, ahead) = (AtomicU64::new(0), AtomicU64::new(0));
    let written = AtomicU64::new(0);
    let rows = people(0..60_000).inspect(|_| {
        let asked = asked.fetch_add(1, Ordering::Relaxed) + 1;
        let waiting = asked - written.load(Ordering::Relaxed);
        ahead.fetch_max(waiting, Ordering::Relaxed);
    });
    UserRepository::new(db)
        .bulk_insert(rows)
        .batch_size(10_000)
        .progress(|so_far| written.store(so_far.rows, Ordering::Relaxed))
        .await
        .unwrap();
    assert_eq!(asked.into_inner(), 60_000);
    // A batch, and a window that was read ahead.
    let ahead = ahead.into_inner();
    assert!(ahead <= 15_000, "{ahead}");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "lists")]
struct Lists {
    #[entity(primary_key)]
    id: i64,
    numbers: Vec<i64>,
    words: Option<Vec<String>>,
    truths: Vec<bool>,
    reals: Vec<f64>,
}

pub async fn arrays_come_back_from_many_rows(db: &Database) {
    create(db, &[Lists::table()]).await;
    let lists = ListsRepository::new(db);
    let new = |id: i64| NewLists {
        id,
        numbers: vec![1, i64::MIN, id],
        words: (id % 2 == 0).then(|| vec!["a,{}\"".to_owned(), String::new()]),
        truths: Vec::new(),
        reals: vec![0.5, -1e300],
    };
    let few = lists.insert_many((0..10).map(new)).without_rows();
    assert_eq!(few.await.unwrap(), 10);
    let recording = db.recorded();
    let many = lists.insert_many((10..1_500).map(new)).without_rows();
    assert_eq!(many.await.unwrap(), 1_490);
    assert!(writes(&recording.statements())[0].kind == StatementKind::Copy);
    drop(recording);
    for row in lists.query().all().await.unwrap() {
        let sent = new(row.id);
        let sent = Lists {
            id: sent.id,
            numbers: sent.numbers,
            words: sent.words,
            truths: sent.truths,
            reals: sent.reals,
        };
        assert_eq!(row, sent);
    }
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "meters")]
struct Meter {
    #[entity(primary_key)]
    id: i64,
    reading: i64,
    name: String,
}

/// What `COPY` would misread, refuse or pass by goes by `INSERT`.
pub async fn tables_that_are_no_plain_copy_of_the_entity_get_inserts(db: &Database) {
    let meters = MeterRepository::new(db);
    let tables = [
        // Eight bytes of a float, and of a decimal.
        "CREATE TABLE meters (id BIGINT PRIMARY KEY, reading DOUBLE PRECISION NOT NULL, name TEXT NOT NULL)",
        "CREATE TABLE meters (id INTEGER PRIMARY KEY, reading NUMERIC NOT NULL, name TEXT NOT NULL)",
        "CREATE DOMAIN label AS TEXT; \
         CREATE TABLE meters (id BIGINT PRIMARY KEY, reading BIGINT NOT NULL, name label NOT NULL)",
        "CREATE TABLE meters (id BIGINT PRIMARY KEY, reading BIGINT NOT NULL, name TEXT NOT NULL); \
         CREATE RULE none AS ON INSERT TO meters WHERE NEW.id < 0 DO INSTEAD NOTHING",
        "CREATE TABLE base (id BIGINT PRIMARY KEY, reading BIGINT NOT NULL, name TEXT NOT NULL); \
         CREATE VIEW meters AS SELECT * FROM base",
    ];
    for table in tables {
        db.execute_script(table).await.unwrap();
        let new = |id: i64| NewMeter {
            id,
            reading: id * 3,
            name: format!("meter {id}"),
        };
        let recording = db.recorded();
        let inserted = meters.insert_many((0..1_500).map(new)).without_rows();
        assert_eq!(inserted.await.unwrap(), 1_500, "{table}");
        let sent = recording.statements();
        let kinds: Vec<_> = writes(&sent).iter().map(|sent| sent.kind).collect();
        assert_eq!(kinds, [StatementKind::Insert], "{table}");
        drop(recording);
        let sql = "SELECT sum(reading)::BIGINT FROM meters";
        let (sum,) = db.sql(sql, args![]).fetch_one::<(i64,)>().await.unwrap();
        assert_eq!(sum, 3 * 1_499 * 750, "{table}");
        let dropped = "DROP VIEW IF EXISTS meters; DROP TABLE IF EXISTS base";
        let dropped = match table.contains("VIEW") {
            true => dropped,
            false => "DROP TABLE meters; DROP DOMAIN IF EXISTS label",
        };
        db.execute_script(dropped).await.unwrap();
    }
}

pub async fn text_that_cannot_be_held_is_refused_among_many_rows(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let nul = || NewUser {
        name: "a\0b".to_owned(),
        ..user("Nul")
    };
    let before = users.insert_many(people(0..2)).await.unwrap();
    let mut changed = before.clone();
    changed[1].name = "a\0b".to_owned();
    let few = people(2..4).chain([nul()]);
    let many = people(4..2_000).chain([NewUser {
        name: "c\0d".to_owned(),
        ..user("Other")
    }]);
    let outcomes = [
        users.insert_many(few).without_rows().await.map(drop),
        users.insert_many(many).without_rows().await.map(drop),
        users.update_many(&changed).await.map(drop),
    ];
    for outcome in outcomes {
        if db.dialect() != Dialect::Postgres {
            outcome.unwrap();
            continue;
        }
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
        assert!(error.to_string().contains("users.name"), "{error}");
        assert_eq!(error.columns(), ["name"]);
    }
    if db.dialect() == Dialect::Postgres {
        assert_eq!(users.query().all().await.unwrap(), before);
    }
}

/// The server refuses a row, and then the source fails: an answer that nobody has read must not be taken for the next
/// statement's.
pub async fn a_load_that_fails_at_both_ends_leaves_no_answer_behind(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let rows = || {
        let rows = people(0..10).chain(people(5..8_000));
        let end = stream::iter([Err(std::io::Error::other("the file ends here"))]);
        stream::iter(rows).map(Ok).chain(end)
    };
    let check = |failed: Error| {
        let is_source = failed.kind() == ErrorKind::User;
        assert!(is_source || failed.is_unique_violation(), "{failed}");
    };
    check(users.bulk_insert_stream(rows()).await.unwrap_err());
    let kept = users.insert_many(people(0..20)).await.unwrap();
    let all_is_well = async || {
        for user in &kept {
            let found = users.find(user.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(user));
        }
        assert_eq!(users.query().count().await.unwrap(), 20);
    };
    all_is_well().await;
    let tx = db.begin().await.unwrap();
    let inside = UserRepository::new(&tx).bulk_insert_stream(rows()).await;
    check(inside.unwrap_err());
    // A connection that cannot be used again has lost the transaction.
    let _ = tx.rollback().await;
    all_is_well().await;
}

pub async fn a_time_of_change_that_is_given_is_kept(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let old = products.insert(product(1, "chair")).await.unwrap();
    let then = chrono::DateTime::from_timestamp(1_000_000_000, 0).unwrap();
    let given = || [product(1, "chair").set(Product::UPDATED_AT, then)];
    let key = (Product::TENANT, Product::SKU);
    let loaded = products.bulk_insert(given()).on_conflict_update(key).await;
    assert_eq!(loaded.unwrap().rows, 1);
    let new = products.query().one().await.unwrap();
    assert_eq!((new.updated_at, new.version), (then, old.version + 1));
    let upserted = products.upsert_many(given(), key).await.unwrap();
    assert_eq!(
        (upserted[0].updated_at, upserted[0].version),
        (then, old.version + 2)
    );
    let stamped = products
        .bulk_insert([product(1, "chair")])
        .on_conflict_update(key)
        .await;
    assert_eq!(stamped.unwrap().rows, 1);
    assert!(products.query().one().await.unwrap().updated_at > then);
}
