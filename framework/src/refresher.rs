//! Materialized views that are refreshed in the background: from time to time, at set times, and after writes.
//!
//! One task a view. It hears of the writes that were committed through the database handle, and of nothing else: a view
//! that other programs' writes change is refreshed by time as well.
mod agenda;
mod cron;
mod figures;
mod schedule;
mod task;
#[cfg(test)]
mod tests;

use std::{fmt, panic::Location, sync::Arc};

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    database::Database,
    error::{Error, Result},
    schema::{TableDef, View},
};

pub use figures::ViewFigures;
pub use schedule::Schedule;

use figures::Figures;

/// Tasks that refresh views. Dropped, they stop as they are; [`shutdown`](Refresher::shutdown) stops them in order.
///
/// ```
/// # use entourage::{Database, prelude::*};
/// # #[derive(Debug, Clone, Entity)]
/// # #[entity(table = "orders")]
/// # struct Order { #[entity(primary_key, generated)] id: i64, customer_id: i64, cents: i64 }
/// # #[derive(Debug, Clone, View)]
/// # #[view(name = "revenue", materialized, reads(Order))]
/// # #[view(query = "SELECT customer_id, SUM(cents) AS cents FROM orders GROUP BY customer_id")]
/// # struct Revenue { #[view(primary_key)] customer_id: i64, cents: i64 }
/// use std::time::Duration;
/// use entourage::refresher::{Refresher, Schedule};
///
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// db.create_schema::<(Order, Revenue)>().await?;
/// let after_writes = Schedule::after_writes(Duration::from_millis(200), Duration::from_secs(5));
/// let refresher = Refresher::builder(&db)
///     .view::<Revenue>(after_writes.or_cron("0 3 * * *")?)
///     .start()?;
///
/// OrderRepository::new(&db).insert(NewOrder { customer_id: 7, cents: 1250 }).await?;
/// // What was written before is in the view when it has shut down.
/// let figures = refresher.shutdown().await;
/// assert_eq!(RevenueRepository::new(&db).get(7).await?.cents, 1250);
/// assert_eq!(figures[0].failures, 0);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Refresher {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    figures: Vec<Arc<Figures>>,
}

impl Refresher {
    /// A refresher to be started.
    #[track_caller]
    pub fn builder(db: &Database) -> RefresherBuilder {
        RefresherBuilder {
            db: db.clone(),
            views: Vec::new(),
            call_site: Location::caller(),
        }
    }

    /// What was done for each view, in the order in which they were named.
    pub fn figures(&self) -> Vec<ViewFigures> {
        self.figures.iter().map(|figures| figures.read()).collect()
    }

    /// Stops: a refresh that runs is waited for, and a view whose sources were written since is refreshed once more. The
    /// last figures.
    ///
    /// # Cancellation
    /// A future dropped midway leaves the tasks to end by themselves.
    pub async fn shutdown(mut self) -> Vec<ViewFigures> {
        self.stop.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            // What a task runs may panic, and is caught there.
            let _ = task.await;
        }
        self.figures()
    }
}

/// Tasks that were not shut down stop where they are.
impl Drop for Refresher {
    fn drop(&mut self) {
        if !*self.stop.borrow() {
            self.tasks.iter().for_each(JoinHandle::abort);
        }
    }
}

/// A [`Refresher`] to be started.
#[must_use = "it is started by `.start()`"]
pub struct RefresherBuilder {
    db: Database,
    views: Vec<(&'static TableDef, Schedule)>,
    call_site: &'static Location<'static>,
}

impl RefresherBuilder {
    /// Refreshes `V` by this schedule. A view that is named again has the later one.
    pub fn view<V: View>(mut self, schedule: Schedule) -> Self {
        let table = V::table();
        self.views.retain(|(known, _)| !known.is(table));
        self.views.push((table, schedule));
        self
    }

    /// Starts its tasks.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) without any view, for a period of zero, and for a schedule after
    /// writes of a view that has the name of one of its sources, in another schema: its own refreshes would be such writes;
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for a plain or maintained view, which is never old.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(self) -> Result<Refresher> {
        let Self {
            db,
            views,
            call_site,
        } = self;
        if views.is_empty() {
            return Err(Error::configuration("a refresher has no views")
                .with_hint("name them: `.view::<AuthorStats>(Schedule::every(..))`")
                .at(call_site));
        }
        for (table, schedule) in &views {
            crate::view::refuse_current(table).map_err(|error| error.at(call_site))?;
            schedule.check().map_err(|error| error.at(call_site))?;
            task::check_names(table, schedule).map_err(|error| error.at(call_site))?;
        }
        let stop = watch::Sender::new(false);
        let (mut tasks, mut figures) = (Vec::new(), Vec::new());
        for (table, schedule) in views {
            let of_view = Arc::new(Figures::new(table.name));
            figures.push(Arc::clone(&of_view));
            let task = task::Task::new(&db, table, schedule, of_view, call_site);
            tasks.push(tokio::spawn(task.run(stop.subscribe())));
        }
        Ok(Refresher {
            stop,
            tasks,
            figures,
        })
    }
}

impl fmt::Debug for RefresherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let views = self
            .views
            .iter()
            .map(|(table, schedule)| (table.name, schedule));
        f.debug_map().entries(views).finish()
    }
}
