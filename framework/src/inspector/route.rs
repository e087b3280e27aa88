//! What a request's route is called, so that requests for different rows count as one kind.
use std::{fmt, sync::Arc};

use http::{Extensions, request::Parts};

/// The name of a request's route, for the program to put among the extensions of a request or a response.
///
/// ```
/// use entourage::inspector::RouteName;
///
/// let mut response = http::Response::new("hello");
/// response.extensions_mut().insert(RouteName("/users/{id}".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteName(pub String);

type RouteBy = dyn Fn(&Parts) -> Option<String> + Send + Sync;

#[derive(Clone, Default)]
pub(super) struct Routes {
    pub(super) by: Option<Arc<RouteBy>>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("by", &self.by.is_some())
            .finish()
    }
}

impl Routes {
    /// The name of the route as far as it is known before the request is answered.
    pub(super) fn of(&self, request: &Parts) -> String {
        let by = self.by.as_ref().and_then(|by| by(request));
        by.or_else(|| named(&request.extensions))
            .unwrap_or_else(|| fold(request.uri.path()))
    }
}

/// The name that somebody put among the extensions.
pub(super) fn named(extensions: &Extensions) -> Option<String> {
    extensions.get::<RouteName>().map(|name| name.0.clone())
}

/// The path with what stands for a row folded: `/users/17` becomes `/users/{id}`.
fn fold(path: &str) -> String {
    let segments: Vec<_> = path.split('/').map(fold_segment).collect();
    segments.join("/")
}

fn fold_segment(segment: &str) -> &str {
    let is_number = !segment.is_empty() && segment.bytes().all(|sign| sign.is_ascii_digit());
    let is_hex = segment.bytes().all(|sign| sign.is_ascii_hexdigit());
    match segment.len() {
        _ if is_number => "{id}",
        36 if uuid::Uuid::try_parse(segment).is_ok() => "{uuid}",
        16.. if is_hex => "{hash}",
        _ => segment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_row_is_folded() {
        for (path, route) in [
            ("/", "/"),
            ("/users/17/posts/3", "/users/{id}/posts/{id}"),
            (
                "/users/550e8400-e29b-41d4-a716-446655440000",
                "/users/{uuid}",
            ),
            ("/blobs/d41d8cd98f00b204e9800998ecf8427e", "/blobs/{hash}"),
            ("/v2/cafe/ada-17/", "/v2/cafe/ada-17/"),
        ] {
            assert_eq!(fold(path), route);
        }
    }

    #[test]
    fn a_closure_goes_before_an_extension_and_that_before_the_path() {
        let mut request = http::Request::get("/users/17")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let routes = Routes::default();
        assert_eq!(routes.of(&request), "/users/{id}");
        request.extensions.insert(RouteName("user".into()));
        assert_eq!(routes.of(&request), "user");
        let routes = Routes {
            by: Some(Arc::new(|request| Some(request.method.to_string()))),
        };
        assert_eq!(routes.of(&request), "GET");
    }
}
