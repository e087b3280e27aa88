//! A lane in another process, one line each way: `workload times` there, `nanoseconds rows sum` back.

use std::process::Stdio;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{Lane, Sample};
use crate::Result;
use crate::checksum::Checksum;
use crate::contender::Workload;

/// A worker process, ended when this is dropped.
#[derive(Debug)]
pub struct Worker {
    name: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Worker {
    /// Starts the process and waits for nothing: its first answer comes with the first workload.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().expect("stdin was asked to be a pipe");
        let output = process
            .stdout
            .take()
            .expect("stdout was asked to be a pipe");
        Ok(Self {
            name: name.to_owned(),
            input,
            output: BufReader::new(output).lines(),
            _process: process,
        })
    }
}

#[async_trait]
impl Lane for Worker {
    fn name(&self) -> &str {
        &self.name
    }

    async fn time(&mut self, workload: Workload, times: u32) -> Result<Sample> {
        let start = Instant::now();
        self.input
            .write_all(format!("{} {times}\n", workload.name()).as_bytes())
            .await?;
        let line = self
            .output
            .next_line()
            .await?
            .ok_or_else(|| format!("{} ended before it answered", self.name))?;
        let mut numbers = line.split(' ').map(str::parse::<u64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(nanoseconds)), Some(Ok(rows)), Some(Ok(sum))) => Ok(Sample {
                elapsed: start.elapsed(),
                each: Duration::from_nanos(nanoseconds),
                checksum: Checksum { rows, sum },
            }),
            _ => Err(format!("{}: {line}", self.name).into()),
        }
    }
}

/// The other end: answers until stdin closes.
///
/// # Errors
///
/// When stdin or stdout fails; a workload's own error is sent as its answer.
pub async fn serve(lane: &mut dyn Lane) -> Result<()> {
    let mut requests = BufReader::new(tokio::io::stdin()).lines();
    let mut output = tokio::io::stdout();
    while let Some(request) = requests.next_line().await? {
        let answer = match answer(lane, &request).await {
            Ok(sample) => format!(
                "{} {} {}\n",
                sample.each.as_nanos(),
                sample.checksum.rows,
                sample.checksum.sum
            ),
            Err(error) => format!("{error}\n"),
        };
        output.write_all(answer.as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

async fn answer(lane: &mut dyn Lane, request: &str) -> Result<Sample> {
    let (workload, times) = request
        .split_once(' ')
        .ok_or_else(|| format!("expected `workload times`, got `{request}`"))?;
    lane.time(workload.parse()?, times.parse()?).await
}
