//! What is kept of a request, for how long, and as what it is told.
use std::{
    convert::Infallible,
    future::Ready,
    task::{Context, Poll},
    time::Duration,
};

use entourage::{
    inspector::{InspectorService, RouteName},
    observe::QueryBudget,
    prelude::*,
};
use entourage_tests::{
    inspection::Stage,
    models::blog::{User, UserRepository},
};
use http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tower_layer::Layer;
use tower_service::Service;

use super::{database, open, played, read};

/// The verdicts that do not speak of time: a busy machine makes anybody wait, which unit tests judge with given times.
fn untimed(detail: &Value) -> Vec<&str> {
    let verdicts = detail["verdicts"].as_array().unwrap().iter();
    let kinds = verdicts.map(|one| one["kind"].as_str().unwrap());
    kinds
        .filter(|kind| !matches!(*kind, "wait" | "slow"))
        .collect()
}

/// Answers with the extensions that it is given.
#[derive(Clone)]
struct Named(Option<RouteName>);

impl Service<Request<()>> for Named {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(());
        if let Some(name) = &self.0 {
            response.extensions_mut().insert(name.clone());
        }
        std::future::ready(Ok(response))
    }
}

#[tokio::test]
async fn the_newest_requests_are_kept_and_the_dropped_are_counted() {
    let db = database().await;
    let stage = Stage::new(open(&db).keep_requests(3));
    for number in 0..5 {
        stage
            .play(&format!("/page-{number}"), read(db.clone()))
            .await;
    }
    let (_, list) = stage.get("/requests.json").await;
    assert_eq!(
        (&list["kept"], &list["dropped_requests"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(
        (&list["last_id"], &list["oldest_id"]),
        (&json!(5), &json!(3))
    );
    let paths: Vec<_> = list["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["path"])
        .collect();
    assert_eq!(paths, ["/page-4", "/page-3", "/page-2"]);
    assert_eq!(stage.get("/requests/2.json").await.0, StatusCode::NOT_FOUND);
    let (_, newer) = stage.get("/requests.json?since=4").await;
    assert_eq!(newer["requests"].as_array().unwrap().len(), 1);
    assert!(
        list["overhead"]["recording_ms"].as_f64().unwrap() > 0.0,
        "{list}"
    );
}

#[tokio::test]
async fn memory_is_bounded_and_so_are_the_statements_of_one_request() {
    let db = database().await;
    let stage = Stage::new(open(&db).keep_statements(4).keep_bytes(20_000));
    for _ in 0..20 {
        let db = db.clone();
        stage
            .play("/", async move {
                for _ in 0..6 {
                    read(db.clone()).await
                }
            })
            .await;
    }
    let (_, list) = stage.get("/requests.json").await;
    assert!(list["kept_bytes"].as_u64().unwrap() <= 20_000, "{list}");
    assert!((1..20).contains(&list["kept"].as_u64().unwrap()), "{list}");
    let detail = stage.newest().await;
    assert_eq!(detail["statements"].as_array().unwrap().len(), 4);
    assert_eq!(
        (
            &detail["request"]["statements"],
            &detail["request"]["dropped_statements"]
        ),
        (&json!(6), &json!(2))
    );
    let verdicts = detail["verdicts"].as_array().unwrap();
    assert!(
        verdicts.iter().any(|verdict| verdict["kind"] == "dropped"),
        "{verdicts:?}"
    );
    // One that is larger than everything leaves nothing behind.
    let stage = Stage::new(open(&db).keep_bytes(10));
    stage.play("/", read(db)).await;
    assert_eq!(stage.get("/requests.json").await.1["kept"], 0);
}

#[tokio::test]
async fn a_request_that_is_given_up_is_kept_as_cancelled() {
    let db = database().await;
    let stage = Stage::new(open(&db));
    let held = db.begin().await.unwrap();
    let waiting = stage.play("/", read(db.clone()));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), waiting)
            .await
            .is_err()
    );
    drop(held);
    let detail = stage.newest().await;
    assert_eq!(
        (&detail["request"]["ending"], &detail["request"]["status"]),
        (&json!("cancelled"), &json!(null))
    );
    assert_eq!(detail["statements"][0]["cancelled"], true);
}

#[tokio::test]
async fn repeated_reads_failures_and_budgets_have_verdicts() {
    let db = database().await;
    let stage = Stage::new(open(&db).budget(2));
    let inner = db.clone();
    let work = async move {
        for _ in 0..3 {
            read(inner.clone()).await;
        }
        inner
            .sql("SELECT nothing FROM nowhere WHERE a = 'hush'", args![])
            .execute()
            .await
            .unwrap_err();
    };
    stage.play("/", work).await;
    let detail = stage.newest().await;
    assert_eq!(
        untimed(&detail),
        ["failed", "budget", "duplicates"],
        "{detail:#}"
    );
    assert_eq!(detail["request"]["duplicates"], 2);
    assert_eq!(detail["request"]["over_budget"], true);
    assert!(!detail.to_string().contains("hush"), "{detail}");
}

#[tokio::test]
async fn an_eager_load_is_no_finding() {
    let db = database().await;
    let stage = Stage::new(open(&db));
    let inner = db.clone();
    let work = async move {
        UserRepository::new(&inner)
            .query()
            .with(User::POSTS)
            .all()
            .await
            .unwrap();
    };
    stage.play("/", work).await;
    let detail = stage.newest().await;
    assert_eq!(untimed(&detail), [""; 0], "{detail:#}");
}

#[tokio::test]
async fn the_route_and_the_budget_are_what_the_response_says() {
    let db = database().await;
    let inspector = open(&db).budget(99);
    let budget = QueryBudget::new(7);
    let mut app = inspector
        .layer()
        .layer(budget.layer(Named(Some(RouteName("/x/{y}".into())))));
    app.call(Request::get("/x/ada?token=hush").body(()).unwrap())
        .await
        .unwrap();
    let detail = Stage::new(inspector).newest().await;
    let request = &detail["request"];
    assert_eq!(
        (&request["route"], &request["path"], &request["budget"]),
        (&json!("/x/{y}"), &json!("/x/ada"), &json!(7))
    );
}

#[tokio::test]
async fn its_own_requests_are_left_out_and_an_address_without_a_slash_leads_to_the_page() {
    let db = database().await;
    let inspector = open(&db);
    let mut app = inspector.layer().layer(Cut(inspector.service()));
    let mut ask = |path: &str| app.call(Request::get(path).body(()).unwrap());
    let there = ask("/deep/inspector").await.unwrap();
    assert_eq!(there.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(there.headers()[header::LOCATION], "./inspector/");
    let page = ask("/deep/inspector/").await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(
        Stage::new(inspector).get("/requests.json").await.1["last_id"],
        0
    );
}

/// Cuts off the path, as a router does that mounts a service.
#[derive(Clone)]
struct Cut(InspectorService);

impl Service<Request<()>> for Cut {
    type Response = <InspectorService as Service<Request<()>>>::Response;
    type Error = Infallible;
    type Future = entourage::inspector::Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        *request.uri_mut() = "/".parse().unwrap();
        self.0.call(request)
    }
}

#[tokio::test]
async fn totals_pools_caches_and_prepared_statements_are_told() {
    let db = database().await;
    let stage = played(open(&db), &db).await;
    // Heard beside requests too.
    read(db.clone()).await;
    let (_, statements) = stage.get("/statements.json").await;
    let top = &statements["databases"][0]["top"][0];
    assert_eq!(
        (&top["table"], &top["times"]["count"]),
        (&json!("users"), &json!(2)),
        "{statements:#}"
    );
    assert!(
        top["times"]["p50_ms"].as_f64() <= top["times"]["max_ms"].as_f64(),
        "{top}"
    );
    let tx = db.begin().await.unwrap();
    let (_, pools) = stage.get("/pools.json").await;
    let pool = &pools["pools"][0];
    assert_eq!(
        (&pool["database"], &pool["in_use"], &pool["max"]),
        (&json!("main"), &json!(1), &json!(1))
    );
    let holder = pool["holders"][0]["call_site"].as_str().unwrap();
    assert!(holder.contains("inspector/recorded.rs:"), "{holder}");
    tx.rollback().await.unwrap();
    let (_, caches) = stage.get("/caches.json").await;
    assert!(
        caches["plans"]["hits"].is_u64() && caches["results"].is_null(),
        "{caches}"
    );
    let (_, prepared) = stage.get("/prepared.json").await;
    assert!(prepared["databases"][0]["hits"].is_u64(), "{prepared}");
}

#[tokio::test]
async fn what_the_result_cache_answered_is_told_of_each_request_and_in_all() {
    let db = database().await;
    let stage = Stage::new(open(&db));
    let named = |name: &'static str| {
        let db = db.clone();
        async move {
            let users = UserRepository::new(&db).filter(User::NAME.eq(name));
            users.cached(Duration::from_secs(60)).all().await.unwrap();
        }
    };
    stage.play("/users", read(db.clone())).await;
    assert!(stage.newest().await["request"]["cache"].is_null());
    assert!(stage.get("/caches.json").await.1["results"].is_null());

    stage.play("/ada", named("Ada")).await;
    let first = stage.newest().await;
    let figures = |hits: u64, misses: u64, rate: f64| json!({ "hits": hits, "misses": misses, "hit_rate": rate });
    assert_eq!(first["request"]["cache"], figures(0, 1, 0.0));
    let two = [named("Ada"), named("Bea")];
    let both = async {
        for one in two {
            one.await;
        }
    };
    stage.play("/both", both).await;
    let second = stage.newest().await;
    assert_eq!(second["request"]["cache"], figures(1, 1, 0.5));
    // What was kept sent no statement.
    assert_eq!(second["request"]["statements"], 1);
    let (_, list) = stage.get("/requests.json").await;
    let rates: Vec<_> = list["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| &request["cache"]["hit_rate"])
        .collect();
    assert_eq!(rates, [&json!(0.5), &json!(0.0), &json!(null)]);

    let (_, caches) = stage.get("/caches.json").await;
    let results = &caches["results"][0];
    assert_eq!(
        (&results["database"], &results["of"]),
        (&json!("main"), &json!("queries")),
        "{caches}"
    );
    assert_eq!(
        (&results["hits"], &results["misses"], &results["len"]),
        (&json!(1), &json!(2), &json!(2)),
        "{caches}"
    );
    // A write makes both old.
    let write = db.sql("UPDATE users SET name = name", args![]);
    write.execute().await.unwrap();
    stage.play("/ada", named("Ada")).await;
    let request = &stage.newest().await["request"];
    assert_eq!(request["cache"], figures(0, 1, 0.0));
}
