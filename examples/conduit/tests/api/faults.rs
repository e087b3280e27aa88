//! What operators see, and what happens when there is too little of something.
use entourage::pool::PoolOptions;
use entourage_tests::{require, setup::server::PrivateServer};
use serde_json::json;

use crate::client::Client;

pub async fn health_and_metrics_are_told(client: &Client) {
    let answer = client.nobody().get("/health").await;
    let report = answer.expect(200);
    assert_eq!(report["status"], "up");
    let answer = client.nobody().get("/metrics").await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    client.db.close().await;
    let report = client.nobody().get("/health").await.expect(503);
    assert_eq!(report["status"], "down");
    let answer = client.nobody().get("/api/tags").await;
    assert_eq!(answer.headers["retry-after"], "1");
    answer.refused(503, "database", "is not available, try again");
}

pub async fn a_pool_that_is_smaller_than_the_load_serves_everybody(client: &Client) {
    let ada = client.user("ada").await;
    let slug = ada.publish("Notes", &["x"]).await;
    // The pool has four connections.
    let paths = [
        "/api/articles".to_owned(),
        format!("/api/articles/{slug}"),
        "/api/tags".to_owned(),
    ];
    let asked = (0..64).map(|number| ada.get(&paths[number % paths.len()]));
    for answer in futures_util::future::join_all(asked).await {
        answer.expect(200);
    }
    let stats = client.db.pool_stats();
    assert!(stats.open <= 4 && stats.timeouts == 0, "{stats:?}");
}

pub async fn an_address_that_is_not_there_is_told(client: &Client) {
    let nobody = client.nobody();
    nobody
        .get("/api/nothing")
        .await
        .refused(404, "path", "not found");
    let answer = nobody.delete("/api/tags").await;
    answer.refused(405, "method", "is not allowed");
    let answer = nobody.get("/api/tags").await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
}

/// The server is killed under the application: what is asked meanwhile is told to come again, and nothing but that.
#[tokio::test]
async fn a_server_that_was_killed_and_restarted_is_used_again() {
    let mut server = require!(PrivateServer::postgres(&[]).await);
    let pool = PoolOptions::web()
        .max_connections(4)
        .acquire_timeout(std::time::Duration::from_secs(20));
    let client = Client::of_server(&server.url(), pool).await;
    let ada = client.user("ada").await;
    let slug = ada.publish("Notes", &["x"]).await;
    server.crash();
    for _ in 0..8 {
        let answer = ada.get("/api/articles").await;
        answer.refused(503, "database", "is not available, try again");
    }
    let body = json!({ "comment": { "body": "lost" } });
    let answer = ada
        .post(&format!("/api/articles/{slug}/comments"), body)
        .await;
    answer.expect(503);
    server.restart().await.unwrap();
    let list = ada.get("/api/articles").await.expect(200);
    assert_eq!(list["articlesCount"], 1);
    ada.comment(&slug, "back again").await;
    let list = ada
        .get(&format!("/api/articles/{slug}/comments"))
        .await
        .expect(200);
    assert_eq!(list["comments"].as_array().unwrap().len(), 1);
}
