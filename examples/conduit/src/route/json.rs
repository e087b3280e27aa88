//! What goes over the wire: JSON bodies in and out, as the contract writes them.
use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Error,
    model::{article, comment, user::Person},
};

/// A JSON body. One that cannot be read is 422, like one whose values make no sense.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Error::invalid("body", rejection.body_text())),
        }
    }
}

/// Parameters behind the `?`. Those that cannot be read are 422.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Error::invalid("query", rejection.body_text())),
        }
    }
}

/// A user as others see them.
#[derive(Debug, Serialize)]
pub struct Profile {
    username: String,
    bio: String,
    image: String,
    following: bool,
}

impl Profile {
    /// Of a user, whom the viewer follows or not.
    pub fn new(person: Person, following: bool) -> Self {
        Self {
            username: person.username,
            bio: person.bio,
            image: person.image,
            following,
        }
    }
}

/// An article; in lists without its text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Article {
    slug: String,
    title: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    tag_list: Vec<String>,
    #[serde(serialize_with = "moment")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    updated_at: DateTime<Utc>,
    favorited: bool,
    favorites_count: i64,
    author: Profile,
}

impl From<article::Seen> for Article {
    fn from(seen: article::Seen) -> Self {
        let card = seen.card;
        Self {
            slug: card.slug,
            title: card.title,
            description: card.description,
            body: seen.body,
            tag_list: card.tag_list.into_iter().map(|tag| tag.name).collect(),
            created_at: card.created_at,
            updated_at: card.updated_at,
            favorited: seen.favorited,
            favorites_count: card.favorites_count,
            author: Profile::new(card.author, seen.following),
        }
    }
}

/// A comment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    id: i64,
    #[serde(serialize_with = "moment")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    updated_at: DateTime<Utc>,
    body: String,
    author: Profile,
}

impl From<comment::Seen> for Comment {
    fn from(seen: comment::Seen) -> Self {
        let remark = seen.remark;
        Self {
            id: remark.id,
            created_at: remark.created_at,
            updated_at: remark.updated_at,
            body: remark.body,
            author: Profile::new(remark.author, seen.following),
        }
    }
}

/// As JavaScript writes it: `2026-01-31T12:00:00.000Z`.
fn moment<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Front ends of the RealWorld project are served from elsewhere. Tokens are sent by their scripts and never by the
/// browser itself, so any origin may ask.
pub async fn allow_other_origins(request: Request, next: Next) -> Response {
    let mut response = match request.method() {
        &Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PUT, DELETE",
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type",
        ),
    ];
    for (name, value) in allowed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
