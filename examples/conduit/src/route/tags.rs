//! Tags.
use axum::{Json, extract::State};
use entourage::Database;
use serde::Serialize;

use crate::{error::Error, model::tag};

/// The names of all tags.
#[derive(Debug, Serialize)]
pub struct List {
    tags: Vec<String>,
}

/// `GET /tags`
pub async fn all(State(db): State<Database>) -> Result<Json<List>, Error> {
    let tags = tag::all(&db).await?;
    Ok(Json(List { tags }))
}
