//! Profiles and following.
use serde_json::{Value, json};

use crate::client::{Answer, Client};

fn profile(name: &str, following: bool) -> Value {
    json!({ "profile": { "username": name, "bio": "", "image": "", "following": following } })
}

#[track_caller]
fn assert_profile(answer: Answer, name: &str, following: bool) {
    assert_eq!(answer.expect(200), profile(name, following));
}

pub async fn a_profile_says_whether_one_follows(client: &Client) {
    let ada = client.user("ada").await;
    let bea = client.user("bea").await;
    assert_profile(client.nobody().get("/api/profiles/bea").await, "bea", false);
    assert_profile(ada.get("/api/profiles/bea").await, "bea", false);
    assert_profile(ada.ask("/api/profiles/bea/follow").await, "bea", true);
    assert_profile(ada.get("/api/profiles/bea").await, "bea", true);
    // It goes one way.
    assert_profile(bea.get("/api/profiles/ada").await, "ada", false);
    assert_profile(client.nobody().get("/api/profiles/bea").await, "bea", false);
    assert_profile(ada.delete("/api/profiles/bea/follow").await, "bea", false);
    assert_profile(ada.get("/api/profiles/bea").await, "bea", false);
}

pub async fn following_twice_is_following_once(client: &Client) {
    let ada = client.user("ada").await;
    client.user("bea").await;
    for _ in 0..2 {
        assert_profile(ada.ask("/api/profiles/bea/follow").await, "bea", true);
    }
    for _ in 0..2 {
        assert_profile(ada.delete("/api/profiles/bea/follow").await, "bea", false);
    }
}

pub async fn nobody_follows_themselves_or_nobody(client: &Client) {
    let ada = client.user("ada").await;
    let answer = ada.ask("/api/profiles/ada/follow").await;
    answer.refused(422, "username", "is your own");
    let missing = "/api/profiles/nobody/follow";
    ada.ask(missing).await.refused(404, "profile", "not found");
    ada.delete(missing)
        .await
        .refused(404, "profile", "not found");
    let answer = client.nobody().get("/api/profiles/nobody").await;
    answer.refused(404, "profile", "not found");
    let path = "/api/profiles/ada/follow";
    let nobody = client.nobody();
    nobody.ask(path).await.refused(401, "token", "is missing");
    nobody
        .delete(path)
        .await
        .refused(401, "token", "is missing");
}
