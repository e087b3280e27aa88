//! Pages for people, made on the server: plain HTML, forms that are posted, and a cookie that says who is signed in.
//!
//! They call the same functions as the API. There is no script, so the browser is told to run none.
mod account;
mod article;
mod editor;
mod home;
mod profile;
mod session;

use askama::Template;
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use entourage::Database;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{error::Error, model::article as articles, state::App};

use session::{Reader, SignedIn};

/// The addresses of all pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/login", get(account::login_form).post(account::login))
        .route(
            "/register",
            get(account::register_form).post(account::register),
        )
        .route("/logout", post(account::logout))
        .route(
            "/settings",
            get(account::settings_form).post(account::settings),
        )
        .route("/profile/{username}", get(profile::show))
        .route("/profile/{username}/follow", post(profile::follow))
        .route("/editor", get(editor::blank).post(editor::publish))
        .route("/editor/{slug}", get(editor::filled).post(editor::change))
        .route("/article/{slug}", get(article::show))
        .route("/article/{slug}/delete", post(article::remove))
        .route("/article/{slug}/favorite", post(article::favorite))
        .route("/article/{slug}/comments", post(article::comment))
        .route(
            "/article/{slug}/comments/{id}/delete",
            post(article::remove_comment),
        )
        .fallback(async || PageError(Error::not_found("page")))
        .layer(from_fn(guarded))
        .route("/style.css", get(style))
}

async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, include_str!("../../templates/style.css"))
}

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src * data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Refuses forms that another site made the browser send, and tells the browser what pages may do.
async fn guarded(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    if !reads && is_of_another_site(request.headers()) {
        return PageError(Error::forbidden("form")).into_response();
    }
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(POLICY);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Browsers say where a form comes from. What says nothing is no browser, and has no cookie that it did not want to send.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    let Some(origin) = text("origin") else {
        return false;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    host != text("host")
}

/// A page, or the reason why it cannot be shown.
type Page = Result<Html<String>, PageError>;

fn html(template: &impl Template) -> Page {
    match template.render() {
        Ok(text) => Ok(Html(text)),
        Err(error) => Err(PageError(Error::internal(&error))),
    }
}

/// A form again, with what was wrong about it.
fn again(error: &Error, template: &impl Template) -> Result<Response, PageError> {
    Ok((error.status(), html(template)?).into_response())
}

/// An error, as a page.
#[derive(Debug)]
pub struct PageError(Error);

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    reader: Reader,
    status: StatusCode,
    lines: Vec<String>,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let page = ErrorPage {
            reader: None,
            status: self.0.status(),
            lines: self.0.lines().collect(),
        };
        match page.render() {
            Ok(text) => (page.status, Html(text)).into_response(),
            Err(error) => Error::internal(&error).into_response(),
        }
    }
}

/// What has a meaning in an address.
const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The address of one thing: whatever its name is, it stays one segment.
fn path(folder: &str, name: &str) -> String {
    format!("{folder}/{}", utf8_percent_encode(name, SPECIAL))
}

/// How many articles a page has.
const PER_PAGE: u64 = 10;

/// Articles with the addresses of the pages around them.
struct Shelf {
    articles: Vec<articles::Seen>,
    newer: Option<String>,
    older: Option<String>,
}

impl Shelf {
    /// Page `page`, counted from 1, of the articles that are wanted; `address` is the page's, up to the number.
    async fn load(
        db: &Database,
        reader: &Reader,
        mut wanted: articles::Wanted,
        page: u32,
        address: &str,
    ) -> Result<Self, Error> {
        let page = u64::from(page.max(1));
        wanted.part = articles::Part {
            offset: (page - 1) * PER_PAGE,
            limit: PER_PAGE,
        };
        let viewer = reader.as_ref().map(|member| member.id);
        let listed = articles::list(db, viewer, wanted).await?;
        Ok(Self {
            articles: listed.articles,
            newer: (page > 1).then(|| format!("{address}page={}", page - 1)),
            older: (page * PER_PAGE < listed.total).then(|| format!("{address}page={}", page + 1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (
                header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_form_of_another_site_is_known_by_its_headers() {
        let site = "sec-fetch-site";
        assert!(!is_of_another_site(&headers(&[(site, "same-origin")])));
        assert!(is_of_another_site(&headers(&[(site, "cross-site")])));
        assert!(is_of_another_site(&headers(&[(site, "same-site")])));
        let host = ("host", "conduit.org:80");
        let own = ("origin", "http://conduit.org:80");
        assert!(!is_of_another_site(&headers(&[host, own])));
        assert!(is_of_another_site(&headers(&[
            host,
            ("origin", "http://evil.org")
        ])));
        assert!(is_of_another_site(&headers(&[host, ("origin", "null")])));
        assert!(!is_of_another_site(&headers(&[host])));
    }
}
