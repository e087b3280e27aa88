//! An inspector on a stage of its own: requests that run what a test wants, and what the inspector says of them.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use entourage::inspector::Inspector;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_layer::Layer;
use tower_service::Service;

/// An inspector, and the program that it looks at.
#[derive(Debug)]
pub struct Stage {
    inspector: Inspector,
}

/// A service that answers one request with the outcome of `work`.
struct Play<F>(Option<F>);

impl<F: Future + Send + 'static> Service<Request<()>> for Play<F>
where
    F::Output: Send,
{
    type Response = Response<F::Output>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let work = self.0.take().expect("a play is given once");
        Box::pin(async move { Ok(Response::new(work.await)) })
    }
}

impl Stage {
    /// A stage for `inspector`, which should let everybody in.
    pub fn new(inspector: Inspector) -> Self {
        Self { inspector }
    }

    /// One request for `path` that does `work`.
    pub async fn play<F>(&self, path: &str, work: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let mut service = self.inspector.layer().layer(Play(Some(work)));
        let request = Request::get(path).body(()).unwrap();
        service.call(request).await.unwrap().into_body()
    }

    /// What the inspector answers.
    pub async fn ask(&self, request: Request<()>) -> Response<Full<Bytes>> {
        self.inspector.service().call(request).await.unwrap()
    }

    /// What it answers to GET, which should be JSON.
    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        json(self.ask(Request::get(path).body(()).unwrap()).await).await
    }

    /// What it answers to POST from its own page, which should be JSON.
    pub async fn post(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::post(path).header("x-entourage-inspector", "1");
        json(self.ask(request.body(()).unwrap()).await).await
    }

    /// The newest request, with everything that is known of it.
    pub async fn newest(&self) -> Value {
        let (_, list) = self.get("/requests.json").await;
        let (status, detail) = self
            .get(&format!("/requests/{}.json", list["last_id"]))
            .await;
        assert_eq!(status, StatusCode::OK, "{list}");
        detail
    }
}

/// The text of a response.
pub async fn text(response: Response<Full<Bytes>>) -> String {
    let body = response.into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

async fn json(response: Response<Full<Bytes>>) -> (StatusCode, Value) {
    let status = response.status();
    let text = text(response).await;
    (status, serde_json::from_str(&text).expect(&text))
}
