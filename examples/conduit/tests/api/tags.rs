//! Tags.
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
