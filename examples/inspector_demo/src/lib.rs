//! A small library on axum, with an inspector that shows what its pages do to the database.
//!
//! One page is sound, one sends a statement for every author, one is kept by the result cache, one is slow, one lends a book
//! in a transaction.
mod model;
mod pages;

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath},
    routing::get,
};
use entourage::{Database, Result, inspector::Inspector};
use tokio::net::TcpListener;

pub use model::seed;

/// The pages, and the inspector at `/inspector`.
pub fn app(db: Database) -> Router {
    let inspector = Inspector::new(&db)
        .budget(10)
        .route_by(|request| {
            let path = request.extensions.get::<MatchedPath>()?;
            Some(path.as_str().to_owned())
        })
        .peer_by(|request| {
            let peer = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(peer.ip())
        });
    Router::new()
        .route("/", get(pages::contents))
        .route("/authors", get(pages::authors))
        .route("/authors/slowly", get(pages::authors_one_by_one))
        .route("/authors/kept", get(pages::authors_kept))
        .route("/authors/{id}", get(pages::author))
        .route("/report", get(pages::report))
        .route("/books/{id}/lend", get(pages::lend))
        .with_state(db)
        .nest_service("/inspector", inspector.service())
        .layer(inspector.layer())
}

/// Answers on `listener` until the task is dropped.
///
/// # Errors
/// The listener's.
pub async fn serve(listener: TcpListener, db: Database) -> std::io::Result<()> {
    let app = app(db).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await
}

/// Answers on `listener` with the inspector alone, for one that runs on a port of its own.
///
/// # Errors
/// The listener's.
pub async fn serve_inspector(listener: TcpListener, inspector: Inspector) -> std::io::Result<()> {
    let page = Router::new().fallback_service(inspector.service());
    axum::serve(listener, page).await
}

/// A database with a few authors and their books.
///
/// # Errors
/// The database's.
pub async fn database(url: &str) -> Result<Database> {
    let db = Database::connect(url).await?;
    seed(&db).await?;
    Ok(db)
}
