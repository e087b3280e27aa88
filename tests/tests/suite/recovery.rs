//! A server that goes away under load, and comes back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::time::Duration;

use entourage::{
    Database, ErrorKind,
    database::{HealthChecker, HealthStatus},
    pool::{ConnectRetry, PoolOptions},
    prelude::*,
};
use entourage_tests::{require, setup::server::PrivateServer};

/// Nothing here may take longer; a hang is a failure.
const AT_MOST: Duration = Duration::from_secs(240);

/// Tasks that read all the time, and what came of it.
#[derive(Default)]
struct Load {
    fine: AtomicUsize,
    failed: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// Reads until it is told to stop. Every failure must be one that a program can act on.
    async fn read(self: Arc<Self>, db: Database) {
        while !self.stop.load(Ordering::Relaxed) {
            match db
                .sql("SELECT 'fine'", args![])
                .fetch_one::<(String,)>()
                .await
            {
                Ok(row) => {
                    assert_eq!(row.0, "fine");
                    self.fine.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    let kind = error.kind();
                    let typed = matches!(kind, ErrorKind::Connection | ErrorKind::Timeout);
                    assert!(typed, "{error:?}");
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    /// Waits until `count` grew by `more`.
    async fn grown(count: &AtomicUsize, more: usize) {
        let before = count.load(Ordering::Relaxed);
        while count.load(Ordering::Relaxed) < before + more {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn a_restart_under_load(mut server: PrivateServer) {
    let pool = PoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(5));
    let db = Database::builder().url(&server.url()).pool(pool).connect();
    let db = db.await.unwrap();
    // It waits its turn behind the load, on a busy machine for longer than by default.
    let patience = Duration::from_secs(30);
    let checker = HealthChecker::new(&db).down_after(1).timeout(patience);
    assert_eq!(checker.check().await.status, HealthStatus::Up);
    let load = Arc::new(Load::default());
    let readers: Vec<_> = (0..16)
        .map(|_| tokio::spawn(Arc::clone(&load).read(db.clone())))
        .collect();
    Load::grown(&load.fine, 100).await;
    server.crash();
    Load::grown(&load.failed, 100).await;
    // A process of the server's that is kept busy may outlive the one that was killed.
    let down = loop {
        let report = checker.check().await;
        if report.status == HealthStatus::Down {
            break report;
        }
        tokio::task::yield_now().await;
    };
    // Whoever reads the report is not told where the server is.
    let told = down.last_error.unwrap();
    assert!(
        !told.contains("127.0.0.1") && !told.contains("://"),
        "{told}"
    );
    server.restart().await.unwrap();
    // The pool finds out by itself.
    Load::grown(&load.fine, 1_000).await;
    let busy = checker.check().await;
    assert!(busy.is_serving() && busy.latency.is_some(), "{busy:?}");
    load.stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let up = checker.check().await;
    assert_eq!((up.status, up.last_error), (HealthStatus::Up, None));
    let stats = db.pool_stats();
    assert_eq!((stats.in_use, stats.pending), (0, 0), "{stats:?}");
    assert!(stats.closed_broken > 0 && stats.failed > 0, "{stats:?}");
    assert!(db.close().await.is_clean());
    assert_eq!(db.pool_stats().open, 0);
}

async fn a_late_start(mut server: PrivateServer) {
    server.crash();
    let retry = ConnectRetry {
        attempts: u32::MAX,
        initial: Duration::from_millis(20),
        multiplier: 1.0,
        ..ConnectRetry::default()
    };
    let connecting = Database::builder()
        .url(&server.url())
        .pool(PoolOptions::new().connect_retry(retry))
        .connect();
    let connecting = tokio::spawn(connecting);
    server.restart().await.unwrap();
    let db = connecting.await.unwrap().unwrap();
    assert_eq!(db.pool_stats().opened, 1);
    // A wrong password is no reason to wait. Here it is a database that does not exist.
    let wrong = format!("{}no_such_database", server.url());
    let error = Database::builder()
        .url(&wrong)
        .pool(PoolOptions::new().connect_retry(retry))
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error:?}");
    assert!(db.close().await.is_clean());
}

macro_rules! within_time {
    ($($test:ident = $body:ident on $server:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let server = require!(PrivateServer::$server(&[]).await);
            tokio::time::timeout(AT_MOST, $body(server)).await.expect("it hangs");
        })*
    };
}

within_time! {
    a_pool_survives_the_crash_of_postgres_under_load = a_restart_under_load on postgres;
    a_pool_survives_the_crash_of_mariadb_under_load = a_restart_under_load on mariadb;
    a_program_may_start_before_its_postgres = a_late_start on postgres;
}
