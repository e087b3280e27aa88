//! Write-behind queues: their figures as JSON, and on the page.
use std::time::Duration;

use entourage::{
    Database,
    prelude::*,
    repository::{WriteBehind, WriteBehindBuilder},
    result_cache::{CacheOptions, RedisOptions},
};
use entourage_tests::{
    inspection::Stage,
    require,
    setup::{Scratch, browser::Browser},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::open;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "pages")]
pub(super) struct Page {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(unique, length = 40)]
    pub title: String,
    pub views: i64,
}

/// A queue with room for ten rows that flushes only when it is told to.
fn patient(db: &Database) -> WriteBehindBuilder {
    WriteBehind::builder(db)
        .entities::<Page>()
        .max_pending(10)
        .flush_every(Duration::from_secs(3_600))
}

async fn database() -> Database {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    db.create_schema::<(Page,)>().await.unwrap();
    db
}

async fn insert(queue: &WriteBehind, ids: impl IntoIterator<Item = i64>) {
    for id in ids {
        let title = format!("page {id}");
        let new = NewPage {
            id,
            title,
            views: 0,
        };
        queue.of::<Page>().unwrap().insert(new).await.unwrap();
    }
}

async fn told(stage: &Stage) -> Value {
    stage.get("/caches.json").await.1["queues"].clone()
}

/// The figures of these names.
fn picked<const N: usize>(queue: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| queue["figures"][name].clone())
}

#[tokio::test]
async fn what_waits_is_told_until_it_is_flushed_and_the_queue_shut_down() {
    let db = database().await;
    assert!(told(&Stage::new(open(&db))).await.is_null());
    let queue = patient(&db).start().await.unwrap();
    let stage = Stage::new(open(&db).write_behind("pages", &queue));
    let empty = told(&stage).await;
    assert_eq!(
        (&empty[0]["name"], &empty[0]["state"]),
        (&json!("pages"), &json!("open"))
    );
    assert_eq!(
        picked(
            &empty[0],
            ["pending", "max_pending", "oldest_ms", "journal_bytes"]
        ),
        [json!(0), json!(10), Value::Null, Value::Null]
    );

    insert(&queue, 1..=3).await;
    let pages = queue.of::<Page>().unwrap();
    pages.add(3, Page::VIEWS, 2).await.unwrap();
    let waiting = &told(&stage).await[0];
    assert_eq!(
        picked(waiting, ["pending", "queued", "coalesced", "flushed"]),
        [3, 4, 1, 0].map(|figure| json!(figure))
    );
    assert!(
        waiting["figures"]["oldest_ms"].as_f64().unwrap() > 0.0,
        "{waiting}"
    );

    queue.flush().await.unwrap();
    let flushed = &told(&stage).await[0];
    assert_eq!(
        picked(flushed, ["pending", "flushed", "batches", "oldest_ms"]),
        [json!(0), json!(3), json!(1), Value::Null]
    );

    queue.shutdown().await.unwrap();
    let closed = &told(&stage).await[0];
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["figures"]["flushed"], 3);
}

#[tokio::test]
async fn a_refused_change_and_a_full_queue_are_told() {
    let db = database().await;
    let queue = patient(&db)
        .when_full(entourage::result_cache::write_behind::WhenFull::Error)
        .start()
        .await
        .unwrap();
    let stage = Stage::new(open(&db).write_behind("pages", &queue));
    insert(&queue, 1..=10).await;
    let pages = queue.of::<Page>().unwrap();
    pages.add(11, Page::VIEWS, 1).await.unwrap_err();
    queue.flush().await.unwrap();
    pages.add(12, Page::VIEWS, 1).await.unwrap();
    queue.flush().await.unwrap();
    assert_eq!(
        picked(
            &told(&stage).await[0],
            ["flushed", "refused", "dead_letters", "back_pressure"]
        ),
        [10, 1, 1, 1].map(|figure| json!(figure))
    );
}

#[tokio::test]
async fn the_inspector_does_not_keep_a_queue_nor_the_lock_of_its_journal() {
    let db = database().await;
    let folder = Scratch::new().unwrap();
    let queue = patient(&db).durable(folder.path()).start().await.unwrap();
    let stage = Stage::new(open(&db).write_behind("pages", &queue));
    insert(&queue, 1..=2).await;
    let journal = &told(&stage).await[0]["figures"];
    assert_eq!(journal["durability"], "fsync");
    assert!(journal["journal_bytes"].as_u64().unwrap() > 0, "{journal}");
    drop(queue);
    let watched = async {
        while told(&stage).await[0]["state"] != "dropped" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), watched)
        .await
        .unwrap();
    assert_eq!(
        told(&stage).await,
        json!([{ "name": "pages", "state": "dropped", "figures": null }])
    );
    assert_eq!(PageRepository::new(&db).query().count().await.unwrap(), 2);
    let again = patient(&db).durable(folder.path()).start().await.unwrap();
    again.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_follows_a_queue_and_says_that_other_processes_are_not_heard() {
    let browser = require!(Browser::start().await);
    // Nobody listens at the port.
    let nobody = RedisOptions::new("redis://127.0.0.1:1", "pages");
    let db = Database::builder()
        .url("sqlite::memory:")
        .cache(CacheOptions::new().share(nobody))
        .connect()
        .await
        .unwrap();
    db.create_schema::<(Page,)>().await.unwrap();
    let queue = patient(&db).start().await.unwrap();
    let other = patient(&db).start().await.unwrap();
    let inspector = open(&db)
        .write_behind("<b>Views</b> of pages", &queue)
        .write_behind("Letters", &other);
    insert(&queue, 1..=9).await;
    other
        .of::<Page>()
        .unwrap()
        .add(77, Page::VIEWS, 1)
        .await
        .unwrap();
    other.flush().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/#/caches", listener.local_addr().unwrap());
    tokio::spawn(inspector_demo::serve_inspector(listener, inspector));
    browser
        .play(async move |browser| {
            browser.resize(1280, 860, false).await;
            browser.open(&address).await;
            let shows = async |at: &str, text: &str| {
                let text = json!(text);
                browser
                    .wait(&format!(
                        "document.querySelector('{at}')?.innerText.includes({text})"
                    ))
                    .await;
            };
            let (first, second) = ("[data-queue*=Views]", "[data-queue=Letters]");
            shows(first, "9 of at most 10 rows wait, the oldest for").await;
            shows(first, "<b>Views</b> of pages").await;
            shows(second, "1 dead letter").await;
            shows("[data-shared=main]", "not connected").await;
            browser.screenshot("inspector-queues.png").await;
            assert_eq!(browser.faint_texts().await, "");
            // Live: what is flushed, and that the queue has ended.
            queue.flush().await.unwrap();
            shows(first, "0 of at most 10 rows wait").await;
            queue.shutdown().await.unwrap();
            drop(other);
            shows(first, "shut down").await;
            shows(second, "dropped").await;
            for (scheme, dark) in [("light", false), ("dark", true)] {
                browser.resize(360, 760, dark).await;
                assert_eq!(browser.overflow().await, 0, "{scheme}");
                assert_eq!(browser.faint_texts().await, "", "{scheme}");
                browser
                    .run("document.querySelector('[data-queue]').scrollIntoView()")
                    .await;
                browser
                    .screenshot(&format!("inspector-narrow-queues-{scheme}.png"))
                    .await;
            }
        })
        .await;
}
