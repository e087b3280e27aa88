//! Comments.
use serde_json::json;

use crate::client::Client;

pub async fn comments_are_added_listed_and_removed(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    let slug = ada.publish("Notes", &[]).await;
    let path = format!("/api/articles/{slug}/comments");
    assert_eq!(
        client.nobody().get(&path).await.expect(200),
        json!({ "comments": [] })
    );

    let body = json!({ "comment": { "body": "well put" } });
    let body = bea.post(&path, body).await.expect(200);
    let comment = body["comment"].as_object().unwrap();
    let fields: Vec<&str> = comment.keys().map(String::as_str).collect();
    assert_eq!(fields, ["author", "body", "createdAt", "id", "updatedAt"]);
    assert_eq!(comment["body"], "well put");
    assert_eq!(comment["author"]["username"], "bea");
    let id = comment["id"].as_i64().unwrap();
    let second = ada.comment(&slug, "thank you").await;

    ada.ask("/api/profiles/bea/follow").await.expect(200);
    let list = ada.get(&path).await.expect(200);
    let seen = |place: usize| {
        let comment = &list["comments"][place];
        (
            comment["id"].as_i64().unwrap(),
            comment["author"]["following"].as_bool().unwrap(),
        )
    };
    assert_eq!((seen(0), seen(1)), ((second, false), (id, true)));
    assert!(
        list["comments"][0]["createdAt"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );

    let answer = bea.delete(&format!("{path}/{id}")).await;
    assert_eq!(answer.expect(204), "");
    let list = ada.get(&path).await.expect(200);
    assert_eq!(list["comments"].as_array().unwrap().len(), 1);
}

pub async fn only_the_author_removes_a_comment(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    let (slug, other) = (
        ada.publish("Notes", &[]).await,
        ada.publish("Others", &[]).await,
    );
    let id = bea.comment(&slug, "well put").await;
    let path = format!("/api/articles/{slug}/comments/{id}");
    // Not even the article's.
    ada.delete(&path)
        .await
        .refused(403, "comment", "is not yours");
    client
        .nobody()
        .delete(&path)
        .await
        .refused(401, "token", "is missing");
    for path in [
        format!("/api/articles/{other}/comments/{id}"),
        format!("/api/articles/{slug}/comments/4711"),
        format!("/api/articles/{slug}/comments/abc"),
        format!("/api/articles/nothing/comments/{id}"),
    ] {
        bea.delete(&path).await.refused(404, "comment", "not found");
    }
    bea.delete(&path).await.expect(204);
    bea.delete(&path).await.refused(404, "comment", "not found");
}

pub async fn a_comment_is_checked(client: &Client) {
    let ada = client.user("ada").await;
    let slug = ada.publish("Notes", &[]).await;
    let path = format!("/api/articles/{slug}/comments");
    let body = || json!({ "comment": { "body": "well put" } });
    for empty in [
        json!({ "comment": {} }),
        json!({ "comment": { "body": " " } }),
    ] {
        ada.post(&path, empty)
            .await
            .refused(422, "body", "can't be blank");
    }
    client
        .nobody()
        .post(&path, body())
        .await
        .refused(401, "token", "is missing");
    let missing = "/api/articles/nothing/comments";
    ada.post(missing, body())
        .await
        .refused(404, "article", "not found");
    ada.get(missing).await.refused(404, "article", "not found");
}
