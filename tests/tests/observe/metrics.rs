//! A real exposition for Prometheus, scraped over HTTP.
use std::{net::SocketAddr, sync::Arc, time::Duration};

use entourage::{
    Database, Shards,
    metrics::{DURATION_BUCKETS, Metrics, ROWS_BUCKETS},
    observe::{Alarm, OverBudget, QueryBudget, Rules},
    pool::PoolOptions,
    prelude::*,
};
use entourage_tests::{
    models::{
        blog::{UserRepository, create_blog},
        views,
    },
    require, setup,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::theatre::{planted, seed, user};

/// The body of `GET /metrics`.
async fn scrape(address: SocketAddr) -> String {
    let mut stream = loop {
        // The exporter's task may not listen yet.
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    response
}

/// The value of the one series of `metric` that has all of `labels`.
#[track_caller]
fn value(exposition: &str, metric: &str, labels: &[&str]) -> f64 {
    let series: Vec<_> = exposition
        .lines()
        .filter(|line| {
            let named = line
                .strip_prefix(metric)
                .is_some_and(|rest| rest.starts_with(['{', ' ']));
            named && labels.iter().all(|label| line.contains(label))
        })
        .collect();
    assert_eq!(series.len(), 1, "{metric} {labels:?} in\n{exposition}");
    let value = series[0].rsplit(' ').next().unwrap();
    value.parse().unwrap()
}

#[tokio::test]
async fn prometheus_scrapes_what_happened() {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("returned_rows".into()), &ROWS_BUCKETS)
        .unwrap()
        .set_buckets(&DURATION_BUCKETS)
        .unwrap()
        .install()
        .unwrap();
    let metrics = Arc::new(Metrics::new());
    let db = Database::builder()
        .url("sqlite::memory:")
        .pool(PoolOptions::new().name("main"))
        .observer(metrics.clone())
        .monitor(Duration::from_millis(10))
        .connect()
        .await
        .unwrap();
    create_blog(&db).await;
    seed(&db, 5).await.unwrap();
    let alarm = Alarm::new(Rules::default()).observer(metrics.clone());
    alarm.watch(planted(&db)).await.unwrap();
    UserRepository::new(&db).insert(user(0)).await.unwrap_err();
    views::seed(&db).await.unwrap();
    db.refresh::<views::AuthorFigures>().await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.commit().await.unwrap();
    db.begin().await.unwrap().rollback().await.unwrap();
    let budget = QueryBudget::new(0)
        .when_exceeded(OverBudget::Count)
        .observer(metrics);
    super::tower::visit(budget, &db).await;

    let text = loop {
        let text = scrape(address).await;
        // The gauges are there once the monitor has looked. This one is its last.
        if text.contains("entourage_plan_cache_size") {
            break text;
        }
        tokio::task::yield_now().await;
    };
    let sqlite = "db_system_name=\"sqlite\"";
    let users = [
        sqlite,
        "db_collection_name=\"users\"",
        "db_operation_name=\"INSERT\"",
    ];
    let failed = [users[1], users[2], "error_type=\"2067\""];
    let posts = [
        users[1].replace("users", "posts"),
        "db_operation_name=\"SELECT\"".to_owned(),
    ];
    let posts: Vec<_> = posts.iter().map(String::as_str).collect();
    assert_eq!(
        value(&text, "db_client_operation_duration_count", &failed),
        1.0
    );
    let le = [failed[0], failed[1], failed[2], "le=\"10\""];
    assert_eq!(
        value(&text, "db_client_operation_duration_bucket", &le),
        1.0
    );
    assert!(value(&text, "db_client_operation_duration_count", &posts) >= 5.0);
    assert!(value(&text, "db_client_response_returned_rows_sum", &posts) >= 10.0);
    // Filled when it was made, and refreshed once.
    let view = "db_collection_name=\"author_figures\"";
    let refreshes = [sqlite, view, "db_operation_name=\"REFRESH\""];
    assert_eq!(
        value(&text, "db_client_operation_duration_count", &refreshes),
        2.0
    );
    assert_eq!(value(&text, "entourage_view_refreshes", &[view]), 1.0);
    assert_eq!(
        value(&text, "entourage_view_refresh_time_count", &[view]),
        1.0
    );
    for (step, count) in [("begin", 2.0), ("commit", 1.0), ("rollback", 1.0)] {
        let step = format!("step=\"{step}\"");
        let counted = value(
            &text,
            "entourage_transaction_duration_count",
            &[sqlite, &step],
        );
        assert!(counted >= count, "{step}");
    }
    let pool = "db_client_connection_pool_name=\"main\"";
    assert_eq!(value(&text, "db_client_connection_max", &[pool]), 1.0);
    let used = [pool, "db_client_connection_state=\"used\""];
    assert!(value(&text, "db_client_connection_count", &used) <= 1.0);
    assert_eq!(
        value(&text, "db_client_connection_pending_requests", &[pool]),
        0.0
    );
    for metric in ["wait_time", "use_time"] {
        let metric = format!("db_client_connection_{metric}_count");
        assert!(value(&text, &metric, &[pool]) >= 10.0, "{metric}");
    }
    assert_eq!(
        value(
            &text,
            "entourage_n_plus_one",
            &["db_collection_name=\"posts\""]
        ),
        1.0
    );
    assert_eq!(value(&text, "entourage_query_budget_exceeded", &[]), 1.0);
    assert!(value(&text, "entourage_prepared", &[sqlite, "hit=\"true\""]) >= 1.0);
    assert!(value(&text, "entourage_plan_cache_hits", &[]) >= 1.0);
    assert!(text.contains("# HELP db_client_operation_duration "));
    assert!(!text.contains("SELECT \""), "no text of statements");
    replicas(address).await;
    shards(address).await;
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "visits")]
struct Visit {
    #[entity(primary_key, shard_key)]
    page: i64,
}

