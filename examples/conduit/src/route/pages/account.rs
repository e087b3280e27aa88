//! Signing up, in and out, and one's own settings.
use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{Page, PageError, Reader, SignedIn, again, html, session};
use crate::{
    model::user::{self, Changes, Registration},
    state::App,
};

/// The fields as they were typed; those that a form does not have are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    username: String,
    email: String,
    password: String,
    bio: String,
    image: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    reader: Reader,
    /// Whether an account is made.
    new: bool,
    typed: Typed,
    errors: Vec<String>,
}

impl SignIn {
    fn blank(new: bool) -> Self {
        Self {
            reader: None,
            new,
            typed: Typed::default(),
            errors: Vec::new(),
        }
    }
}

pub(super) async fn login_form() -> Page {
    html(&SignIn::blank(false))
}

pub(super) async fn register_form() -> Page {
    html(&SignIn::blank(true))
}

pub(super) async fn login(
    State(app): State<App>,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let (email, password) = (typed.email.clone(), typed.password.clone());
    let user = user::login(&app.db, &app.passwords, Some(email), Some(password)).await;
    match user {
        Ok(user) => Ok(session::begin(&app.tokens, user.id)),
        Err(error) => {
            let errors = error.lines().collect();
            let blank = SignIn::blank(false);
            again(
                &error,
                &SignIn {
                    typed,
                    errors,
                    ..blank
                },
            )
        }
    }
}

pub(super) async fn register(
    State(app): State<App>,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let asked = Registration {
        username: Some(typed.username.clone()),
        email: Some(typed.email.clone()),
        password: Some(typed.password.clone()),
    };
    match user::register(&app.db, &app.passwords, asked).await {
        Ok(user) => Ok(session::begin(&app.tokens, user.id)),
        Err(error) => {
            let errors = error.lines().collect();
            let blank = SignIn::blank(true);
            again(
                &error,
                &SignIn {
                    typed,
                    errors,
                    ..blank
                },
            )
        }
    }
}

pub(super) async fn logout() -> Response {
    session::end()
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    reader: Reader,
    typed: Typed,
    errors: Vec<String>,
}

pub(super) async fn settings_form(
    State(app): State<App>,
    SignedIn(id): SignedIn,
    session::Read(reader): session::Read,
) -> Page {
    let user = user::current(&app.db, id).await?;
    let typed = Typed {
        username: user.username,
        email: user.email,
        password: String::new(),
        bio: user.bio,
        image: user.image,
    };
    html(&Settings {
        reader,
        typed,
        errors: Vec::new(),
    })
}

pub(super) async fn settings(
    State(app): State<App>,
    SignedIn(id): SignedIn,
    session::Read(reader): session::Read,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let changes = Changes {
        username: Some(typed.username.clone()),
        email: Some(typed.email.clone()),
        // An empty field keeps the password.
        password: Some(typed.password.clone()).filter(|password| !password.is_empty()),
        bio: Some(typed.bio.clone()),
        image: Some(typed.image.clone()),
    };
    match user::change(&app.db, &app.passwords, id, changes).await {
        Ok(user) => Ok(Redirect::to(&super::path("/profile", &user.username)).into_response()),
        Err(error) => {
            let errors = error.lines().collect();
            again(
                &error,
                &Settings {
                    reader,
                    typed,
                    errors,
                },
            )
        }
    }
}
