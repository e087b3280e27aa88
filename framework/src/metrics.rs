//! Metrics, through the facade of the crate `metrics`. Feature `metrics`.
//!
//! Names, units and attributes are those of OpenTelemetry's conventions for database clients
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>); what they have no name for is under
//! `entourage.`. Exporters write the dots as their format demands: Prometheus shows `db_client_operation_duration`.
//!
//! | metric | kind | unit | attributes | of |
//! |---|---|---|---|---|
//! | `db.client.operation.duration` | histogram | s | server, `db.collection.name`, `db.operation.name`, `error.type` | a statement, from sending it to its last row decoded |
//! | `db.client.response.returned_rows` | histogram | rows | server, `db.collection.name`, `db.operation.name` | a statement that succeeded |
//! | `db.client.connection.count` | gauge | connections | pool, `db.client.connection.state` (`idle`, `used`) | a pool, sampled |
//! | `db.client.connection.max` | gauge | connections | pool | a pool, sampled |
//! | `db.client.connection.idle.max` | gauge | connections | pool | as many as may be open |
//! | `db.client.connection.idle.min` | gauge | connections | pool | a pool, sampled |
//! | `db.client.connection.pending_requests` | gauge | callers | pool | a pool, sampled |
//! | `db.client.connection.timeouts` | counter | callers | pool | callers that waited in vain |
//! | `db.client.connection.create_time` | histogram | s | pool | a connection that was opened |
//! | `db.client.connection.wait_time` | histogram | s | pool | a connection that was acquired |
//! | `db.client.connection.use_time` | histogram | s | pool | a connection that came back |
//! | `entourage.connection.closed` | counter | connections | pool, `reason` | connections closed, by reason |
//! | `entourage.connection.failed` | counter | connections | pool | connections that could not be opened |
//! | `entourage.connection.leaked` | counter | connections | pool | connections lent for too long |
//! | `entourage.prepared` | counter | statements | server, `hit` (`true`, `false`) | statements prepared by name |
//! | `entourage.plan_cache.hits`, `.misses`, `.evictions` | counter | plans | | the texts kept by the process, sampled |
//! | `entourage.plan_cache.size` | gauge | plans | | the same |
//! | `entourage.transaction.duration` | histogram | s | server, `step`, `error.type` | a step of a transaction |
//! | `entourage.transaction.retries` | counter | transactions | server | transactions run again after a conflict |
//! | `entourage.cache.requests` | counter | requests | `db.collection.name`, `of` (`row`, `query`), `result` (`hit`, `miss`, `coalesced`, `bypass`) | questions to the result cache |
//! | `entourage.cache.evictions`, `.invalidations`, `.stale_drops` | counter | entries | `db.collection.name`, `of` | what the result cache dropped |
//! | `entourage.cache.connected` | gauge | | | 1 while a shared cache is connected to the other processes |
//! | `entourage.server.up` | gauge | | server | where there are replicas: 1 while a replica is read from, and while the primary answers |
//! | `entourage.replica.lag` | gauge | s | server | for how long a replica has not had what the primary had, with each check |
//! | `entourage.replica.lag_bytes` | gauge | By | server | how much of the primary's log it has not applied (PostgreSQL) |
//! | `entourage.replica.bans` | counter | bans | server, `reason` (`unreachable`, `lagging`, ..) | replicas that were not read from any more |
//! | `entourage.replica.fallbacks` | counter | reads | server (the primary), `reason` (`no_replica`, `behind`, `unknown`, `refused`) | reads that went to the primary although there are replicas |
//! | `entourage.replica.promotions` | counter | promotions | server (the new primary) | replicas that became the primary |
//! | `entourage.n_plus_one` | counter | findings | `db.collection.name` | N+1 queries told by an [`Alarm`](crate::observe::Alarm) |
//! | `entourage.query_budget.exceeded` | counter | requests | | requests over their budget |
//! | `entourage.write_behind.queued` | counter | changes | `db.collection.name`, `coalesced` (`true`, `false`) | changes taken by a write-behind queue |
//! | `entourage.write_behind.flushed` | counter | rows | | rows that a queue has written |
//! | `entourage.write_behind.flush_time` | histogram | s | | a batch that was written |
//! | `entourage.write_behind.retries` | counter | batches | | batches tried again |
//! | `entourage.write_behind.dead_letters` | counter | changes | `db.collection.name`, `error.type` | changes that the database refused |
//! | `entourage.write_behind.back_pressure` | counter | callers | | callers that met a full queue |
//! | `entourage.view.refreshes` | counter | refreshes | `db.collection.name` | materialized views that were renewed |
//! | `entourage.view.refresh_time` | histogram | s | `db.collection.name` | the same, with the wait for another refresh |
//! | `entourage.view.failures` | counter | refreshes | `db.collection.name`, `error.type` | refreshes in the background that failed |
//! | `entourage.warnings` | counter | warnings | server | warnings of any other kind |
//!
//! The attributes of the server are `db.system.name`, `db.namespace`, `server.address` and `server.port`, as far as they
//! are known, and `entourage.role` (`primary`, `replica`): the reads of a replica are those of
//! `db.client.operation.duration` with that role. Where rows are spread over shards, `entourage.shard` is the name of the
//! shard. The attribute of the pool is `db.client.connection.pool.name`. Figures marked as sampled are taken when the pool's
//! monitor looks, see [`DatabaseBuilder::monitor`](crate::database::DatabaseBuilder::monitor).
//!
//! Text of statements is in no attribute: a metric has as many series as its attributes have values.
use std::time::Duration;

