//! What users see of each other.
use axum::{
    Json,
    extract::{Path, State},
};
use entourage::Database;
use serde::Serialize;

use super::json::Profile;
use crate::{
    auth::{self, Viewer},
    error::Error,
    model::user,
};

/// `{"profile": ..}`
#[derive(Debug, Serialize)]
pub struct Envelope {
    profile: Profile,
}

/// `GET /profiles/{username}`
pub async fn get(
    State(db): State<Database>,
    viewer: Option<Viewer>,
    Path(username): Path<String>,
) -> Result<Json<Envelope>, Error> {
    let person = user::person(&db, &username).await?;
    let followed = user::followed_of(&db, auth::id(viewer), [person.id]).await?;
    let profile = Profile::new(person, !followed.is_empty());
    Ok(Json(Envelope { profile }))
}

/// `POST /profiles/{username}/follow`
pub async fn follow(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(username): Path<String>,
) -> Result<Json<Envelope>, Error> {
    set(&db, id, &username, true).await
}

/// `DELETE /profiles/{username}/follow`
pub async fn unfollow(
    State(db): State<Database>,
    Viewer(id): Viewer,
    Path(username): Path<String>,
) -> Result<Json<Envelope>, Error> {
    set(&db, id, &username, false).await
}

async fn set(
    db: &Database,
    viewer: i64,
    username: &str,
    follows: bool,
) -> Result<Json<Envelope>, Error> {
    let person = user::follow(db, viewer, username, follows).await?;
    let profile = Profile::new(person, follows);
    Ok(Json(Envelope { profile }))
}
