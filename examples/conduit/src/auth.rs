//! Who asks: passwords, tokens, and the extractors that handlers take.
mod password;
mod token;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{header, request::Parts},
};

pub use password::Passwords;
pub use token::Tokens;

use crate::{error::Error, state::App};

/// The user who asks, by key. As an extractor it refuses requests without a token; `Option<Viewer>` takes them, and
/// refuses only a token that is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer(pub i64);

/// The key, for queries that serve everybody.
pub fn id(viewer: Option<Viewer>) -> Option<i64> {
    viewer.map(|Viewer(id)| id)
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let found = viewer(parts, app)?;
        found.ok_or_else(|| Error::unauthorized("token", "is missing"))
    }
}

impl OptionalFromRequestParts<App> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Error> {
        viewer(parts, app)
    }
}

/// The contract says `Token`, most tools send `Bearer`.
fn viewer(parts: &Parts, app: &App) -> Result<Option<Viewer>, Error> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let token = text.split_once(' ').filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("token") || scheme.eq_ignore_ascii_case("bearer")
    });
    let id = token.and_then(|(_, token)| app.tokens.verify(token.trim()));
    match id {
        Some(id) => Ok(Some(Viewer(id))),
        None => Err(Error::unauthorized("token", "is invalid")),
    }
}
