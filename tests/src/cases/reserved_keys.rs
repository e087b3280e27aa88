//! Keys that the database makes, reserved in blocks by write-behind queues.

use std::collections::BTreeSet;
use std::time::Duration;

use entourage::{
    Database,
    dialect::Dialect,
    prelude::*,
    repository::{WriteBehind, WriteBehindBuilder},
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "rk_pages", has_many(visits: Visit))]
pub struct Page {
    #[entity(primary_key, generated)]
    pub id: i32,
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "rk_visits", belongs_to(page: Page))]
pub struct Visit {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub page_id: i32,
    #[entity(default = "0")]
    pub seconds: i64,
}

/// A queue that flushes only when it is told to.
fn patient(db: &Database, block: u32) -> WriteBehindBuilder {
    WriteBehind::builder(db)
        .entities::<(Visit, Page)>()
        .flush_every(Duration::from_secs(3_600))
        .reserve_keys(block)
}

async fn started(db: &Database, block: u32) -> WriteBehind {
    db.create_schema::<(Page, Visit)>().await.unwrap();
    patient(db, block).start().await.unwrap()
}

fn page(path: &str) -> NewPage {
    NewPage { path: path.into() }
}

fn visit(page: &Page) -> NewVisit {
    NewVisit {
        page_id: page.id,
        seconds: Some(0),
    }
}

pub async fn a_reserved_key_is_known_before_the_database_sees_the_row(db: &Database) {
    let queue = started(db, 100).await;
    let (pages, visits) = (queue.of::<Page>().unwrap(), queue.of::<Visit>().unwrap());
    let recording = db.recorded();
    let home = pages.insert(page("/")).await.unwrap();
    let mut keys = BTreeSet::new();
    for _ in 0..40 {
        keys.insert(visits.insert(visit(&home)).await.unwrap().id);
    }
    assert_eq!(recording.count(), 0, "{:#?}", recording.statements());
    assert_eq!(keys.len(), 40);
    // What is not written is no number for anybody else.
    let others = VisitRepository::new(db);
    let other_page = PageRepository::new(db)
        .insert(page("/other"))
        .await
        .unwrap();
    let other = others.insert(visit(&other_page)).await.unwrap();
    assert!(
        other.id > *keys.last().unwrap() && other_page.id > home.id,
        "{other:?} {other_page:?}"
    );
    queue.flush().await.unwrap();
    assert!(queue.dead_letters().is_empty());
    assert_eq!(PageRepository::new(db).get(home.id).await.unwrap(), home);
    let written = others.filter(Visit::PAGE_ID.eq(home.id)).all().await;
    let written: BTreeSet<i64> = written.unwrap().iter().map(|visit| visit.id).collect();
    assert_eq!(written, keys);
    // A row that lacks a value costs no key.
    let lacking = NewVisit {
        page_id: home.id,
        seconds: None,
    };
    let error = visits.insert(lacking).await.unwrap_err();
    assert!(error.to_string().contains("`Visit.seconds`"), "{error}");
    queue.shutdown().await.unwrap();
}

pub async fn a_block_is_one_step_of_the_counter(db: &Database) {
    let queue = started(db, 10).await;
    let pages = queue.of::<Page>().unwrap();
    let recording = db.recorded();
    // The fifth leaves half of the block, and the other half is asked for.
    for number in 0..5 {
        pages.insert(page(&number.to_string())).await.unwrap();
    }
    // Nobody asks twice: the next ones wait for what is under way, or take what it brought.
    for number in 5..12 {
        pages.insert(page(&number.to_string())).await.unwrap();
    }
    let sent: Vec<String> = recording
        .statements()
        .iter()
        .map(|sent| sent.sql.to_string())
        .collect();
    let moved = |text: &str| sent.iter().filter(|sql| sql.contains(text)).count();
    let blocks = match db.dialect() {
        Dialect::Sqlite => moved("UPDATE sqlite_sequence"),
        Dialect::Postgres => moved("nextval"),
        Dialect::Mysql => {
            // The last attempt may be under way.
            assert!(moved("LOCK TABLES `rk_pages`") >= moved("ALTER TABLE `rk_pages`"));
            assert!(moved("ALTER TABLE `rk_pages`") >= moved("UNLOCK TABLES"));
            moved("UNLOCK TABLES")
        }
    };
    // Of twelve keys the first block gave ten, so one or two more halves were reserved.
    assert!((1..=2).contains(&blocks), "{sent:#?}");
    queue.shutdown().await.unwrap();
    assert_eq!(PageRepository::new(db).query().count().await.unwrap(), 12);
}

