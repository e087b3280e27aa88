//! Toasty on SQLite, as a worker of `bench`: takes the database's path, answers on stdout.

use entourage_benches::Result;
use entourage_benches::contender::toasty::Toasty;
use entourage_benches::lane::{Local, worker};

fn main() -> Result<()> {
    let path = std::env::args()
        .nth(1)
        .ok_or("expected the path of the database")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(runtime.spawn(async move {
        let mut lane = Local::new("toasty", Toasty::connect(&format!("sqlite:{path}")).await?);
        worker::serve(&mut lane).await
    }))?
}
