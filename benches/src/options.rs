//! The command line of `bench`.

use std::time::Duration;

use crate::Result;
use crate::contender::Workload;
use crate::fixture::Backend;
use crate::rounds::Effort;

/// What `--help` prints.
pub const HELP: &str = "\
usage: bench [options]

  --db sqlite|postgres    one database only (both)
  --only A,B              these contenders, and the limit (all)
  --workload A,B          these workloads (all): eager-1x10x10 eager-100x10x10 eager-1000x10 get select-10000 insert-100
  --rounds N              turns each contender gets (15)
  --turn MILLISECONDS     length of a turn (30)
  --latency MILLISECONDS  a delay per round trip, PostgreSQL only (0)
  --postgres-url URL      the server (postgres://postgres@127.0.0.1:5432); the bench makes and drops its own database";

/// What to run.
#[derive(Debug)]
pub struct Options {
    /// Databases, in order.
    pub backends: Vec<Backend>,
    /// Contenders beside the limit; all of them when absent.
    pub only: Option<Vec<String>>,
    /// Columns of the table.
    pub workloads: Vec<Workload>,
    /// How long to measure.
    pub effort: Effort,
    /// Added to each round trip.
    pub latency: Duration,
    /// The PostgreSQL server.
    pub postgres_url: String,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// When an option is unknown, has no value or a value that cannot be read.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            backends: vec![Backend::Sqlite, Backend::Postgres],
            only: None,
            workloads: Workload::ALL.to_vec(),
            effort: Effort {
                rounds: 15,
                turn: Duration::from_millis(30),
            },
            latency: Duration::ZERO,
            postgres_url: "postgres://postgres@127.0.0.1:5432".to_owned(),
        };
        while let Some(option) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("`{option}` needs a value\n\n{HELP}"))?;
            match option.as_str() {
                "--db" => options.backends = vec![backend(&value)?],
                "--only" => options.only = Some(value.split(',').map(str::to_owned).collect()),
                "--workload" => {
                    options.workloads = value.split(',').map(str::parse).collect::<Result<_>>()?
                }
                "--rounds" => options.effort.rounds = number(&option, &value)? as usize,
                "--turn" => options.effort.turn = Duration::from_millis(number(&option, &value)?),
                "--latency" => options.latency = Duration::from_millis(number(&option, &value)?),
                "--postgres-url" => options.postgres_url = value.trim_end_matches('/').to_owned(),
                _ => return Err(format!("no option is called `{option}`\n\n{HELP}").into()),
            }
        }
        Ok(options)
    }
}

fn backend(name: &str) -> Result<Backend> {
    match name {
        "sqlite" => Ok(Backend::Sqlite),
        "postgres" => Ok(Backend::Postgres),
        _ => Err(format!("`--db {name}`: expected sqlite or postgres").into()),
    }
}

fn number(option: &str, value: &str) -> Result<u64> {
    value
        .parse()
        .map_err(|_| format!("`{option} {value}`: expected a number").into())
}