/// Each shard has series of its own.
async fn shards(address: SocketAddr) {
    let memory = "sqlite::memory:";
    let shards = Shards::builder()
        .shard("north", memory)
        .shard("south", memory)
        .observer(Arc::new(Metrics::new()))
        .connect()
        .await
        .unwrap();
    shards.create_schema::<Visit>().await.unwrap();
    let visits = VisitRepository::new(&shards);
    let page = (0..).find(|page| *shards.shard_of(page).unwrap() == *"south");
    visits
        .insert(NewVisit {
            page: page.unwrap(),
        })
        .await
        .unwrap();
    assert_eq!(visits.query().count().await.unwrap(), 1);
    let text = scrape(address).await;
    let count = |shard: &str, operation: &str| {
        let shard = format!("entourage_shard=\"{shard}\"");
        let operation = format!("db_operation_name=\"{operation}\"");
        let labels = ["db_collection_name=\"visits\"", &shard, &operation];
        value(&text, "db_client_operation_duration_count", &labels)
    };
    assert_eq!(
        (count("north", "SELECT"), count("south", "SELECT")),
        (1.0, 1.0)
    );
    assert_eq!(count("south", "INSERT"), 1.0);
    shards.close().await.unwrap();
}

/// A server that takes writes is named as a replica: it is not read from.
async fn replicas(address: SocketAddr) {
    let database = require!(setup::postgres().await);
    let db = Database::builder()
        .url(database.url())
        .replica(database.url())
        .observer(Arc::new(Metrics::new()))
        .connect()
        .await
        .unwrap();
    let one = db
        .sql("SELECT 1::int8", args![])
        .fetch_one::<(i64,)>()
        .await;
    assert_eq!(one.unwrap().0, 1);
    let text = scrape(address).await;
    let role = |role: &str| format!("entourage_role=\"{role}\"");
    let up = |of: &str| value(&text, "entourage_server_up", &[&role(of)]);
    assert_eq!((up("primary"), up("replica")), (1.0, 0.0));
    let banned = ["reason=\"not_a_replica\"", &role("replica")];
    assert_eq!(value(&text, "entourage_replica_bans", &banned), 1.0);
    let fell_back = ["reason=\"no_replica\"", &role("primary")];
    assert_eq!(value(&text, "entourage_replica_fallbacks", &fell_back), 1.0);
    let lag = [role("replica")];
    assert_eq!(value(&text, "entourage_replica_lag", &[&lag[0]]), 0.0);
    assert_eq!(value(&text, "entourage_replica_lag_bytes", &[&lag[0]]), 0.0);
    db.close().await;
}
