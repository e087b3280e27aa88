//! The task that refreshes one view.
use std::{
    panic::{AssertUnwindSafe, Location},
    sync::Arc,
};

use futures_util::FutureExt;
use tokio::{sync::watch, time};

use super::{
    agenda::{Agenda, Now},
    figures::Figures,
    schedule::Schedule,
};
use crate::{
    database::Database,
    error::{Error, Result},
    observe::{Event, ViewEvent},
    schema::{TableDef, view::Source},
    view,
};

pub(super) struct Task {
    db: Database,
    table: &'static TableDef,
    sources: Vec<Source>,
    schedule: Schedule,
    figures: Arc<Figures>,
    call_site: &'static Location<'static>,
    /// Told of every write through the handle, from when the task was made.
    written: watch::Receiver<()>,
    writes_before: u64,
}

impl Task {
    pub(super) fn new(
        db: &Database,
        table: &'static TableDef,
        schedule: Schedule,
        figures: Arc<Figures>,
        call_site: &'static Location<'static>,
    ) -> Self {
        let sources = table.view.map(|view| view.sources_with_parents());
        let sources = sources.unwrap_or_default();
        let log = db.write_log();
        Self {
            written: log.subscribe(),
            writes_before: log.count(&sources),
            db: db.clone(),
            table,
            sources,
            schedule,
            figures,
            call_site,
        }
    }

    /// Refreshes by the schedule until `stop` says so.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut agenda = Agenda::new(self.schedule.clone(), self.writes_before, Now::read());
        if self.schedule.after.is_some() && self.is_doubtful().await {
            agenda.doubt(Now::read());
        }
        loop {
            agenda.written(self.writes(), Now::read());
            self.figures.pending(agenda.is_pending());
            let look_at = agenda.look_at(Now::read());
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                () = until(look_at) => if agenda.is_due(Now::read()) {
                    self.refresh(&mut agenda).await;
                },
                // The log lives as long as the handle that the task holds.
                _ = self.written.changed() => {}
            }
        }
        agenda.written(self.writes(), Now::read());
        if agenda.is_pending() {
            self.refresh(&mut agenda).await;
        }
        self.figures.pending(agenda.is_pending());
    }

    /// Whether the view may be older than what was written before the task began.
    async fn is_doubtful(&self) -> bool {
        let asking = self.db.state_of(self.table, self.call_site);
        // A database that does not answer will be asked again by the refresh, and so will an observer that panics.
        match AssertUnwindSafe(asking).catch_unwind().await {
            Ok(Ok(state)) => state.sources_written != Some(false),
            Ok(Err(_)) | Err(_) => true,
        }
    }

    fn writes(&self) -> u64 {
        self.db.write_log().count(&self.sources)
    }

    async fn refresh(&self, agenda: &mut Agenda) {
        agenda.begins(self.writes(), Now::read());
        let attempt = |concurrently| {
            let refresh = self.db.refresh_of(self.table, self.call_site);
            let refresh = match concurrently {
                true => refresh.concurrently(),
                false => refresh,
            };
            AssertUnwindSafe(refresh.into_future()).catch_unwind()
        };
        let mut refreshed = attempt(self.schedule.concurrently).await;
        if let Ok(Err(error)) = &refreshed
            && self.schedule.concurrently
            && view::is_unpopulated(error)
        {
            // Nobody can be reading it, so nobody waits.
            refreshed = attempt(false).await;
        }
        let error = match refreshed {
            Ok(Ok(report)) => {
                self.figures.succeeded(report);
                return agenda.succeeded(Now::read());
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let (delay, failures) = agenda.failed(Now::read());
        self.figures.failed(error.as_ref());
        let view = self.table.name;
        match &error {
            Some(error) => tracing::warn!(
                target: "entourage::view",
                view, failures, ?delay,
                "the view was not refreshed: {error}"
            ),
            None => tracing::error!(
                target: "entourage::view",
                view, failures, ?delay,
                "the refresh of the view panicked, and will be tried again"
            ),
        }
        let event = Event::View(ViewEvent::Failed {
            view,
            failures,
            delay,
            error: error.as_ref(),
        });
        // An observer may be what panicked.
        let told = std::panic::catch_unwind(AssertUnwindSafe(|| self.db.observers().emit(&event)));
        if told.is_err() {
            tracing::error!(target: "entourage::view", view, "an observer panicked");
        }
    }
}

/// Until somebody says so, or nobody can any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn until(due: Option<time::Instant>) {
    match due {
        Some(due) => time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Writes are told apart by the names of tables without their schemas.
///
/// # Errors
/// [`Configuration`](crate::ErrorKind::Configuration) for a view whose refreshes would be taken for writes to what it
/// reads.
pub(super) fn check_names(table: &TableDef, schedule: &Schedule) -> Result<()> {
    let sources = table
        .view
        .iter()
        .flat_map(|view| view.sources_with_parents());
    let mut names = sources.map(|source| source.table.name);
    let is_own = |name: &str| name.eq_ignore_ascii_case(table.name);
    match schedule.after.and_then(|_| names.find(|name| is_own(name))) {
        None => Ok(()),
        Some(name) => Err(Error::configuration(format!(
            "the view `{}` reads a table of its own name in another schema, so a refresh of it looks like a write to `{name}`",
            table.name
        ))
        .with_table(table.name)
        .with_hint("give the view another name, or refresh it by `Schedule::every(..)` or `Schedule::cron(..)`")),
    }
}
