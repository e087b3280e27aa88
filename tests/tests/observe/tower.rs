//! Budgets of requests.
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use entourage::{
    Database,
    observe::{Alarm, Event, Observer, OverBudget, QueryBudget, Rules},
};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::theatre::{database, failure, planted, seed, sound};

/// `/planted` has an N+1, every other path has not.
#[derive(Clone)]
struct Pages(Database);

impl Service<Request<()>> for Pages {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let db = self.0.clone();
        Box::pin(async move {
            let posts = match request.uri().path() {
                "/planted" => planted(&db).await.unwrap(),
                _ => sound(&db).await.unwrap(),
            };
            let response = Response::builder().header("server-timing", "app;dur=1");
            Ok(response.body(posts.to_string()).unwrap())
        })
    }
}

/// One request to a page without an N+1.
pub(crate) async fn visit(budget: QueryBudget, db: &Database) {
    budget
        .layer(Pages(db.clone()))
        .call(get("/"))
        .await
        .unwrap();
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let heard = match event {
            Event::BudgetExceeded {
                request,
                budget,
                statements,
                ..
            } => format!("{request}: {statements} of {budget}"),
            Event::NPlusOne { found, .. } => found.fix(),
            _ => return,
        };
        self.0.lock().unwrap().push(heard);
    }
}

#[tokio::test]
async fn a_request_within_its_budget_says_how_long_the_database_took() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let budget = QueryBudget::new(2).when_exceeded(OverBudget::Fail);
    let response = budget.layer(Pages(db)).call(get("/")).await.unwrap();
    assert_eq!(response.body(), "6");
    let timing: Vec<_> = response.headers().get_all("server-timing").iter().collect();
    assert_eq!(timing[0], "app;dur=1");
    let timing = timing[1].to_str().unwrap();
    assert!(timing.starts_with("db;dur="), "{timing}");
    for part in [
        ";desc=\"2 statements\"",
        ", db-wait;dur=",
        ", db-prepared;desc=\"",
    ] {
        assert!(timing.contains(part), "{timing}");
    }
    assert_eq!(budget.exceeded(), 0);
}

#[tokio::test]
async fn a_request_over_its_budget_fails_a_test() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let mut service = QueryBudget::new(2)
        .when_exceeded(OverBudget::Fail)
        .layer(Pages(db));
    let text = failure(service.call(get("/planted"))).await;
    assert!(
        text.starts_with("GET /planted sent 4 statements, over its budget of 2\n"),
        "{text}"
    );
    assert!(
        text.contains("add `.with(User::POSTS)` to the query at "),
        "{text}"
    );
}

#[tokio::test]
async fn in_production_it_is_counted_and_told() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let heard = Arc::new(Heard::default());
    let alarm = Alarm::new(Rules::default()).observer(heard.clone());
    for over in [OverBudget::Count, OverBudget::Warn] {
        let budget = QueryBudget::new(2)
            .when_exceeded(over)
            .server_timing(false)
            .observer(heard.clone());
        let mut service = budget.layer(Pages(db.clone()));
        let response = service.call(get("/planted")).await.unwrap();
        assert_eq!(
            response.headers().get_all("server-timing").iter().count(),
            1
        );
        service.call(get("/")).await.unwrap();
        assert_eq!(budget.exceeded(), 1);
    }
    assert_eq!(*heard.0.lock().unwrap(), ["GET /planted: 4 of 2"; 2]);
    heard.0.lock().unwrap().clear();
    let budget = QueryBudget::new(100).alarm(Arc::new(alarm));
    budget.layer(Pages(db)).call(get("/planted")).await.unwrap();
    assert!(heard.0.lock().unwrap()[0].starts_with("add `.with(User::POSTS)`"));
}

#[tokio::test]
async fn requests_side_by_side_have_budgets_of_their_own() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let budget = QueryBudget::new(2).when_exceeded(OverBudget::Fail);
    let service = budget.layer(Pages(db));
    let requests = (0..20).map(|_| {
        let mut service = service.clone();
        tokio::spawn(async move { service.call(get("/")).await })
    });
    for request in futures_util::future::join_all(requests).await {
        assert_eq!(request.unwrap().unwrap().status(), 200);
    }
}