use ::metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::{
    observe::{
        CacheEvent, CacheEventKind, CloseReason, Event, Observer, PoolEvent, PoolEventKind,
        PoolStats, Role, RoutingEvent, RoutingEventKind, StatementEvent, Target, TransactionEvent,
        TransactionStep, ViewEvent, WriteBehindEvent,
        trace::{error_type, system},
    },
    statement::StatementKind,
    statement_cache,
};

/// The buckets, in seconds, that OpenTelemetry recommends for `db.client.operation.duration`, and that suit every other
/// duration here.
pub const DURATION_BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// The buckets that OpenTelemetry recommends for `db.client.response.returned_rows`.
pub const ROWS_BUCKETS: [f64; 13] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
];

/// An observer that writes what it hears to the recorder that the program has installed for the crate `metrics`.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use entourage::{Database, metrics::Metrics};
/// # #[tokio::main]
/// # async fn main() -> entourage::Result<()> {
/// let db = Database::builder()
///     .url("sqlite::memory:")
///     .observer(Arc::new(Metrics::new()))
///     .monitor(Duration::from_secs(10))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
///
/// Give it to an [`Alarm`](crate::observe::Alarm) and to a `QueryBudget` too, to have their findings counted.
#[derive(Debug, Clone, Copy)]
pub struct Metrics(());

impl Metrics {
    /// Describes all metrics to the recorder. Install the recorder before.
    pub fn new() -> Self {
        describe();
        Self(())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Metrics {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::StatementStarted(_) => {}
            Event::Statement(run) => statement(run),
            Event::Transaction(transaction) => step(transaction),
            Event::Pool(event) => pool(event),
            Event::Cache(event) => cache(event),
            Event::NPlusOne { found, .. } => {
                let table = found.table.clone();
                counter!("entourage.n_plus_one", "db.collection.name" => table).increment(1);
            }
            Event::BudgetExceeded { .. } => {
                counter!("entourage.query_budget.exceeded").increment(1);
            }
            Event::Routing(event) => routing(event),
            Event::WriteBehind(event) => write_behind(event),
            Event::View(event) => view(event),
            Event::Warning { .. } => counter!("entourage.warnings").increment(1),
        }
    }
}

fn statement(run: &StatementEvent<'_>) {
    let plan = &run.statement.plan;
    if matches!(plan.kind, StatementKind::Transaction) {
        return;
    }
    let server = server(run.target, system(run.target, run.dialect));
    if let Some(hit) = run.prepared {
        let mut labels = server.clone();
        labels.push(Label::from_static_parts(
            "hit",
            if hit { "true" } else { "false" },
        ));
        counter!("entourage.prepared", labels).increment(1);
    }
    let mut labels = server;
    labels.push(Label::new("db.operation.name", plan.kind.operation_name()));
    if !plan.table().is_empty() {
        labels.push(Label::new("db.collection.name", plan.table().to_owned()));
    }
    match (run.error, run.cancelled) {
        (Some(error), _) => labels.push(Label::new("error.type", error_type(error).to_owned())),
        (None, true) => labels.push(Label::from_static_parts("error.type", "cancelled")),
        (None, false) => {
            let rows = run.rows as f64;
            histogram!("db.client.response.returned_rows", labels.clone()).record(rows);
        }
    }
    histogram!("db.client.operation.duration", labels).record(seconds(run.execute + run.decode));
}

