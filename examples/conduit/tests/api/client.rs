//! The application as its clients see it.
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use conduit::{
    App,
    auth::{Passwords, Tokens},
    migrate,
    model::article::views::{self, Views},
    route::inspector,
    router,
};
use entourage::{Database, pool::PoolOptions};
use entourage_tests::setup::TestDatabase;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// An application on a database of its own.
pub struct Client {
    pub app: App,
    pub db: Database,
    router: Router,
    guard: Option<TestDatabase>,
}

/// An answer; its body is JSON, or text as a JSON string.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Asserts an error with one message about a field.
    #[track_caller]
    pub fn refused(self, status: u16, field: &str, message: &str) {
        let body = self.expect(status);
        assert_eq!(body, json!({ "errors": { field: [message] } }));
    }

    /// The text of a page.
    #[track_caller]
    pub fn page(self, status: u16) -> String {
        let body = self.expect(status);
        body.as_str().expect("a page is text").to_owned()
    }
}

impl Client {
    pub async fn on(database: TestDatabase) -> Self {
        // A busy machine serves them all, late.
        let pool = PoolOptions::web()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(60));
        let mut client = Self::of_server(database.url(), pool).await;
        client.guard = Some(database);
        client
    }

    /// On the database of a URL, which the caller keeps.
    pub async fn of_server(url: &str, pool: PoolOptions) -> Self {
        migrate::run(url).await.unwrap();
        let db = Database::builder()
            .url(url)
            .pool(pool)
            .connect()
            .await
            .unwrap();
        // No view is written by itself, so that every statement is a request's.
        let options = views::Options {
            flush_every: Duration::from_secs(3_600),
            journal: None,
        };
        let views = Views::start(&db, options).await.unwrap();
        // The least that argon2 takes: tests sign in often.
        let cheap = argon2::Params::new(8, 1, 1, None).unwrap();
        let app = App::new(
            db.clone(),
            views,
            Passwords::new(cheap).unwrap(),
            Tokens::new(b"secret of the tests", Duration::from_secs(3_600)),
            PrometheusBuilder::new().build_recorder().handle(),
        );
        let inspector = inspector::of(&db, &app.views, true);
        Self {
            router: inspector::inspected(router(app.clone()), &inspector),
            app,
            db,
            guard: None,
        }
    }

    /// Where the database is, for another program.
    pub fn url(&self) -> &str {
        let guard = self.guard.as_ref();
        guard.expect("the database is the client's own").url()
    }

    /// Serves `more` beside the application, to real browsers; where.
    pub async fn serve(&self, more: Router) -> String {
        let inspector = inspector::of(&self.db, &self.app.views, true);
        let served = inspector::inspected(router(self.app.clone()).merge(more), &inspector);
        let served = served.into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, served).await });
        address
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        Answer {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()),
        }
    }

    /// Nobody in particular.
    pub fn nobody(&self) -> Person<'_> {
        Person {
            client: self,
            authorization: None,
        }
    }

    /// Somebody with this header.
    pub fn with_header(&self, authorization: impl Into<String>) -> Person<'_> {
        Person {
            client: self,
            authorization: Some(authorization.into()),
        }
    }

    /// Somebody who has just registered.
    pub async fn user(&self, name: &str) -> Person<'_> {
        let body = json!({ "user": {
            "username": name,
            "email": format!("{name}@example.org"),
            "password": "secret",
        }});
        let body = self.nobody().post("/api/users", body).await.expect(201);
        self.with_header(format!("Token {}", body["user"]["token"].as_str().unwrap()))
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Person<'a> {
    pub client: &'a Client,
    authorization: Option<String>,
}

impl Person<'_> {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
            // The same token signs in to the pages.
            let token = authorization.rsplit(' ').next().unwrap_or_default();
            request = request.header(header::COOKIE, format!("session={token}"));
        }
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.client.send(request.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A POST of nothing.
    pub async fn ask(&self, path: &str) -> Answer {
        self.call(Method::POST, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Publishes an article and returns its slug.
    pub async fn publish(&self, title: &str, tags: &[&str]) -> String {
        let article = json!({ "article": {
            "title": title,
            "description": format!("about {title}"),
            "body": format!("the text of {title}"),
            "tagList": tags,
        }});
        let body = self.post("/api/articles", article).await.expect(201);
        body["article"]["slug"].as_str().unwrap().to_owned()
    }

    /// Comments on an article and returns the comment's key.
    pub async fn comment(&self, slug: &str, text: &str) -> i64 {
        let body = json!({ "comment": { "body": text } });
        let path = format!("/api/articles/{slug}/comments");
        let body = self.post(&path, body).await.expect(200);
        body["comment"]["id"].as_i64().unwrap()
    }
}
