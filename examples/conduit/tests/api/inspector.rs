//! The inspector as it is mounted: whom it answers, and what it says of a request.
use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use serde_json::json;

use crate::client::{Answer, Client};

/// Asks the inspector from an address, by a name of this machine.
async fn asked_from(client: &Client, peer: &str, path: &str) -> Answer {
    let mut request = Request::get(format!("/_inspector{path}"))
        .header(header::HOST, "localhost:3000")
        .body(Body::empty())
        .unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    client.send(request).await
}

const HERE: &str = "127.0.0.1:50000";

pub async fn the_inspector_answers_this_machine_alone(client: &Client) {
    let page = asked_from(client, HERE, "/").await.page(200);
    assert!(page.contains("inspector.js"), "{page}");
    for path in ["/", "/requests.json"] {
        asked_from(client, "192.168.1.7:50000", path)
            .await
            .expect(403);
        // Without an address nobody knows where it comes from.
        client
            .nobody()
            .get(&format!("/_inspector{path}"))
            .await
            .expect(403);
    }
    let slash = asked_from(client, HERE, "").await;
    assert_eq!(slash.status, 307, "{slash:?}");
}

pub async fn the_inspector_names_routes_and_keeps_secrets(client: &Client) {
    let ada = client.user("ada").await;
    let slug = ada.publish("Notes", &["x"]).await;
    ada.get(&format!("/api/articles/{slug}")).await.expect(200);
    let list = asked_from(client, HERE, "/requests.json").await.expect(200);
    let newest = &list["requests"][0];
    assert_eq!(newest["route"], "/api/articles/{slug}");
    assert_eq!(newest["path"], "/api/articles/notes");
    // The budget that the router gives each request, and none of the inspector's own requests.
    assert_eq!(newest["budget"], 14);
    assert_eq!(newest["over_budget"], false);
    let routes: Vec<_> = list["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["route"].as_str().unwrap())
        .collect();
    assert_eq!(
        routes,
        ["/api/articles/{slug}", "/api/articles", "/api/users"]
    );
    // The hash of a password is nowhere.
    for request in 1..=3 {
        let path = format!("/requests/{request}.json");
        let detail = asked_from(client, HERE, &path).await.expect(200);
        assert!(!detail.to_string().contains("argon2"), "{detail}");
        assert_eq!(detail["request"]["n_plus_one"], 0, "{detail}");
    }
}

pub async fn the_inspector_shows_the_views_that_wait(client: &Client) {
    let ada = client.user("ada").await;
    let slug = ada.publish("Notes", &["x"]).await;
    let queue = async || {
        let caches = asked_from(client, HERE, "/caches.json").await.expect(200);
        caches["queues"][0].clone()
    };
    let (name, state) = ("Views of articles", "open");
    let before = queue().await;
    assert_eq!(
        (&before["name"], &before["state"]),
        (&json!(name), &json!(state))
    );
    assert_eq!(before["figures"]["pending"], 0);
    for _ in 0..2 {
        ada.get(&format!("/api/articles/{slug}")).await.expect(200);
    }
    let figures = &queue().await["figures"];
    let taken = ["pending", "queued", "coalesced", "flushed"].map(|name| &figures[name]);
    assert_eq!(taken, [1, 2, 1, 0], "{figures}");
    client.app.views.stop().await.unwrap();
    let after = queue().await;
    assert_eq!(
        (&after["state"], &after["figures"]["flushed"]),
        (&json!("closed"), &json!(1))
    );
}