fn step(event: &TransactionEvent<'_>) {
    let mut labels = server(event.target, event.target.system);
    if let TransactionStep::Retry { .. } = event.step {
        return counter!("entourage.transaction.retries", labels).increment(1);
    }
    labels.push(Label::new("step", event.step.name()));
    if let Some(error) = event.error {
        labels.push(Label::new("error.type", error_type(error).to_owned()));
    }
    histogram!("entourage.transaction.duration", labels).record(seconds(event.elapsed));
}

fn pool(event: &PoolEvent<'_>) {
    const NAME: &str = "db.client.connection.pool.name";
    let mut labels = vec![Label::new(NAME, event.pool.to_owned())];
    match event.kind {
        PoolEventKind::Opened { took } => {
            histogram!("db.client.connection.create_time", labels).record(seconds(took));
        }
        PoolEventKind::OpenFailed { .. } => {
            counter!("entourage.connection.failed", labels).increment(1);
        }
        PoolEventKind::Closed { reason, .. } => {
            labels.push(Label::from_static_parts("reason", reason_name(reason)));
            counter!("entourage.connection.closed", labels).increment(1);
        }
        PoolEventKind::Acquired { wait } => {
            histogram!("db.client.connection.wait_time", labels).record(seconds(wait));
        }
        PoolEventKind::Released { used } => {
            histogram!("db.client.connection.use_time", labels).record(seconds(used));
        }
        PoolEventKind::TimedOut { .. } => {
            counter!("db.client.connection.timeouts", labels).increment(1);
        }
        PoolEventKind::Leaked { .. } => {
            counter!("entourage.connection.leaked", labels).increment(1);
        }
        PoolEventKind::Snapshot(stats) => snapshot(&labels, stats),
        PoolEventKind::ReturnedAfterAll { .. }
        | PoolEventKind::PendingGrowing { .. }
        | PoolEventKind::NearlyFull { .. } => {}
    }
}

fn routing(event: &RoutingEvent<'_>) {
    let mut labels = server(event.target, event.target.system);
    match event.kind {
        RoutingEventKind::Checked { up, lag, lag_bytes } => {
            let is_replica = event.target.role == Role::Replica;
            if let (true, Some(lag)) = (is_replica, lag) {
                gauge!("entourage.replica.lag", labels.clone()).set(seconds(lag));
            }
            if let (true, Some(bytes)) = (is_replica, lag_bytes) {
                gauge!("entourage.replica.lag_bytes", labels.clone()).set(bytes as f64);
            }
            gauge!("entourage.server.up", labels).set(if up { 1.0 } else { 0.0 });
        }
        RoutingEventKind::Banned { reason, .. } => {
            gauge!("entourage.server.up", labels.clone()).set(0.0);
            labels.push(Label::from_static_parts("reason", reason.name()));
            counter!("entourage.replica.bans", labels).increment(1);
        }
        RoutingEventKind::Recovered { .. } => gauge!("entourage.server.up", labels).set(1.0),
        RoutingEventKind::FellBack { reason } => {
            labels.push(Label::from_static_parts("reason", reason.name()));
            counter!("entourage.replica.fallbacks", labels).increment(1);
        }
        RoutingEventKind::Promoted { .. } => {
            counter!("entourage.replica.promotions", labels).increment(1);
        }
        RoutingEventKind::Alone => {}
    }
}

fn write_behind(event: &WriteBehindEvent<'_>) {
    let of = |table: &str| Label::new("db.collection.name", table.to_owned());
    match *event {
        WriteBehindEvent::Queued { table, coalesced } => {
            let coalesced = if coalesced { "true" } else { "false" };
            let labels = vec![of(table), Label::from_static_parts("coalesced", coalesced)];
            counter!("entourage.write_behind.queued", labels).increment(1);
        }
        WriteBehindEvent::Flushed { rows, took } => {
            counter!("entourage.write_behind.flushed").increment(rows);
            histogram!("entourage.write_behind.flush_time").record(seconds(took));
        }
        WriteBehindEvent::Retried { .. } => {
            counter!("entourage.write_behind.retries").increment(1);
        }
        WriteBehindEvent::DeadLetter { table, error, .. } => {
            let error = Label::new("error.type", error_type(error).to_owned());
            counter!(
                "entourage.write_behind.dead_letters",
                vec![of(table), error]
            )
            .increment(1);
        }
        WriteBehindEvent::BackPressure { .. } => {
            counter!("entourage.write_behind.back_pressure").increment(1);
        }
    }
}

