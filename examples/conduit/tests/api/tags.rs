//! Tags.
use entourage::testing::{assert_no_queries, assert_queries};
use serde_json::json;

use crate::client::Client;

pub async fn tags_are_those_of_articles(client: &Client) {
    let nobody = client.nobody();
    assert_eq!(
        nobody.get("/api/tags").await.expect(200),
        json!({ "tags": [] })
    );
    let ada = client.user("ada").await;
    ada.publish("One", &["looms", "engines"]).await;
    let two = ada.publish("Two", &["numbers", "engines"]).await;
    let tags = nobody.get("/api/tags").await.expect(200);
    assert_eq!(tags, json!({ "tags": ["engines", "looms", "numbers"] }));
    ada.delete(&format!("/api/articles/{two}"))
        .await
        .expect(204);
    let tags = nobody.get("/api/tags").await.expect(200);
    assert_eq!(tags, json!({ "tags": ["engines", "looms"] }));
}

pub async fn tags_are_kept_until_one_is_given_or_taken(client: &Client) {
    let ada = client.user("ada").await;
    let one = ada.publish("One", &["looms"]).await;
    let tags = async || client.nobody().get("/api/tags").await.expect(200)["tags"].clone();
    let looms = json!(["looms"]);
    assert_eq!(assert_queries!(client.db, 1, tags().await), looms);
    assert_eq!(assert_no_queries!(client.db, tags().await), looms);

    // What is written to articles, and has nothing to do with tags, leaves them.
    ada.get(&format!("/api/articles/{one}")).await.expect(200);
    client.app.views.flush().await.unwrap();
    ada.ask(&format!("/api/articles/{one}/favorite"))
        .await
        .expect(200);
    assert_eq!(assert_no_queries!(client.db, tags().await), looms);

    // A new article is seen at once, and so is the end of one.
    ada.publish("Two", &["engines", "looms"]).await;
    let both = json!(["looms", "engines"]);
    assert_eq!(assert_queries!(client.db, 1, tags().await), both);
    assert_eq!(assert_no_queries!(client.db, tags().await), both);
    ada.delete(&format!("/api/articles/{one}"))
        .await
        .expect(204);
    let rest = json!(["engines", "looms"]);
    assert_eq!(assert_queries!(client.db, 1, tags().await), rest);
    let stats = client.db.cache().stats().queries;
    assert_eq!((stats.hits, stats.misses), (3, 3), "{stats:?}");
}
