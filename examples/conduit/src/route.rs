//! The addresses: the API under `/api`, pages for people at the root, and what operators look at.
pub mod articles;
pub mod comments;
pub mod health;
pub mod inspector;
pub mod json;
pub mod pages;
pub mod profiles;
pub mod tags;
pub mod users;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use entourage::{
    metrics::Metrics,
    observe::{Alarm, QueryBudget, Rules},
};

use crate::{error::Error, state::App};

/// No request needs more statements than this; what each sends is in the README.
const BUDGET: usize = 14;

/// The whole application.
pub fn router(app: App) -> Router {
    // Both tell what they find to the metrics, and to the log.
    let alarm = Alarm::new(Rules::default()).observer(Arc::new(Metrics::new()));
    let budget = QueryBudget::new(BUDGET)
        // How long the database took is for the developer, and for nobody else to see.
        .server_timing(cfg!(debug_assertions))
        .alarm(Arc::new(alarm))
        .observer(Arc::new(Metrics::new()));
    Router::new()
        .nest("/api", api())
        .merge(pages::router())
        .layer(budget)
        .layer(from_fn(refuse_null))
        .merge(health::router())
        .layer(from_fn(health::measured))
        .with_state(app)
}

fn api() -> Router<App> {
    Router::new()
        .route("/users", post(users::register))
        .route("/users/login", post(users::login))
        .route("/user", get(users::current).put(users::change))
        .route("/profiles/{username}", get(profiles::get))
        .route(
            "/profiles/{username}/follow",
            post(profiles::follow).delete(profiles::unfollow),
        )
        .route("/articles", get(articles::list).post(articles::create))
        .route("/articles/feed", get(articles::feed))
        .route(
            "/articles/{slug}",
            put(articles::change)
                .get(articles::get)
                .delete(articles::remove),
        )
        .route(
            "/articles/{slug}/favorite",
            post(articles::favorite).delete(articles::unfavorite),
        )
        .route(
            "/articles/{slug}/comments",
            get(comments::list).post(comments::add),
        )
        .route(
            "/articles/{slug}/comments/{id}",
            axum::routing::delete(comments::remove),
        )
        .route("/tags", get(tags::all))
        .fallback(async || Error::not_found("path"))
        .method_not_allowed_fallback(async || Error::method_not_allowed())
        .layer(from_fn(json::allow_other_origins))
}

/// PostgreSQL has no such character in a text, so nothing is named by it.
async fn refuse_null(request: Request, next: Next) -> Response {
    match request.uri().to_string().contains("%00") {
        true => Error::invalid("path", "is invalid").into_response(),
        false => next.run(request).await,
    }
}
