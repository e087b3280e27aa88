//! The program: reads its settings, brings the database up to date, and serves until it is told to stop.
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use conduit::{
    App,
    auth::{Passwords, Tokens},
    config::{Config, USAGE},
    migrate,
    model::article::views::Views,
    route::inspector,
    router, seed,
};
use entourage::{
    Database,
    metrics::{DURATION_BUCKETS, Metrics},
    observe::SlowStatements,
    pool::PoolOptions,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, signal};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().init();
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let config = match Config::read(std::env::args().skip(1), |name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("conduit: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conduit: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), Failure> {
    let metrics = install_metrics()?;
    migrate::run(&config.database_url).await?;
    let db = connect(&config).await?;
    let views = Views::start(&db, config.views.clone()).await?;
    let app = App::new(
        db.clone(),
        views.clone(),
        Passwords::new(argon2::Params::default())?,
        Tokens::new(&secret(&config), config.token_lifetime),
        metrics,
    );
    if config.demo {
        seed::demo(&app).await?;
    }
    let address = config.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    tracing::info!("open http://{}", listener.local_addr()?);
    let inspector = inspector::of(&db, &views, config.inspector);
    if cfg!(debug_assertions) || config.inspector {
        tracing::info!(
            "the inspector is at {}/, for this machine only",
            inspector::PATH
        );
    }
    let served = inspector::inspected(router(app), &inspector);
    // Each request knows its peer: the inspector answers only this machine.
    let served = served.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, served)
        .with_graceful_shutdown(told_to_stop())
        .await?;
    // Every request has been answered, so no view is counted any more. What could not be written does not keep the
    // database open.
    let written = views.stop().await;
    // What still holds a connection after the time-out is named in the report.
    let report = db.close().await;
    tracing::info!("closed: {report:?}");
    Ok(written?)
}

async fn connect(config: &Config) -> entourage::Result<Database> {
    Database::builder()
        .url(&config.database_url)
        .pool(
            PoolOptions::web()
                .min_connections(config.connections.min(2))
                .max_connections(config.connections),
        )
        .slow_statements(SlowStatements::over(Duration::from_millis(500)))
        .observer(Arc::new(Metrics::new()))
        .monitor(Duration::from_secs(10))
        .connect()
        .await
}

/// Installs the recorder for the metrics of this program and of its libraries.
fn install_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&DURATION_BUCKETS)?
        .install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut often = tokio::time::interval(Duration::from_secs(5));
        loop {
            often.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

fn secret(config: &Config) -> Vec<u8> {
    match &config.secret {
        Some(secret) => secret.clone().into_bytes(),
        None => {
            tracing::warn!("CONDUIT_SECRET is not set: users must sign in again after a restart");
            let random = [
                uuid::Uuid::new_v4(),
                uuid::Uuid::new_v4(),
                uuid::Uuid::new_v4(),
            ];
            random.iter().flat_map(|uuid| *uuid.as_bytes()).collect()
        }
    }
}

/// Ends when the terminal or the system asks the program to stop. Requests that are being served are finished first.
async fn told_to_stop() {
    let interrupted = signal::ctrl_c();
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).expect("the runtime has signals");
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    drop(interrupted.await);
    tracing::info!("stopping: no new requests");
}
