//! The inspector: what each request did to the database, on a page for whoever works on the program.
//!
//! It is on in debug builds, and in others if it is asked for. It answers only requests that come straight from this
//! machine; to let colleagues in, say by [`Inspector::authorize`] who they are.
use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath},
};
use entourage::{Database, inspector::Inspector};

use crate::model::article::views::Views;

/// Where it is.
pub const PATH: &str = "/_inspector";

/// An inspector of a database and of the views that wait for it; `enable` turns it on in release builds too.
pub fn of(db: &Database, views: &Views, enable: bool) -> Inspector {
    let inspector = Inspector::new(db)
        .write_behind("Views of articles", views.queue())
        .route_by(|request| {
            let path = request.extensions.get::<MatchedPath>()?;
            Some(path.as_str().to_owned())
        })
        .peer_by(|request| {
            let peer = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(peer.ip())
        });
    match enable {
        true => inspector.enable(),
        false => inspector,
    }
}

/// All that a router answers, recorded by an inspector, and its page at [`PATH`].
pub fn inspected(router: Router, inspector: &Inspector) -> Router {
    router
        .nest_service(PATH, inspector.service())
        .layer(inspector.layer())
}
