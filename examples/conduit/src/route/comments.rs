//! Comments on articles.
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use entourage::Database;
use serde::{Deserialize, Serialize};

use super::json::{Body, Comment};
use crate::{
    auth::{self, Viewer},
    error::Error,
    model::comment,
};

/// `{"comment": ..}` as it is sent and received.
#[derive(Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    comment: T,
}

/// What a client says.
#[derive(Debug, Deserialize)]
pub struct Given {
    body: Option<String>,
}

/// The comments on an article.
#[derive(Debug, Serialize)]
pub struct List {
    comments: Vec<Comment>,
}

/// `GET /articles/{slug}/comments`
pub async fn list(
    State(db): State<Database>,
    viewer: Option<Viewer>,
    Path(slug): Path<String>,
) -> Result<Json<List>, Error> {
    let seen = comment::of_article(&db, auth::id(viewer), &slug).await?;
    let comments = seen.into_iter().map(Comment::from).collect();
    Ok(Json(List { comments }))
}

/// `POST /articles/{slug}/comments`
pub async fn add(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(slug): Path<String>,
    Body(Envelope { comment }): Body<Envelope<Given>>,
) -> Result<Json<Envelope<Comment>>, Error> {
    let seen = comment::add(&db, id, &slug, comment.body).await?;
    let comment = seen.into();
    Ok(Json(Envelope { comment }))
}

/// `DELETE /articles/{slug}/comments/{id}`
pub async fn remove(
    State(db): State<Database>,
    Viewer(viewer): Viewer,
    Path((slug, id)): Path<(String, String)>,
) -> Result<StatusCode, Error> {
    let id = id.parse().map_err(|_| Error::not_found("comment"))?;
    comment::remove(&db, viewer, &slug, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
