//! The one error type: a status, and messages by field.
use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use entourage::ErrorKind;
use serde_json::json;

/// Why a request was not done. As a response it is `{"errors": {field: [message]}}`.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    messages: BTreeMap<Cow<'static, str>, Vec<String>>,
}

impl Error {
    fn new(status: StatusCode, field: &'static str, message: impl Into<String>) -> Self {
        let messages = BTreeMap::from([(field.into(), vec![message.into()])]);
        Self { status, messages }
    }

    /// 401: nobody is signed in, or not with this.
    pub fn unauthorized(field: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, field, message)
    }

    /// 403: it is somebody else's.
    pub fn forbidden(what: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, what, "is not yours")
    }

    /// 404: there is none.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, what, "not found")
    }

    /// 405: the path is there, and cannot do this.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "is not allowed")
    }

    /// 409: somebody else was first.
    pub fn conflict(field: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, field, message)
    }

    /// 422: one value makes no sense.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, field, message)
    }

    /// 422: these values make no sense.
    pub fn unprocessable(errors: Vec<(&'static str, String)>) -> Self {
        let mut messages = BTreeMap::<_, Vec<_>>::new();
        for (field, message) in errors {
            messages.entry(field.into()).or_default().push(message);
        }
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            messages,
        }
    }

    /// 500: the program's own fault, which is logged and not told.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server", "failed")
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// One line for each message, as a page shows them.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let of_field = |(field, messages): (&Cow<'_, str>, &Vec<String>)| -> Vec<String> {
            let line = |message| format!("{field} {message}");
            messages.iter().map(line).collect()
        };
        self.messages.iter().flat_map(of_field)
    }
}

/// What the database says, in HTTP's words.
impl From<entourage::Error> for Error {
    fn from(error: entourage::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::not_found(thing(error.table())),
            ErrorKind::UniqueViolation => Self::conflict(thing(error.table()), "is there already"),
            ErrorKind::ForeignKeyViolation => {
                Self::conflict(thing(error.table()), "is about something that is gone")
            }
            ErrorKind::Timeout
            | ErrorKind::Connection
            | ErrorKind::Closed
            | ErrorKind::Serialization
            | ErrorKind::Deadlock
            | ErrorKind::LockNotAvailable => {
                tracing::warn!(%error, "the database did not serve");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "database", "is not available, try again")
            }
            _ => Self::internal(&error),
        }
    }
}

/// What a row of a table is called.
fn thing(table: Option<&str>) -> &'static str {
    match table {
        Some("users") => "profile",
        Some("articles") => "article",
        Some("comments") => "comment",
        _ => "row",
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "errors": self.messages }))).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Token");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
