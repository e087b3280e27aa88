//! Who is signed in, by a cookie that holds a token of the API and that no script can read.
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use entourage::prelude::*;

use super::PageError;
use crate::{
    auth::Tokens,
    model::user::{User, UserRepository},
    state::App,
};

/// Who reads a page; its head names them.
pub(super) type Reader = Option<Member>;

/// A reader who is signed in.
#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
pub(super) struct Member {
    /// The key.
    pub id: i64,
    /// The name.
    pub username: String,
}

/// Takes the reader out of a request: `Read(reader): Read`.
#[derive(Debug)]
pub(super) struct Read(pub Reader);

impl FromRequestParts<App> for Read {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let Some(id) = signed_in(&parts.headers, &app.tokens) else {
            return Ok(Self(None));
        };
        let members = UserRepository::new(&app.db).shape::<Member>();
        let mut found = members.filter(User::ID.eq(id)).all().await?;
        Ok(Self(found.pop()))
    }
}

/// The user who sent a form, by key. Who is not signed in is asked to sign in.
#[derive(Debug)]
pub(super) struct SignedIn(pub i64);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Redirect> {
        let id = signed_in(&parts.headers, &app.tokens);
        id.map(Self).ok_or_else(|| Redirect::to("/login"))
    }
}

const NAME: &str = "session";

fn signed_in(headers: &HeaderMap, tokens: &Tokens) -> Option<i64> {
    let cookies = headers.get_all(header::COOKIE);
    let texts = cookies.iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';'));
    let token = pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
    tokens.verify(token)
}

/// To the front page, signed in.
pub(super) fn begin(tokens: &Tokens, user: i64) -> Response {
    let (token, age) = (tokens.sign(user), tokens.lifetime().as_secs());
    (cookie(&token, age), Redirect::to("/")).into_response()
}

/// To the front page, signed out.
pub(super) fn end() -> Response {
    (cookie("", 0), Redirect::to("/")).into_response()
}

/// Behind TLS it would be `Secure` as well.
fn cookie(token: &str, age: u64) -> [(HeaderName, String); 1] {
    let value = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}");
    [(header::SET_COOKIE, value)]
}
