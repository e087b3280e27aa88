//! What handlers share.
use std::sync::Arc;

use axum::extract::FromRef;
use entourage::{Database, database::HealthChecker};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    auth::{Passwords, Tokens},
    model::article::views::Views,
};

/// The application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Database,
    /// Whether it answers.
    pub health: Arc<HealthChecker>,
    /// Counts who looks at articles.
    pub views: Views,
    /// Makes and verifies hashes of passwords.
    pub passwords: Passwords,
    /// Makes and reads tokens.
    pub tokens: Tokens,
    /// The figures for Prometheus.
    pub metrics: PrometheusHandle,
}

impl App {
    /// The application on a database.
    pub fn new(
        db: Database,
        views: Views,
        passwords: Passwords,
        tokens: Tokens,
        metrics: PrometheusHandle,
    ) -> Self {
        Self {
            health: Arc::new(HealthChecker::new(&db)),
            db,
            views,
            passwords,
            tokens,
            metrics,
        }
    }
}

/// Most handlers need no more.
impl FromRef<App> for Database {
    fn from_ref(app: &App) -> Self {
        app.db.clone()
    }
}

/// Those that show one article count it.
impl FromRef<App> for Views {
    fn from_ref(app: &App) -> Self {
        app.views.clone()
    }
}
