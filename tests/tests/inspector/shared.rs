//! The connection to other processes' caches, as it is told.
use std::time::Duration;

use entourage::{
    Database,
    result_cache::{CacheOptions, ListenNotify, RedisOptions, Share},
};
use entourage_tests::{
    inspection::Stage,
    models::library::{AuthorRepository, author, create_library},
    require, setup,
};
use serde_json::{Value, json};

use super::open;

async fn connect(url: &str, share: Share) -> Database {
    let cache = CacheOptions::new().share(share);
    let db = Database::builder().url(url).cache(cache);
    db.connect().await.unwrap()
}

async fn told(stage: &Stage) -> Value {
    stage.get("/caches.json").await.1["shared"].clone()
}

/// Waits for a figure that must come.
async fn grown(stage: &Stage, figure: &str, to: u64) {
    let came = async {
        while told(stage).await[0][figure].as_u64().unwrap() < to {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(60), came).await;
    came.unwrap_or_else(|_| panic!("`{figure}` did not come to {to}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_is_shared_with_nobody_tells_nothing_of_others() {
    let db = super::database().await;
    assert!(told(&Stage::new(open(&db))).await.is_null());
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_processes_tell_each_other_is_counted() {
    let database = require!(setup::postgres().await);
    let share = || ListenNotify::new().timeout(Duration::from_secs(20)).into();
    let (own, other) = (
        connect(database.url(), share()).await,
        connect(database.url(), share()).await,
    );
    let (stage, others) = (Stage::new(open(&own)), Stage::new(open(&other)));
    let before = &told(&stage).await[0];
    assert_eq!(
        (
            &before["database"],
            &before["is_connected"],
            &before["lost"]
        ),
        (&json!("main"), &json!(true), &json!(0))
    );
    let (told_before, heard_before) = (
        before["told"].as_u64().unwrap(),
        told(&others).await[0]["heard"].as_u64().unwrap(),
    );
    // It begins, and it ends.
    own.cache().invalidate_table("authors");
    grown(&stage, "told", told_before + 2).await;
    grown(&others, "heard", heard_before + 2).await;
    own.close().await;
    assert_eq!(told(&stage).await[0]["is_connected"], false);
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_server_keeps_for_all_are_counted() {
    let redis = require!(setup::redis().await);
    let database = require!(setup::sqlite().await);
    let namespace = format!("test {}", uuid::Uuid::new_v4());
    let share = || {
        let options = RedisOptions::new(&redis, &namespace);
        options.timeout(Duration::from_secs(20)).into()
    };
    let writer = connect(database.url(), share()).await;
    create_library(&writer).await;
    let ada = AuthorRepository::new(&writer).insert(author("Ada")).await;
    let ada = ada.unwrap().id;
    // Whoever comes now has no notice of the write under way.
    let mut readers = Vec::new();
    for figures in [(0, 1), (1, 0)] {
        let reader = connect(database.url(), share()).await;
        let stage = Stage::new(open(&reader));
        AuthorRepository::new(&reader).get(ada).await.unwrap();
        let (hits, misses) = figures;
        assert_eq!(
            told(&stage).await[0]["tier"],
            json!({ "hits": hits, "misses": misses, "waits": 0, "failures": 0 })
        );
        readers.push(reader);
    }
    for db in readers.iter().chain([&writer]) {
        db.close().await;
    }
}
