//! The layer that records requests.
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    gathering::{Answer, Asked, Gathering},
    record::Ending,
    route,
    service::Own,
    setup::{Settings, Shared},
};
use crate::observe::budget::Allowed;

/// A layer for tower that records requests, see [`Inspector::layer`](super::Inspector::layer).
///
/// Put it outside everything whose time and statements are to be seen; the inspector's own requests are left out. It
/// hears what the task of the request does, and the tasks that [`observe::spawn`](crate::observe::spawn) spawns.
#[derive(Clone)]
pub struct InspectorLayer {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

impl InspectorLayer {
    pub(super) fn new(settings: Arc<Settings>, shared: Arc<Shared>) -> Self {
        Self { settings, shared }
    }
}

impl fmt::Debug for InspectorLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectorLayer")
            .field("enabled", &self.settings.enabled)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for InspectorLayer {
    type Service = Inspected<S>;

    fn layer(&self, inner: S) -> Inspected<S> {
        Inspected {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose requests are recorded, see [`InspectorLayer`].
#[derive(Clone)]
pub struct Inspected<S> {
    inner: S,
    layer: InspectorLayer,
}

impl<S: fmt::Debug> fmt::Debug for Inspected<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspected")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// The path that was asked for, before routers cut off what they matched.
#[derive(Debug, Clone)]
pub(super) struct AskedPath(pub(super) String);

type Responding<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for Inspected<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Responding<Response<R>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let InspectorLayer { settings, shared } = &self.layer;
        if !settings.enabled {
            return Box::pin(self.inner.call(request));
        }
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let asked = Asked {
            method: parts.method.to_string(),
            route: settings.routes.of(&parts),
            path: path.clone(),
        };
        parts.extensions.insert(AskedPath(path));
        let request = Request::from_parts(parts, body);
        let gathering = Gathering::start(Arc::clone(settings), Arc::clone(shared), asked);
        let response = gathering.enter(|| self.inner.call(request));
        Box::pin(async move {
            let response = gathering.run(response).await;
            end(gathering, &response);
            response
        })
    }
}

fn end<R, E>(gathering: Gathering, response: &Result<Response<R>, E>) {
    let Ok(response) = response else {
        return gathering.finish(Answer {
            ending: Ending::Failed,
            route: None,
            budget: None,
        });
    };
    if response.extensions().get::<Own>().is_some() {
        return gathering.discard();
    }
    gathering.finish(Answer {
        ending: Ending::Answered(response.status().as_u16()),
        route: route::named(response.extensions()),
        budget: response
            .extensions()
            .get::<Allowed>()
            .map(|allowed| allowed.statements),
    });
}
