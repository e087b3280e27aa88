//! Statements that take too long, told with their line.
use std::{fmt, sync::Arc, time::Duration};

use super::{Event, Observer, StatementEvent, trace::system};

type OnSlow = dyn Fn(&StatementEvent<'_>) + Send + Sync;

/// Warns of statements that take longer than a limit, by `tracing` (target `entourage::slow`), with text, call site,
/// rows and times. The time counted is the database's and the decoding's, not the wait for a connection.
///
/// Add it with [`DatabaseBuilder::slow_statements`](crate::database::DatabaseBuilder::slow_statements), which can tell
/// the database's plan too:
///
/// ```
/// # use std::time::Duration;
/// # use entourage::{Database, observe::SlowStatements};
/// # #[tokio::main]
/// # async fn main() -> entourage::Result<()> {
/// let db = Database::builder()
///     .url("sqlite::memory:")
///     .slow_statements(SlowStatements::over(Duration::from_millis(200)).with_plan())
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
pub struct SlowStatements {
    limit: Duration,
    with_plan: bool,
    /// The one shard whose statements are told, if it is one of several.
    shard: Option<Arc<str>>,
    then: Option<Box<OnSlow>>,
}

impl SlowStatements {
    /// Warns of statements that take longer than `limit`.
    pub fn over(limit: Duration) -> Self {
        Self {
            limit,
            with_plan: false,
            shard: None,
            then: None,
        }
    }

    /// Asks the database for the plan of slow reads and tells it too: on a connection of its own, once a minute for each
    /// statement, after the statement has ended.
    #[must_use]
    pub fn with_plan(mut self) -> Self {
        self.with_plan = true;
        self
    }

    pub(crate) fn wants_plan(&self) -> bool {
        self.with_plan
    }

    /// The same for the statements of one shard: its observers hear those of all.
    pub(crate) fn of_shard(self, shard: Option<Arc<str>>) -> Self {
        Self { shard, ..self }
    }

    pub(crate) fn then(
        mut self,
        then: impl Fn(&StatementEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.then = Some(Box::new(then));
        self
    }
}

impl Observer for SlowStatements {
    fn on_event(&self, event: &Event<'_>) {
        let Event::Statement(run) = event else {
            return;
        };
        let took = run.execute + run.decode;
        if took < self.limit || self.shard.is_some() && self.shard != run.target.shard {
            return;
        }
        let statement = run.statement;
        let call_site = statement.call_site;
        tracing::warn!(
            target: "entourage::slow",
            {
                db.system.name = system(run.target, run.dialect),
                entourage.shard = run.target.shard.as_deref(),
                db.collection.name = statement.plan.table(),
                db.query.text = statement.plan.normalized(run.dialect),
                code.file.path = call_site.file(),
                code.line.number = call_site.line(),
                took = ?took,
                wait = ?run.wait,
                rows = run.rows,
            },
            "a statement from {}:{} took {took:.1?}",
            call_site.file(),
            call_site.line(),
        );
        if let Some(then) = &self.then {
            then(run);
        }
    }
}

impl fmt::Debug for SlowStatements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowStatements")
            .field("limit", &self.limit)
            .field("with_plan", &self.with_plan)
            .finish_non_exhaustive()
    }
}
