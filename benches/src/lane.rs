//! A contender with a stopwatch: the thing the rounds are run over.
//!
//! Most contenders live in this process ([`Local`]). One whose libraries cannot be linked beside the others' lives in
//! its own ([`worker`]) and keeps its own time, so the pipe between the two is never measured.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::Result;
use crate::checksum::Checksum;
use crate::contender::{Contender, Workload};
use crate::fixture::{self, NewNote};

pub mod worker;

/// What one turn of a lane brought.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The time of the whole turn.
    pub elapsed: Duration,
    /// The time of one operation: a graph, one get, one insert.
    pub each: Duration,
    /// What every repetition loaded.
    pub checksum: Checksum,
}

/// One row of the table.
#[async_trait]
pub trait Lane: Send {
    /// The row's name.
    fn name(&self) -> &str;

    /// Runs a workload `times` times and returns the mean of one operation.
    async fn time(&mut self, workload: Workload, times: u32) -> Result<Sample>;
}

/// A contender in this process.
#[derive(Debug)]
pub struct Local<C> {
    name: String,
    contender: C,
    keys: Vec<i64>,
    notes: Vec<NewNote>,
}

impl<C: Contender> Local<C> {
    /// Names a contender and gives it its input.
    pub fn new(name: &str, contender: C) -> Self {
        Self {
            name: name.to_owned(),
            contender,
            keys: fixture::keys(),
            notes: fixture::new_notes(),
        }
    }

    async fn once(&mut self, workload: Workload) -> Result<Checksum> {
        match workload {
            Workload::EagerOne => self.contender.comments_of(1).await,
            Workload::EagerHundred => self.contender.comments_of(100).await,
            Workload::EagerThousand => self.contender.posts_of(fixture::USERS).await,
            Workload::Get => self.contender.get(&self.keys).await,
            Workload::Select => self.contender.select().await,
            Workload::Insert => self.contender.insert(&self.notes).await,
        }
    }
}

#[async_trait]
impl<C: Contender> Lane for Local<C> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn time(&mut self, workload: Workload, times: u32) -> Result<Sample> {
        let operations = if workload == Workload::Get {
            self.keys.len() as u32
        } else {
            1
        };
        let start = Instant::now();
        let checksum = self.once(workload).await?;
        for _ in 1..times {
            let again = self.once(workload).await?;
            if again != checksum {
                return Err(format!("{} loaded {checksum}, then {again}", self.name).into());
            }
        }
        let elapsed = start.elapsed();
        Ok(Sample {
            elapsed,
            each: elapsed / (times * operations),
            checksum,
        })
    }
}
