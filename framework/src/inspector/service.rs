//! The service that answers with the page, its parts, and the same data as JSON.
//!
//! It goes by the end of the path, so that it may be mounted anywhere, with what comes before cut off or not.
use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use serde_json::{Value, json};
use tower_service::Service;

use super::{
    access::{Denied, is_intended},
    explain::{How, Refusal, explain},
    json::{detail, list, whole},
    layer::AskedPath,
    setup::{Settings, Shared},
};

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// Shows what was recorded, see [`Inspector::service`](super::Inspector::service): a service for tower that never
/// fails, to be mounted at any path.
#[derive(Clone)]
pub struct InspectorService {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

/// The answer of an [`InspectorService`].
pub type Answering =
    Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

/// Marks the inspector's own responses, which are not recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own;

impl InspectorService {
    pub(super) fn new(settings: Arc<Settings>, shared: Arc<Shared>) -> Self {
        Self { settings, shared }
    }
}

impl fmt::Debug for InspectorService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectorService")
            .field("enabled", &self.settings.enabled)
            .finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for InspectorService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        let service = self.clone();
        let (request, _) = request.into_parts();
        Box::pin(async move { Ok(service.answer(&request).await) })
    }
}

impl InspectorService {
    async fn answer(&self, request: &Parts) -> Response<Full<Bytes>> {
        let allowed = match self.settings.enabled {
            true => self.settings.access.check(request),
            false => Err(Denied::Off),
        };
        match allowed {
            Ok(()) if request.method == Method::POST => self.explain(request).await,
            Ok(()) if [Method::GET, Method::HEAD].contains(&request.method) => self.show(request),
            Ok(()) => failure(
                StatusCode::METHOD_NOT_ALLOWED,
                "the inspector answers GET and POST",
            ),
            Err(denied) => response(StatusCode::FORBIDDEN, HTML, denied_page(denied)),
        }
    }

    fn show(&self, request: &Parts) -> Response<Full<Bytes>> {
        let ok = |kind, body: &'static str| response(StatusCode::OK, kind, body);
        let ring = &self.shared.ring;
        match segments(request).as_slice() {
            [.., ""] => page(request),
            [.., "style.css"] => ok("text/css; charset=utf-8", include_str!("page/style.css")),
            [.., "inspector.js"] => ok(
                "text/javascript; charset=utf-8",
                include_str!("page/inspector.js"),
            ),
            [.., "requests.json"] => data(&list::of(&self.settings, &ring.since(since(request)))),
            [.., "requests", id] => match record(id).and_then(|id| ring.get(id)) {
                Some(request) => data(&detail::of(&self.settings, &request)),
                None => unknown("request"),
            },
            [.., "statements.json"] => data(&whole::statements(&self.settings)),
            [.., "pools.json"] => data(&whole::pools(&self.settings)),
            [.., "caches.json"] => data(&whole::caches(&self.settings)),
            [.., "prepared.json"] => data(&whole::prepared(&self.settings)),
            _ => failure(
                StatusCode::NOT_FOUND,
                "the inspector has nothing at this path",
            ),
        }
    }

    /// `requests/7/statements/3/explain` or `.../analyze`.
    async fn explain(&self, request: &Parts) -> Response<Full<Bytes>> {
        if !is_intended(request) {
            return failure(
                StatusCode::FORBIDDEN,
                "this request was not sent by the inspector's own page",
            );
        }
        let segments = segments(request);
        let [.., "requests", id, "statements", at, how] = segments.as_slice() else {
            return failure(
                StatusCode::NOT_FOUND,
                "the inspector has nothing to do at this path",
            );
        };
        let how = match *how {
            "explain" => How::Plan,
            "analyze" => How::Analyze,
            _ => return failure(StatusCode::NOT_FOUND, "ask to `explain` or to `analyze`"),
        };
        let Some(request) = record(id).and_then(|id| self.shared.ring.get(id)) else {
            return unknown("request");
        };
        let run = at
            .parse::<usize>()
            .ok()
            .and_then(|at| request.statements.get(at));
        let Some(run) = run else {
            return unknown("statement");
        };
        let db = self.settings.database(run).map(|one| &one.db);
        let timeout = self.settings.explain_timeout;
        match explain(db, run, how, timeout, &self.shared.explaining).await {
            Ok(explained) => data(&detail::explained(&explained)),
            Err(Refusal::Busy) => {
                failure(StatusCode::TOO_MANY_REQUESTS, &Refusal::Busy.to_string())
            }
            Err(refusal) => failure(
                StatusCode::UNPROCESSABLE_ENTITY,
                &detail::refused(run, &refusal),
            ),
        }
    }
}

/// The segments of the path; the page's own address ends in an empty one.
fn segments(request: &Parts) -> Vec<&str> {
    request.uri.path().split('/').collect()
}

fn record(id: &str) -> Option<u64> {
    id.strip_suffix(".json").unwrap_or(id).parse().ok()
}

fn since(request: &Parts) -> u64 {
    let query = request.uri.query().unwrap_or("");
    let since = query
        .split('&')
        .find_map(|part| part.strip_prefix("since="));
    since.and_then(|since| since.parse().ok()).unwrap_or(0)
}

/// The page. Its parts are named relative to it, so that its address must end in a slash; a router that cuts off the
/// path it matched does not tell, but our layer does.
fn page(request: &Parts) -> Response<Full<Bytes>> {
    let asked = request.extensions.get::<AskedPath>();
    let last = asked.and_then(|asked| asked.0.rsplit('/').next());
    match last.filter(|last| !last.is_empty()) {
        Some(last) => {
            let mut there = response(StatusCode::TEMPORARY_REDIRECT, HTML, "");
            // A path is ASCII without spaces: the `Uri` type sees to it.
            if let Ok(target) = HeaderValue::from_str(&format!("./{last}/")) {
                there.headers_mut().insert(header::LOCATION, target);
            }
            there
        }
        None => response(StatusCode::OK, HTML, include_str!("page/index.html")),
    }
}

fn denied_page(denied: Denied) -> String {
    include_str!("page/denied.html").replace("{reason}", denied.reason())
}

fn data(value: &Value) -> Response<Full<Bytes>> {
    response(StatusCode::OK, JSON, value.to_string())
}

fn unknown(what: &str) -> Response<Full<Bytes>> {
    failure(
        StatusCode::NOT_FOUND,
        &format!("the inspector keeps no such {what}; it may have gone for newer ones"),
    )
}

fn failure(status: StatusCode, error: &str) -> Response<Full<Bytes>> {
    response(status, JSON, json!({ "error": error }).to_string())
}

fn response(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.extensions_mut().insert(Own);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
