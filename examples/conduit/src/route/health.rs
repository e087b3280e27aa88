//! What operators look at: whether the application serves, and its figures for Prometheus.
use std::time::Instant;

use axum::{
    Json, Router,
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::state::App;

/// `/health` and `/metrics`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
}

/// 200 while requests should be sent here, else 503; the report says why.
async fn health(State(app): State<App>) -> Response {
    let report = app.health.check().await;
    let status = match report.is_serving() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(report)).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (format, app.metrics.render()).into_response()
}

/// Counts each request and its time, by route and status: never by address, of which there are too many.
pub async fn measured(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let labels = [
        ("http.request.method", method),
        ("http.route", route),
        (
            "http.response.status_code",
            response.status().as_u16().to_string(),
        ),
    ];
    ::metrics::histogram!("http.server.request.duration", &labels)
        .record(began.elapsed().as_secs_f64());
    response
}