fn view(event: &ViewEvent<'_>) {
    let of = |view: &str| Label::new("db.collection.name", view.to_owned());
    match *event {
        ViewEvent::Refreshed { view, took, .. } => {
            counter!("entourage.view.refreshes", vec![of(view)]).increment(1);
            histogram!("entourage.view.refresh_time", vec![of(view)]).record(seconds(took));
        }
        ViewEvent::Failed { view, error, .. } => {
            let error = error.map_or("panic", error_type).to_owned();
            let labels = vec![of(view), Label::new("error.type", error)];
            counter!("entourage.view.failures", labels).increment(1);
        }
    }
}

fn cache(event: &CacheEvent<'_>) {
    let table = event.table.to_owned();
    let of = if event.is_query { "query" } else { "row" };
    let (name, count) = match event.kind {
        CacheEventKind::Evict(count) => ("entourage.cache.evictions", count),
        CacheEventKind::Invalidate => ("entourage.cache.invalidations", 1),
        CacheEventKind::StaleDrop => ("entourage.cache.stale_drops", 1),
        CacheEventKind::Connected => return gauge!("entourage.cache.connected").set(1.0),
        CacheEventKind::Disconnected => return gauge!("entourage.cache.connected").set(0.0),
        kind => {
            let result = kind.name();
            return counter!("entourage.cache.requests", "db.collection.name" => table, "of" => of, "result" => result)
                .increment(1);
        }
    };
    counter!(name, "db.collection.name" => table, "of" => of).increment(count);
}

fn snapshot(pool: &[Label], stats: PoolStats) {
    for (state, count) in [("idle", stats.idle), ("used", stats.in_use)] {
        let mut labels = pool.to_vec();
        labels.push(Label::from_static_parts(
            "db.client.connection.state",
            state,
        ));
        gauge!("db.client.connection.count", labels).set(count as f64);
    }
    let pool = || pool.to_vec();
    gauge!("db.client.connection.max", pool()).set(stats.max as f64);
    gauge!("db.client.connection.idle.max", pool()).set(stats.max as f64);
    gauge!("db.client.connection.idle.min", pool()).set(stats.min as f64);
    gauge!("db.client.connection.pending_requests", pool()).set(stats.pending as f64);
    let plans = statement_cache::stats();
    counter!("entourage.plan_cache.hits").absolute(plans.hits);
    counter!("entourage.plan_cache.misses").absolute(plans.misses);
    counter!("entourage.plan_cache.evictions").absolute(plans.evictions);
    gauge!("entourage.plan_cache.size").set(plans.len as f64);
}

fn reason_name(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Idle => "idle",
        CloseReason::Lifetime => "lifetime",
        CloseReason::Broken => "broken",
        CloseReason::PoolClosed => "pool_closed",
    }
}

