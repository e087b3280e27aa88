//! What an inspector looks at, what it keeps and whom it answers.
use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::request::Parts;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{
    InspectorLayer, InspectorService,
    access::Access,
    ring::{Caps, Ring},
    route::Routes,
    totals::Totals,
};
use crate::{
    database::Database,
    observe::{Observer, Recorded, recorded::DatabaseId},
};

/// How long EXPLAIN may take, its wait for a connection included.
const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Records requests and shows them: see [`inspector`](crate::inspector). Cheap to clone; clones show the same.
///
/// Settings count for the layers and services that are made after them.
#[derive(Clone)]
pub struct Inspector {
    pub(super) settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) databases: Vec<Inspectable>,
    pub(super) queues: Vec<Queue>,
    pub(super) enabled: bool,
    pub(super) access: Access,
    pub(super) routes: Routes,
    pub(super) caps: Caps,
    pub(super) budget: Option<usize>,
    pub(super) explain_timeout: Duration,
}

/// What a write-behind queue says of itself whenever it is asked. Its own type is there only with its feature.
pub(super) type Queue = Arc<dyn Fn() -> Value + Send + Sync>;

/// A database that is looked at.
#[derive(Clone)]
pub(super) struct Inspectable {
    pub(super) name: Arc<str>,
    pub(super) db: Database,
    pub(super) totals: Arc<Totals>,
    /// Whether the totals hear of it already.
    heard: Arc<AtomicBool>,
}

/// What all clones share.
pub(super) struct Shared {
    pub(super) ring: Ring,
    /// One EXPLAIN at a time: it takes a connection that the program may need.
    pub(super) explaining: Semaphore,
}

impl Settings {
    /// The database that a statement was run on; `None` for a connection that was lent.
    pub(super) fn database(&self, run: &Recorded) -> Option<&Inspectable> {
        let id = run.database?;
        let shard = run.target.shard.as_deref();
        self.databases
            .iter()
            // Shards have their observers in common.
            .find(|one| DatabaseId::of(one.db.observers()) == id && one.db.shard() == shard)
    }
}

impl Inspector {
    /// An inspector of `db`, by the name `main`. It is on in debug builds; [`enable`](Inspector::enable) turns it on in
    /// others.
    pub fn new(db: &Database) -> Self {
        let settings = Settings {
            databases: Vec::new(),
            queues: Vec::new(),
            enabled: cfg!(debug_assertions),
            access: Access::default(),
            routes: Routes::default(),
            caps: Caps::default(),
            budget: None,
            explain_timeout: EXPLAIN_TIMEOUT,
        };
        let shared = Arc::new(Shared {
            ring: Ring::default(),
            explaining: Semaphore::new(1),
        });
        Self { settings, shared }.database("main", db)
    }

    /// Looks at `db` too, by that name. Statements of databases that are not named are recorded, but have no pool, no
    /// totals and no EXPLAIN.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>, db: &Database) -> Self {
        self.settings.databases.push(Inspectable {
            name: name.into().into(),
            db: db.clone(),
            totals: Arc::new(Totals::of(db.shard())),
            heard: Arc::default(),
        });
        self
    }

    /// Turns it on in release builds too. Read about whom it answers first.
    #[must_use]
    pub fn enable(mut self) -> Self {
        self.settings.enabled = true;
        self
    }

    /// Turns it off: its layer passes requests on untouched, its service refuses.
    #[must_use]
    pub fn disable(mut self) -> Self {
        self.settings.enabled = false;
        self
    }

    /// Answers the requests that `is_allowed` says yes to, and no others; where they come from does not count then.
    #[must_use]
    pub fn authorize(
        mut self,
        is_allowed: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.access.authorize = Some(Arc::new(is_allowed));
        self
    }

    /// How the address of the peer is found, for those that only a loopback address lets in. Without it, it is looked
    /// for as a [`Peer`](super::Peer) among the request's extensions.
    #[must_use]
    pub fn peer_by(
        mut self,
        peer: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.settings.access.peer = Some(Arc::new(peer));
        self
    }

    /// How the route of a request is named: with axum by its `MatchedPath`. Where it answers `None`, and without it, the
    /// name is a [`RouteName`](super::RouteName) among the extensions of request or response, else the path with
    /// numbers and UUIDs folded.
    #[must_use]
    pub fn route_by(
        mut self,
        route: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.settings.routes.by = Some(Arc::new(route));
        self
    }

    /// How many requests are kept, 200 unless set.
    #[must_use]
    pub fn keep_requests(mut self, requests: usize) -> Self {
        self.settings.caps.requests = requests;
        self
    }

    /// How many statements of one request are kept, 500 unless set; the others are only counted.
    #[must_use]
    pub fn keep_statements(mut self, statements: usize) -> Self {
        self.settings.caps.statements = statements;
        self
    }

    /// Roughly how much memory the kept requests may take, 32 MiB unless set; the oldest go first.
    #[must_use]
    pub fn keep_bytes(mut self, bytes: usize) -> Self {
        self.settings.caps.bytes = bytes;
        self
    }

    /// From how many statements on a request is shown as over its budget. A
    /// [`QueryBudget`](crate::observe::QueryBudget) inside counts before this.
    #[must_use]
    pub fn budget(mut self, statements: usize) -> Self {
        self.settings.budget = Some(statements);
        self
    }

    /// How long EXPLAIN and EXPLAIN ANALYZE may take, 5 s unless set.
    #[must_use]
    pub fn explain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.explain_timeout = timeout;
        self
    }

    /// The layer that records requests.
    pub fn layer(&self) -> InspectorLayer {
        InspectorLayer::new(self.started(), Arc::clone(&self.shared))
    }

    /// The service that shows them, to be mounted at any path.
    pub fn service(&self) -> InspectorService {
        InspectorService::new(self.started(), Arc::clone(&self.shared))
    }

    /// The settings as they are now; the totals listen from now on.
    fn started(&self) -> Arc<Settings> {
        let unheard = |one: &&Inspectable| !one.heard.swap(true, Ordering::AcqRel);
        if self.settings.enabled {
            for one in self.settings.databases.iter().filter(unheard) {
                let totals: Arc<dyn Observer> = Arc::<Totals>::clone(&one.totals);
                one.db.observe(totals);
            }
        }
        Arc::new(self.settings.clone())
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .settings
            .databases
            .iter()
            .map(|one| &one.name)
            .collect();
        f.debug_struct("Inspector")
            .field("enabled", &self.settings.enabled)
            .field("databases", &names)
            .field("caps", &self.settings.caps)
            .finish_non_exhaustive()
    }
}
