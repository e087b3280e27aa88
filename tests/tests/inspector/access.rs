//! Nobody is answered by default, and nothing is sent that a page could be made to run.
use std::net::IpAddr;

use entourage::inspector::{Inspector, Peer};
use entourage_tests::inspection::{Stage, text};
use http::{Method, Request, StatusCode};
use serde_json::Value;

use super::{database, open, played, read};

const PAGES: [&str; 7] = [
    "/",
    "/inspector.js",
    "/style.css",
    "/requests.json",
    "/requests/1.json",
    "/statements.json",
    "/pools.json",
];

async fn status(stage: &Stage, path: &str, peer: Option<IpAddr>) -> StatusCode {
    let mut request = Request::get(path)
        .header("host", "localhost:3000")
        .body(())
        .unwrap();
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer));
    }
    stage.ask(request).await.status()
}

#[tokio::test]
async fn nobody_is_answered_without_a_reason_and_the_page_says_how() {
    let db = database().await;
    let stage = played(Inspector::new(&db).enable(), &db).await;
    for path in PAGES {
        assert_eq!(
            status(&stage, path, None).await,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        let elsewhere = Some([192, 0, 2, 1].into());
        assert_eq!(
            status(&stage, path, elsewhere).await,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        let here = Some([127, 0, 0, 1].into());
        assert_eq!(status(&stage, path, here).await, StatusCode::OK, "{path}");
    }
    let denied = text(stage.ask(Request::get("/").body(()).unwrap()).await).await;
    assert!(
        denied.contains(".peer_by(..)") && denied.contains(".authorize(..)"),
        "{denied}"
    );
    assert!(!denied.contains("/users"), "{denied}");
}

#[tokio::test]
async fn what_is_off_records_nothing_and_says_how_to_turn_it_on() {
    let db = database().await;
    let stage = played(open(&db).disable(), &db).await;
    let denied = stage
        .ask(Request::get("/requests.json").body(()).unwrap())
        .await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
    assert!(text(denied).await.contains(".enable()"));
    assert!(!db.observers().is_listening());
    // Tests are debug builds, where it is on.
    let stage = played(Inspector::new(&db).authorize(|_| true), &db).await;
    assert_eq!(stage.get("/requests.json").await.1["kept"], 1);
}

#[tokio::test]
async fn an_authoriser_sees_the_request() {
    let db = database().await;
    let inspector = Inspector::new(&db).enable().authorize(|request| {
        request
            .headers
            .get("x-staff")
            .is_some_and(|staff| staff == "yes")
    });
    let stage = played(inspector, &db).await;
    let ask = async |staff| {
        let request = Request::get("/requests.json").header("x-staff", staff);
        stage.ask(request.body(()).unwrap()).await.status()
    };
    assert_eq!(
        (ask("yes").await, ask("no").await),
        (StatusCode::OK, StatusCode::FORBIDDEN)
    );
}

#[tokio::test]
async fn every_answer_forbids_what_the_page_does_not_need() {
    let db = database().await;
    let stage = played(open(&db), &db).await;
    for path in PAGES.iter().chain(&["/nowhere", "/requests/99.json"]) {
        let answer = stage.ask(Request::get(*path).body(()).unwrap()).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store");
        let body = text(answer).await;
        assert!(
            !body.contains("http://") || body.contains("http://www.w3.org/2000/svg"),
            "{path}"
        );
        assert!(!body.contains("https://"), "{path}");
    }
}

#[tokio::test]
async fn explaining_needs_an_intent_a_known_statement_and_post() {
    let db = database().await;
    let stage = played(open(&db), &db).await;
    let recording = db.recorded();
    let path = "/requests/1/statements/0/explain";
    let ask = async |request: http::request::Builder| {
        let answer = stage.ask(request.body(()).unwrap()).await;
        (answer.status(), text(answer).await)
    };
    let foreign = Request::post(path).header("origin", "http://example.org");
    assert_eq!(ask(foreign).await.0, StatusCode::FORBIDDEN);
    let foreign = Request::post(path)
        .header("origin", "http://example.org")
        .header("host", "localhost")
        .header("x-entourage-inspector", "1");
    assert_eq!(ask(foreign).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(Request::get(path)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        ask(Request::builder().method(Method::PUT).uri(path))
            .await
            .0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    for unknown in [
        "/requests/2/statements/0/explain",
        "/requests/1/statements/1/explain",
        "/requests/1/statements/-1/explain",
        "/requests/x/statements/0/explain",
        "/requests/1/statements/0/run",
    ] {
        assert_eq!(
            stage.post(unknown).await.0,
            StatusCode::NOT_FOUND,
            "{unknown}"
        );
    }
    assert_eq!(recording.statements().len(), 0);
    let (status, plan): (_, Value) = stage.post(path).await;
    assert_eq!(status, StatusCode::OK, "{plan}");
}

#[tokio::test]
async fn an_explain_that_waits_in_vain_gives_up_and_only_one_runs_at_a_time() {
    let db = database().await;
    let stage = Stage::new(open(&db).explain_timeout(std::time::Duration::from_secs(1)));
    stage.play("/", read(db.clone())).await;
    // The one connection of the database in memory is taken.
    let held = db.begin().await.unwrap();
    let path = "/requests/1/statements/0/explain";
    let ((first, error), (second, busy)) = tokio::join!(stage.post(path), stage.post(path));
    assert_eq!(first, StatusCode::UNPROCESSABLE_ENTITY, "{error}");
    assert_eq!(second, StatusCode::TOO_MANY_REQUESTS, "{busy}");
    held.rollback().await.unwrap();
    assert_eq!(stage.post(path).await.0, StatusCode::OK);
}