fn server(target: &Target, system: &'static str) -> Vec<Label> {
    let mut labels = Vec::with_capacity(8);
    if !system.is_empty() {
        labels.push(Label::from_static_parts("db.system.name", system));
    }
    if let Some(namespace) = &target.namespace {
        labels.push(Label::new("db.namespace", namespace.clone()));
    }
    if let Some(address) = &target.address {
        labels.push(Label::new("server.address", address.clone()));
    }
    if let Some(port) = target.port {
        labels.push(Label::new("server.port", port.to_string()));
    }
    labels.push(Label::from_static_parts(
        "entourage.role",
        target.role.name(),
    ));
    if let Some(shard) = &target.shard {
        labels.push(Label::new("entourage.shard", shard.to_string()));
    }
    labels
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn describe() {
    let count = Unit::Count;
    describe_histogram!(
        "db.client.operation.duration",
        Unit::Seconds,
        "Duration of database client operations."
    );
    describe_histogram!(
        "db.client.response.returned_rows",
        count,
        "The rows returned by an operation."
    );
    describe_gauge!(
        "db.client.connection.count",
        count,
        "The connections in the state that the attribute names."
    );
    describe_gauge!(
        "db.client.connection.max",
        count,
        "The most connections that may be open."
    );
    describe_gauge!(
        "db.client.connection.idle.max",
        count,
        "The most connections that may be open unused."
    );
    describe_gauge!(
        "db.client.connection.idle.min",
        count,
        "The connections that stay open unused."
    );
    describe_gauge!(
        "db.client.connection.pending_requests",
        count,
        "The callers that wait for a connection."
    );
    describe_counter!(
        "db.client.connection.timeouts",
        count,
        "The callers that waited for a connection in vain."
    );
    describe_histogram!(
        "db.client.connection.create_time",
        Unit::Seconds,
        "The time it took to open a connection."
    );
    describe_histogram!(
        "db.client.connection.wait_time",
        Unit::Seconds,
        "The time a caller waited for a connection."
    );
    describe_histogram!(
        "db.client.connection.use_time",
        Unit::Seconds,
        "The time between lending a connection and its return."
    );
    describe_counter!(
        "entourage.connection.closed",
        count,
        "The connections closed, by reason."
    );
    describe_counter!(
        "entourage.connection.failed",
        count,
        "The connections that could not be opened."
    );
    describe_counter!(
        "entourage.connection.leaked",
        count,
        "The connections lent for too long."
    );
    describe_counter!(
        "entourage.plan_cache.hits",
        count,
        "The queries whose text was known."
    );
    describe_counter!(
        "entourage.plan_cache.misses",
        count,
        "The queries whose text was rendered."
    );
    describe_counter!(
        "entourage.plan_cache.evictions",
        count,
        "The texts dropped because the cache was full."
    );
    describe_gauge!("entourage.plan_cache.size", count, "The texts kept.");
    describe_counter!(
        "entourage.prepared",
        count,
        "The statements prepared by name, by whether they were already."
    );
    describe_histogram!(
        "entourage.transaction.duration",
        Unit::Seconds,
        "Duration of the steps of transactions."
    );
    describe_counter!(
        "entourage.transaction.retries",
        count,
        "The transactions run again after a conflict."
    );
    describe_counter!(
        "entourage.cache.requests",
        count,
        "The questions to the result cache, by how they were answered."
    );
    describe_counter!(
        "entourage.cache.evictions",
        count,
        "The entries dropped because there was no room or their time was over."
    );
    describe_counter!(
        "entourage.cache.invalidations",
        count,
        "The writes that dropped what was kept."
    );
    describe_counter!(
        "entourage.cache.stale_drops",
        count,
        "The values dropped because a write had made them old."
    );
    describe_gauge!(
        "entourage.cache.connected",
        "Whether the result cache is connected to those of other processes."
    );
    describe_routing();
    describe_views();
    describe_counter!("entourage.n_plus_one", count, "The N+1 queries found.");
    describe_counter!(
        "entourage.query_budget.exceeded",
        count,
        "The requests over their budget of statements."
    );
    describe_counter!(
        "entourage.write_behind.queued",
        count,
        "The changes taken by write-behind queues."
    );
    describe_counter!(
        "entourage.write_behind.flushed",
        count,
        "The rows written by write-behind queues."
    );
    describe_histogram!(
        "entourage.write_behind.flush_time",
        Unit::Seconds,
        "How long batches took to be written."
    );
    describe_counter!(
        "entourage.write_behind.retries",
        count,
        "The batches tried again."
    );
    describe_counter!(
        "entourage.write_behind.dead_letters",
        count,
        "The changes that the database refused."
    );
    describe_counter!(
        "entourage.write_behind.back_pressure",
        count,
        "The callers that met a full queue."
    );
    describe_counter!("entourage.warnings", count, "The warnings told.");
}

fn describe_views() {
    describe_counter!(
        "entourage.view.refreshes",
        Unit::Count,
        "The materialized views renewed."
    );
    describe_histogram!(
        "entourage.view.refresh_time",
        Unit::Seconds,
        "How long refreshes of views took."
    );
    describe_counter!(
        "entourage.view.failures",
        Unit::Count,
        "The refreshes in the background that failed."
    );
}

fn describe_routing() {
    let count = Unit::Count;
    describe_gauge!(
        "entourage.server.up",
        "Whether a replica is read from, and whether the primary answers."
    );
    describe_gauge!(
        "entourage.replica.lag",
        Unit::Seconds,
        "For how long a replica has not had what the primary had."
    );
    describe_gauge!(
        "entourage.replica.lag_bytes",
        Unit::Bytes,
        "How much of the primary's log a replica has not applied."
    );
    describe_counter!(
        "entourage.replica.bans",
        count,
        "The times that a replica was not read from any more, by reason."
    );
    describe_counter!(
        "entourage.replica.fallbacks",
        count,
        "The reads that went to the primary although there are replicas, by reason."
    );
    describe_counter!(
        "entourage.replica.promotions",
        count,
        "The replicas that became the primary."
    );
}
