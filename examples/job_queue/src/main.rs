//! A queue of jobs in a table: workers take what nobody else works on, and a job whose worker dies is taken again.
//!
//! `cargo run -p job_queue` uses an embedded database in memory; give a URL to use a server:
//! `cargo run -p job_queue -- --database-url postgres://user@localhost/jobs`.
//!
//! On PostgreSQL, MariaDB and MySQL the workers work side by side: each locks its job's row, and `SKIP LOCKED` lets the
//! others pass over it. SQLite has one writer at a time, so a transaction that writes (`BEGIN IMMEDIATE`, as
//! `db.begin()` sends) has all rows to itself: the same program is right there, and its workers take turns.
use std::{collections::BTreeMap, time::Duration};

use entourage::{Database, Transaction, prelude::*};

const JOBS: usize = 40;
const WORKERS: usize = 4;

#[derive(Debug, Clone, Entity)]
#[entity(table = "queue_jobs")]
struct Job {
    #[entity(primary_key, generated)]
    id: i64,
    recipient: String,
    /// Who has done it.
    #[entity(index)]
    done_by: Option<i32>,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "queue_letters")]
struct Letter {
    /// One letter for each job: a second one would be refused.
    #[entity(primary_key)]
    job_id: i64,
    text: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let done = run(&database_url()?).await?;
    println!("{JOBS} jobs, each done once:");
    for (worker, jobs) in &done {
        println!("  worker {worker} did {jobs}");
    }
    Ok(())
}

fn database_url() -> Result<String> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => Ok("sqlite::memory:".to_owned()),
        [name, url] if name == "--database-url" => Ok(url.clone()),
        _ => Err(Error::new(ErrorKind::Configuration, "unknown arguments")
            .with_hint("usage: job_queue [--database-url URL]")),
    }
}

/// Fills the queue and works it off. How many jobs each worker did.
async fn run(url: &str) -> Result<BTreeMap<i32, usize>> {
    let db = Database::connect(url).await?;
    db.create_schema::<(Job, Letter)>().await?;
    LetterRepository::new(&db).query().delete().await?;
    JobRepository::new(&db).query().delete().await?;
    let jobs = (1..=JOBS).map(|number| NewJob {
        recipient: format!("reader {number}"),
        done_by: None,
    });
    JobRepository::new(&db).insert_many(jobs).await?;

    let workers: Vec<_> = (1..)
        .take(WORKERS)
        .map(|number| tokio::spawn(work(db.clone(), number)))
        .collect();
    for worker in workers {
        worker.await.map_err(Error::user)??;
    }

    let mut done = BTreeMap::new();
    for job in JobRepository::new(&db).query().all().await? {
        let worker = job
            .done_by
            .expect("the workers stop when every job is done");
        *done.entry(worker).or_default() += 1;
    }
    assert_eq!(
        LetterRepository::new(&db).query().count().await?,
        JOBS as u64
    );
    db.close().await;
    Ok(done)
}

/// Takes one job after the other until none is left.
async fn work(db: Database, worker: i32) -> Result<()> {
    let mut dies = worker == 1;
    loop {
        let tx = db.begin().await?;
        let Some(job) = next_job(&tx).await? else {
            tx.rollback().await?;
            // Somebody may still give up the job that was passed over.
            let left = JobRepository::new(&db).filter(Job::DONE_BY.is_null());
            if left.count().await? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        write_letter(&tx, &job).await?;
        if std::mem::take(&mut dies) {
            // As if the process had ended here: the letter is taken back, and the job is free again.
            drop(tx);
            continue;
        }
        let patch = JobPatch {
            done_by: Some(Some(worker)),
            ..JobPatch::default()
        };
        JobRepository::new(&tx).patch(job.id, patch).await?;
        tx.commit().await?;
    }
}

/// The oldest job that nobody works on, locked until the transaction ends.
async fn next_job(tx: &Transaction) -> Result<Option<Job>> {
    JobRepository::new(tx)
        .filter(Job::DONE_BY.is_null())
        .order_by(Job::ID.asc())
        .for_update()
        .skip_locked()
        .first()
        .await
}

async fn write_letter(tx: &Transaction, job: &Job) -> Result<()> {
    let letter = NewLetter {
        job_id: job.id,
        text: format!("dear {}", job.recipient),
    };
    LetterRepository::new(tx).insert(letter).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use entourage::testing::assert_constant_queries;

    use super::*;

    async fn add_jobs(db: &Database, count: usize) -> Result<()> {
        let jobs = (0..count).map(|number| NewJob {
            recipient: format!("reader {number}"),
            done_by: None,
        });
        JobRepository::new(db).insert_many(jobs).await.map(drop)
    }

    async fn take_one(db: &Database) -> Result<Option<Job>> {
        let tx = db.begin().await?;
        let job = next_job(&tx).await?;
        tx.rollback().await?;
        Ok(job)
    }

    #[tokio::test]
    async fn a_job_is_taken_from_a_long_queue_as_from_a_short_one() -> Result<()> {
        let db = Database::connect("sqlite::memory:").await?;
        db.create_schema::<(Job, Letter)>().await?;
        assert_constant_queries!(db, scales = [1, 100], |jobs| add_jobs(&db, jobs), || {
            take_one(&db)
        });
        Ok(())
    }

    #[tokio::test]
    async fn every_job_is_done_once_although_a_worker_dies() {
        let done = run("sqlite::memory:")
            .await
            .expect("the queue is worked off");
        assert_eq!(done.values().sum::<usize>(), JOBS);
    }
}
