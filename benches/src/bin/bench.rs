//! Prints the table: medians, and ratios to the hand-written limit, per database.

use entourage_benches::contender::Workload;
use entourage_benches::fixture::Backend;
use entourage_benches::lane::Lane;
use entourage_benches::options::{HELP, Options};
use entourage_benches::report::Report;
use entourage_benches::server::Server;
use entourage_benches::{Result, latency, roster, rounds, server};

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let options = Options::parse(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    // On a worker thread, as a request handler would be, not on the thread that blocks.
    runtime.block_on(runtime.spawn(async move { run(&options).await }))?
}

async fn run(options: &Options) -> Result<()> {
    for &backend in &options.backends {
        if backend == Backend::Sqlite && !options.latency.is_zero() {
            continue;
        }
        let mut server = server::start(backend, &options.postgres_url).await?;
        let report = measure(options, backend, server.as_mut()).await;
        server.remove().await?;
        println!("{}", report?.markdown());
    }
    Ok(())
}

async fn measure(options: &Options, backend: Backend, server: &mut dyn Server) -> Result<Report> {
    let mut location = server.location().to_owned();
    let mut title = format!("{}, {} rounds", backend.title(), options.effort.rounds);
    if !options.latency.is_zero() {
        location = latency::through(&location, options.latency)?;
        title = format!("{title}, {} ms of latency", options.latency.as_millis());
    }
    let mut lanes = lanes(options, backend, &location).await?;
    let mut report = Report::new(
        title,
        lanes.iter().map(|lane| lane.name().to_owned()).collect(),
    );
    for &workload in &options.workloads {
        report.column(
            workload,
            column(options, workload, &mut lanes, server).await?,
        );
    }
    Ok(report)
}

async fn lanes(options: &Options, backend: Backend, location: &str) -> Result<Vec<Box<dyn Lane>>> {
    let names = roster::names(backend);
    let chosen: Vec<&str> = match &options.only {
        None => names.to_vec(),
        Some(only) => names[..1]
            .iter()
            .copied()
            .chain(
                only.iter()
                    .map(String::as_str)
                    .filter(|name| *name != names[0]),
            )
            .collect(),
    };
    let mut lanes = Vec::with_capacity(chosen.len());
    for name in chosen {
        lanes.push(
            roster::connect(backend, name, location)
                .await
                .map_err(|error| format!("{name}: {error}"))?,
        );
    }
    Ok(lanes)
}

async fn column(
    options: &Options,
    workload: Workload,
    lanes: &mut [Box<dyn Lane>],
    server: &mut dyn Server,
) -> Result<Vec<Option<rounds::Timing>>> {
    eprintln!("{} ..", workload.title());
    rounds::measure(workload, lanes, server, options.effort).await
}
