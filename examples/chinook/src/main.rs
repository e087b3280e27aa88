//! Ten questions to the Chinook database.
//!
//! ```text
//! cargo run -p chinook -- --database-url sqlite://chinook.db --load Chinook_Sqlite.sql
//! cargo run -p chinook -- --database-url postgres://postgres@localhost/chinook --strategy auto
//! ```
use chinook::{load, questions};
use entourage::{Database, Error, ErrorKind, Result, eager::Strategy};

struct Options {
    url: String,
    load: Option<String>,
    strategy: Strategy,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options(std::env::args().skip(1))?;
    let db = Database::connect(&options.url).await?;
    if let Some(path) = &options.load {
        let sql = std::fs::read_to_string(path)
            .map_err(|error| usage(format!("cannot read {path:?}: {error}")))?;
        load::load(&db, &sql).await?;
    }
    for answer in questions::ask_all(&db, options.strategy).await? {
        println!("{} ({} statements)", answer.question, answer.statements);
        answer
            .lines
            .iter()
            .take(8)
            .for_each(|line| println!("  {line}"));
        if answer.lines.len() > 8 {
            println!("  .. and {} more", answer.lines.len() - 8);
        }
    }
    let stats = db.statement_stats();
    println!(
        "prepared statements: {} reused, {} prepared, {} for one use",
        stats.hits, stats.misses, stats.one_off
    );
    db.close().await;
    Ok(())
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options {
        url: "sqlite::memory:".to_owned(),
        load: None,
        strategy: Strategy::Batched,
    };
    while let Some(name) = args.next() {
        let mut value = || {
            args.next()
                .ok_or_else(|| usage(format!("{name} needs a value")))
        };
        match name.as_str() {
            "--database-url" => options.url = value()?,
            "--load" => options.load = Some(value()?),
            "--strategy" => {
                options.strategy = match value()?.as_str() {
                    "auto" => Strategy::Auto,
                    "joined" => Strategy::Joined,
                    "batched" => Strategy::Batched,
                    "unified" => Strategy::Unified,
                    other => return Err(usage(format!("{other:?} is not a strategy"))),
                }
            }
            _ => return Err(usage(format!("unknown option {name:?}"))),
        }
    }
    Ok(options)
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
        .with_hint("usage: chinook --database-url URL [--load FILE.sql] [--strategy auto|joined|batched|unified]")
}
