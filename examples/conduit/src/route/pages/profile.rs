//! A user's page: their articles, or their favorites.
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use entourage::Database;
use serde::Deserialize;

use super::{Page, PageError, Reader, Shelf, SignedIn, html, path, session::Read};
use crate::{
    model::{
        article::Wanted,
        user::{self, Person},
    },
    route::json::Parameters,
};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    favorites: Option<String>,
    page: Option<u32>,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct Profile {
    reader: Reader,
    person: Person,
    own: bool,
    following: bool,
    favorites: bool,
    shelf: Shelf,
}

pub(super) async fn show(
    State(db): State<Database>,
    Read(reader): Read,
    Path(username): Path<String>,
    Parameters(asked): Parameters<Asked>,
) -> Page {
    let person = user::person(&db, &username).await?;
    let viewer = reader.as_ref().map(|member| member.id);
    let followed = user::followed_of(&db, viewer, [person.id]).await?;
    let favorites = asked.favorites.is_some();
    let wanted = Wanted {
        author: (!favorites).then(|| person.username.clone()),
        favorited: favorites.then(|| person.username.clone()),
        ..Wanted::default()
    };
    let address = match favorites {
        true => format!("{}?favorites=own&", path("/profile", &username)),
        false => format!("{}?", path("/profile", &username)),
    };
    let shelf = Shelf::load(&db, &reader, wanted, asked.page.unwrap_or(1), &address).await?;
    html(&Profile {
        own: viewer == Some(person.id),
        following: !followed.is_empty(),
        reader,
        person,
        favorites,
        shelf,
    })
}

/// Whether something is to be so or no longer.
#[derive(Debug, Deserialize)]
pub(super) struct Switch {
    pub(super) on: bool,
}

pub(super) async fn follow(
    State(db): State<Database>,
    SignedIn(id): SignedIn,
    Path(username): Path<String>,
    Form(switch): Form<Switch>,
) -> Result<Redirect, PageError> {
    user::follow(&db, id, &username, switch.on).await?;
    Ok(Redirect::to(&path("/profile", &username)))
}
