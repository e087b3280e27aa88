//! Plays transactions step by step, each step as soon as the one before has ended or waits for a lock.
//!
//! Which steps wait is asked of the database: `pg_locks`, InnoDB's status, or the queue for SQLite's one writer. So an
//! interleaving is the same on every run, however slow the machine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use entourage::dialect::Dialect;
use entourage::transaction::{IsolationLevel, TransactionBuilder};
use entourage::{Database, ErrorKind, Result, Transaction, prelude::*};
use tokio::sync::mpsc;

/// One step: which transaction does what.
pub(super) type Step = (usize, Do);

/// What a transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Do {
    /// Reads rows of two numbers.
    Read(&'static str),
    Write(&'static str),
    Commit,
    Rollback,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    Rows(Vec<(i32, i32)>),
    Wrote,
    Ended,
    Failed(ErrorKind),
    /// Its transaction had failed.
    Skipped,
}

/// What the table says of an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It happens.
    Happens,
    /// It does not, and everything is committed.
    Prevented,
    /// It does not, because one transaction is refused with a conflict.
    Refused,
}

/// A script after its end.
#[derive(Debug)]
pub(super) struct Played {
    done: Vec<Done>,
    /// The rows in the end.
    rows: Vec<(i32, i32)>,
}

impl Played {
    /// The rows that the step read; none if it did not.
    pub(super) fn read(&self, step: usize) -> &[(i32, i32)] {
        match &self.done[step] {
            Done::Rows(rows) => rows,
            _ => &[],
        }
    }

    /// The rows in the end.
    pub(super) fn rows(&self) -> &[(i32, i32)] {
        &self.rows
    }

    pub(super) fn outcome(&self, happened: fn(&Played) -> bool) -> Outcome {
        let failed = self.done.iter().find_map(|done| match done {
            Done::Failed(kind) => Some(*kind),
            _ => None,
        });
        match failed {
            Some(ErrorKind::Serialization | ErrorKind::Deadlock) => Outcome::Refused,
            Some(kind) => panic!("a step failed by {kind:?}: {self:?}"),
            None if happened(self) => Outcome::Happens,
            None => Outcome::Prevented,
        }
    }
}

/// Plays `script` on a table `test` with the rows `(1, 10)` and `(2, 20)`.
pub(super) async fn play(db: &Database, level: IsolationLevel, script: &[Step]) -> Played {
    db.execute_script("DELETE FROM test; INSERT INTO test (id, value) VALUES (1, 10), (2, 20)")
        .await
        .unwrap();
    let transactions = script.iter().map(|(tx, _)| tx + 1).max().unwrap_or(0);
    let board = Arc::new(Board::new(transactions, script.len()));
    let mut actors = Vec::new();
    let mut tasks = Vec::new();
    for number in 0..transactions {
        let (steps, inbox) = mpsc::unbounded_channel();
        let writes = |step: &Step| step.0 == number && matches!(step.1, Do::Write(_));
        let mut transaction = db.transaction().isolation(level);
        // SQLite's readers run beside the writer, if they say so.
        if db.dialect() == Dialect::Sqlite && !script.iter().any(writes) {
            transaction = transaction.read_only();
        }
        board.sent(number);
        let act = act(number, transaction, inbox, Arc::clone(&board));
        tasks.push(tokio::spawn(act));
        actors.push(steps);
        settle(db, &board).await;
    }
    for (index, (number, what)) in script.iter().enumerate() {
        board.sent(*number);
        actors[*number].send((index, *what)).unwrap();
        settle(db, &board).await;
    }
    drop(actors);
    for task in tasks {
        task.await.unwrap();
    }
    let rows = db.sql("SELECT id, value FROM test ORDER BY id", args![]);
    Played {
        done: board.take(),
        rows: rows.fetch().await.unwrap(),
    }
}

/// One transaction: begins, then does as it is told.
async fn act(
    number: usize,
    transaction: TransactionBuilder,
    mut inbox: mpsc::UnboundedReceiver<(usize, Do)>,
    board: Arc<Board>,
) {
    let mut tx = Some(transaction.begin().await.unwrap());
    board.answered(number);
    while let Some((index, what)) = inbox.recv().await {
        let done = match tx.take() {
            None => Done::Skipped,
            Some(open) => match perform(&open, what).await {
                Ok(Done::Ended) => Done::Ended,
                Ok(done) => {
                    tx = Some(open);
                    done
                }
                Err(error) => {
                    // Refused at COMMIT it is over already.
                    let _ = open.rollback().await;
                    Done::Failed(error.kind())
                }
            },
        };
        board.note(index, done);
        board.answered(number);
    }
}