pub async fn two_queues_and_plain_inserts_never_share_a_key(db: &Database) {
    const EACH: usize = 60;
    let first = started(db, 7).await;
    let second = patient(db, 5).start().await.unwrap();
    let insert = |queue: &WriteBehind, name: &'static str| {
        let pages = queue.of::<Page>().unwrap();
        async move {
            let mut keys = Vec::new();
            for _ in 0..EACH {
                keys.push(pages.insert(page(name)).await.unwrap().id);
                tokio::task::yield_now().await;
            }
            keys
        }
    };
    let plain = async {
        let mut keys = Vec::new();
        for _ in 0..EACH {
            let new = PageRepository::new(db).insert(page("plain"));
            keys.push(new.await.unwrap().id);
        }
        keys
    };
    let (one, other, plain) = tokio::join!(insert(&first, "one"), insert(&second, "other"), plain);
    let keys: BTreeSet<i32> = [&one, &other, &plain]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    assert_eq!(keys.len(), 3 * EACH, "{one:?} {other:?} {plain:?}");
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
    assert!(first.dead_letters().is_empty() && second.dead_letters().is_empty());
    for (name, keys) in [("one", one), ("other", other), ("plain", plain)] {
        let mut written = PageRepository::new(db)
            .filter(Page::PATH.eq(name))
            .order_by(Page::ID.asc())
            .all()
            .await
            .unwrap();
        written.retain(|page| keys.contains(&page.id));
        assert_eq!(written.len(), EACH, "{name}");
    }
}

pub async fn a_key_is_not_given_again(db: &Database) {
    db.create_schema::<(Page, Visit)>().await.unwrap();
    let pages = PageRepository::new(db);
    let mut highest = 0;
    for _ in 0..3 {
        let queue = patient(db, 10).start().await.unwrap();
        let queued = queue.of::<Page>().unwrap().insert(page("/")).await.unwrap();
        assert!(queued.id > highest, "{} {highest}", queued.id);
        queue.shutdown().await.unwrap();
        // Neither what the queue had in hand, nor the keys of rows that are gone.
        let plain = pages.insert(page("/")).await.unwrap();
        assert!(plain.id >= queued.id + 10, "{} {}", plain.id, queued.id);
        highest = plain.id;
        pages.delete(queued.id).await.unwrap();
        pages.delete(plain.id).await.unwrap();
    }
}

pub async fn a_key_that_an_update_has_set_is_passed_over(db: &Database) {
    db.create_schema::<(Page, Visit)>().await.unwrap();
    let pages = PageRepository::new(db);
    let first = pages.insert(page("/")).await.unwrap();
    let moved = db.sql("UPDATE rk_pages SET id = 50 WHERE id = ?", args![first.id]);
    assert_eq!(moved.execute().await.unwrap(), 1);
    let queue = patient(db, 100).start().await.unwrap();
    let new = queue
        .of::<Page>()
        .unwrap()
        .insert(page("/new"))
        .await
        .unwrap();
    // Identity columns and AUTO_INCREMENT know nothing of it, and SQLite's counter does not either, but we look.
    match db.dialect() {
        Dialect::Sqlite => assert!(new.id > 50, "{}", new.id),
        Dialect::Postgres | Dialect::Mysql => assert!(new.id > first.id, "{}", new.id),
    }
    queue.shutdown().await.unwrap();
}

/// A table whose counter cannot be trusted; what it is differs.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "rk_strangers")]
pub struct Stranger {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub name: String,
}

pub async fn keys_that_cannot_be_reserved_are_told_of_at_the_start(db: &Database) {
    let tables: &[(&str, &str, &str)] = match db.dialect() {
        Dialect::Sqlite => &[("INTEGER PRIMARY KEY", "AUTOINCREMENT", "create_schema")],
        Dialect::Postgres => &[
            (
                "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                "GENERATED ALWAYS",
                "SET GENERATED BY DEFAULT",
            ),
            ("bigint PRIMARY KEY", "no sequence", "OWNED BY"),
        ],
        Dialect::Mysql if db.capabilities().mariadb => {
            &[("bigint PRIMARY KEY", "AUTO_INCREMENT", "make it so")]
        }
        Dialect::Mysql => &[(
            "bigint AUTO_INCREMENT PRIMARY KEY",
            "cannot be read and moved in one step",
            "keys yourself",
        )],
    };
    for (id, why, way_out) in tables {
        let script = format!(
            "DROP TABLE IF EXISTS rk_strangers; CREATE TABLE rk_strangers (id {id}, name varchar(9) NOT NULL)"
        );
        db.execute_script(&script).await.unwrap();
        let builder = WriteBehind::builder(db).entities::<Stranger>();
        let error = builder.reserve_keys(10).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        let hint = error.hint().unwrap();
        assert!(error.to_string().contains(why), "{error}");
        assert!(hint.contains(way_out) && hint.contains("Uuid"), "{hint}");
    }
    // Without being asked to, nothing is reserved.
    let builder = WriteBehind::builder(db).entities::<Stranger>();
    let error = builder.start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.hint().unwrap().contains(".reserve_keys("), "{error}");
    let builder = WriteBehind::builder(db).entities::<Stranger>();
    let error = builder.reserve_keys(0).start().await.unwrap_err();
    assert!(error.to_string().contains("at least 1"), "{error}");
}
