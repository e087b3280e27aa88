//! Accounts and signing in.
use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use super::json::Body;
use crate::{
    auth::Viewer,
    error::Error,
    model::user::{self, Changes, Registration, User},
    state::App,
};

/// `{"user": ..}` as it is sent and received.
#[derive(Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    user: T,
}

/// What a client may say of a user. Which of it must be there depends on the request.
#[derive(Debug, Deserialize)]
pub struct Given {
    username: Option<String>,
    email: Option<String>,
    password: Option<String>,
    bio: Option<String>,
    image: Option<String>,
}

/// The user who asks, with a token for more.
#[derive(Debug, Serialize)]
pub struct Account {
    email: String,
    token: String,
    username: String,
    bio: String,
    image: String,
}

fn account(app: &App, user: User) -> Json<Envelope<Account>> {
    let account = Account {
        token: app.tokens.sign(user.id),
        email: user.email,
        username: user.username,
        bio: user.bio,
        image: user.image,
    };
    Json(Envelope { user: account })
}

/// `POST /users`
pub async fn register(
    State(app): State<App>,
    Body(Envelope { user }): Body<Envelope<Given>>,
) -> Result<(StatusCode, Json<Envelope<Account>>), Error> {
    let asked = Registration {
        username: user.username,
        email: user.email,
        password: user.password,
    };
    let user = user::register(&app.db, &app.passwords, asked).await?;
    Ok((StatusCode::CREATED, account(&app, user)))
}

/// `POST /users/login`
pub async fn login(
    State(app): State<App>,
    Body(Envelope { user }): Body<Envelope<Given>>,
) -> Result<Json<Envelope<Account>>, Error> {
    let user = user::login(&app.db, &app.passwords, user.email, user.password).await?;
    Ok(account(&app, user))
}

/// `GET /user`
pub async fn current(
    State(app): State<App>,
    Viewer(id): Viewer,
) -> Result<Json<Envelope<Account>>, Error> {
    Ok(account(&app, user::current(&app.db, id).await?))
}

/// `PUT /user`
pub async fn change(
    State(app): State<App>,
    Viewer(id): Viewer,
    Body(Envelope { user }): Body<Envelope<Given>>,
) -> Result<Json<Envelope<Account>>, Error> {
    let changes = Changes {
        username: user.username,
        email: user.email,
        password: user.password,
        bio: user.bio,
        image: user.image,
    };
    let user = user::change(&app.db, &app.passwords, id, changes).await?;
    Ok(account(&app, user))
}