async fn perform(tx: &Transaction, what: Do) -> Result<Done> {
    match what {
        Do::Read(sql) => Ok(Done::Rows(tx.sql(sql, args![]).fetch().await?)),
        Do::Write(sql) => {
            tx.sql(sql, args![]).execute().await?;
            Ok(Done::Wrote)
        }
        Do::Commit => tx.clone().commit().await.map(|()| Done::Ended),
        Do::Rollback => tx.clone().rollback().await.map(|()| Done::Ended),
    }
}

/// Who was sent how many steps, and what became of them.
#[derive(Debug)]
struct Board(Mutex<State>);

#[derive(Debug)]
struct State {
    unanswered: Vec<usize>,
    done: Vec<Done>,
}

impl Board {
    fn new(transactions: usize, steps: usize) -> Self {
        Self(Mutex::new(State {
            unanswered: vec![0; transactions],
            done: vec![Done::Skipped; steps],
        }))
    }

    fn sent(&self, number: usize) {
        self.0.lock().unwrap().unanswered[number] += 1;
    }

    fn answered(&self, number: usize) {
        self.0.lock().unwrap().unanswered[number] -= 1;
    }

    fn note(&self, step: usize, done: Done) {
        self.0.lock().unwrap().done[step] = done;
    }

    /// How many steps each transaction has still to do.
    fn unanswered(&self) -> Vec<usize> {
        self.0.lock().unwrap().unanswered.clone()
    }

    fn take(&self) -> Vec<Done> {
        std::mem::take(&mut self.0.lock().unwrap().done)
    }
}

/// Waits until every transaction that has something to do waits for a lock.
async fn settle(db: &Database, board: &Board) {
    loop {
        let before = board.unanswered();
        let busy = before.iter().filter(|steps| **steps > 0).count();
        if busy == 0 || (waiting(db).await == busy && board.unanswered() == before) {
            return;
        }
        // Lets the tasks run; what ends the loop is the database's word.
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// How many transactions on this database wait for a lock.
pub(in crate::cases) async fn waiting(db: &Database) -> usize {
    let count = match db.dialect() {
        Dialect::Sqlite => return db.pool_stats().pending,
        Dialect::Postgres => waiting_on_postgres(db).await,
        Dialect::Mysql if db.capabilities().mariadb => waiting_on_mariadb(db).await,
        Dialect::Mysql => waiting_on_mysql(db).await,
    };
    count.unwrap_or_else(|error| panic!("who waits: {error}"))
}

async fn waiting_on_postgres(db: &Database) -> Result<usize> {
    let sql =
        "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
               WHERE NOT l.granted AND a.datname = current_database()";
    let (count,) = db.sql(sql, args![]).fetch_one::<(i64,)>().await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// The view `innodb_trx` is up to 100 ms old; the status is not.
async fn waiting_on_mariadb(db: &Database) -> Result<usize> {
    let own = "SELECT id FROM information_schema.processlist WHERE db = DATABASE()";
    let own = db.sql(own, args![]).fetch::<(i64,)>().await?;
    let status = db.sql("SHOW ENGINE INNODB STATUS", args![]);
    let (_, _, status) = status.fetch_one::<(String, String, String)>().await?;
    let waits = |part: &&str| {
        let thread = part.split("thread id ").nth(1);
        let id = thread.and_then(|text| text.split(',').next()?.parse().ok());
        part.contains("LOCK WAIT") && id.is_some_and(|id| own.contains(&(id,)))
    };
    Ok(status.split("---TRANSACTION").skip(1).filter(waits).count())
}

/// MariaDB has no such table, and MySQL's status leaves out who waits for a first read.
async fn waiting_on_mysql(db: &Database) -> Result<usize> {
    let sql =
        "SELECT COUNT(DISTINCT w.requesting_thread_id) FROM performance_schema.data_lock_waits AS w
               JOIN performance_schema.threads AS t ON t.thread_id = w.requesting_thread_id
               WHERE t.processlist_db = DATABASE()";
    let (count,) = db.sql(sql, args![]).fetch_one::<(i64,)>().await?;
    Ok(usize::try_from(count).unwrap_or_default())
}
