//! The queue over SQLite, behind an executor that fails as the test says.
use std::{
    fmt,
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{
    Settings, WhenFull,
    change::{Change, Columns, Edit, Set},
    engine::Engine,
};
use crate::{
    Database,
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::{Error, ErrorKind, Result},
    executor::{AtomicScope, Executor},
    prelude::*,
    schema::{TableDef, Value},
    statement::Statement,
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "counters")]
struct Counter {
    #[entity(primary_key)]
    id: i64,
    #[entity(unique)]
    name: String,
    count: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "tickets")]
struct Ticket {
    #[entity(primary_key, generated)]
    id: i64,
    name: String,
}

/// What goes wrong, and how often.
#[derive(Debug, Default)]
struct Faults {
    /// Transactions that cannot begin.
    begins: AtomicUsize,
    /// Commits that happen, and of which nobody hears.
    unheard_commits: AtomicUsize,
    /// Commits that do not happen, and of which nobody hears.
    lost_commits: AtomicUsize,
    /// Statements with this text panic.
    panics_at: Mutex<Option<&'static str>>,
}

fn strikes(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

/// A database with faults.
#[derive(Debug, Clone)]
struct Faulty {
    db: Database,
    faults: Arc<Faults>,
    /// Each transaction takes a permit before it begins.
    gate: Arc<Semaphore>,
}

#[derive(Debug)]
struct Scope<'s> {
    scope: Inner<'s>,
    faults: Arc<Faults>,
}

struct Inner<'s>(Box<dyn AtomicScope + 's>);

impl fmt::Debug for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

#[async_trait]
impl Executor for Faulty {
    fn dialect(&self) -> Dialect {
        Executor::dialect(&self.db)
    }

    fn capabilities(&self) -> Capabilities {
        Executor::capabilities(&self.db)
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        self.db.run(statement, sink).await
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        self.db.stream(statement, sender).await
    }

    fn in_transaction(&self) -> bool {
        false
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        self.gate.acquire().await.unwrap().forget();
        if strikes(&self.faults.begins) {
            return Err(Error::new(ErrorKind::Connection, "the database is away"));
        }
        Ok(Box::new(Scope {
            scope: Inner(self.db.atomic(call_site).await?),
            faults: Arc::clone(&self.faults),
        }))
    }

    fn warn(&self, _: &str) {}
}

#[async_trait]
impl Executor for Scope<'_> {
    fn dialect(&self) -> Dialect {
        self.scope.0.executor().dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.scope.0.executor().capabilities()
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let text = *self.faults.panics_at.lock().unwrap();
        let is_met = |arg: &Value| matches!((arg, text), (Value::String(Some(arg)), Some(text)) if arg == text);
        assert!(!statement.args.iter().any(is_met), "as the test asked");
        self.scope.0.executor().run(statement, sink).await
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        self.scope.0.executor().stream(statement, sender).await
    }

    fn in_transaction(&self) -> bool {
        true
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        Ok(Box::new(Savepoint {
            scope: Scope {
                scope: Inner(self.scope.0.executor().atomic(call_site).await?),
                faults: Arc::clone(&self.faults),
            },
        }))
    }

    fn warn(&self, _: &str) {}
}

#[async_trait]
impl AtomicScope for Scope<'_> {
    fn executor(&self) -> &dyn Executor {
        self
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let unheard = || Error::new(ErrorKind::AmbiguousCommit, "nobody heard");
        if strikes(&self.faults.lost_commits) {
            self.scope.0.rollback().await?;
            return Err(unheard());
        }
        self.scope.0.commit().await?;
        match strikes(&self.faults.unheard_commits) {
            true => Err(unheard()),
            false => Ok(()),
        }
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        self.scope.0.rollback().await
    }
}

/// Ends as asked.
struct Savepoint<'s> {
    scope: Scope<'s>,
}

#[async_trait]
impl AtomicScope for Savepoint<'_> {
    fn executor(&self) -> &dyn Executor {
        &self.scope
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.scope.scope.0.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        self.scope.scope.0.rollback().await
    }
}

struct Setup {
    db: Database,
    faulty: Faulty,
}

impl Setup {
    async fn new(permits: usize) -> Self {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        db.create_schema::<Counter>().await.unwrap();
        let faulty = Faulty {
            db: db.clone(),
            faults: Arc::default(),
            gate: Arc::new(Semaphore::new(permits)),
        };
        Self { db, faulty }
    }

    async fn start(&self, settings: Settings) -> Engine {
        self.start_with(Counter::table(), settings).await
    }

    async fn start_with(&self, table: &'static TableDef, settings: Settings) -> Engine {
        let settings = Settings {
            first_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..settings
        };
        let executor = Arc::new(self.faulty.clone());
        let observers = Arc::clone(self.db.observers());
        let tables = vec![table];
        Engine::start(executor, observers, tables, settings, Location::caller())
            .await
            .unwrap()
    }

    async fn rows(&self) -> Vec<(i64, i64)> {
        let rows = CounterRepository::new(&self.db)
            .order_by(Counter::ID.asc())
            .all()
            .await
            .unwrap();
        rows.iter().map(|row| (row.id, row.count)).collect()
    }
}

async fn insert(engine: &Engine, id: i64, name: &str) -> Result<()> {
    let row = Counter {
        id,
        name: name.to_owned(),
        count: 0,
    };
    let values = (0..3).map(|column| row.value(column)).collect();
    engine
        .write(0, vec![row.value(0)], Change::Insert(values))
        .await
}

async fn add(engine: &Engine, id: i64, delta: i64) -> Result<()> {
    let edit = Edit {
        set: Columns::from_iter([(2, Set::Add(Value::BigInt(Some(delta))))]),
        ..Edit::default()
    };
    engine
        .write(0, vec![Value::BigInt(Some(id))], Change::Update(edit))
        .await
}

const MANY: usize = 1_000_000;

#[tokio::test]
async fn a_commit_of_which_nobody_heard_is_not_made_again() {
    let setup = Setup::new(MANY).await;
    let engine = setup.start(Settings::default()).await;
    insert(&engine, 1, "a").await.unwrap();
    engine.flush().await.unwrap();
    setup
        .faulty
        .faults
        .unheard_commits
        .store(1, Ordering::SeqCst);
    add(&engine, 1, 5).await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(setup.rows().await, [(1, 5)]);
    setup.faulty.faults.lost_commits.store(3, Ordering::SeqCst);
    add(&engine, 1, 5).await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(setup.rows().await, [(1, 10)]);
    assert_eq!(engine.stats().retried, 4);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_change_at_fault_blocks_nobody_even_if_its_commit_was_not_heard_of() {
    let setup = Setup::new(MANY).await;
    let engine = setup.start(Settings::default()).await;
    insert(&engine, 1, "same").await.unwrap();
    engine.flush().await.unwrap();
    setup
        .faulty
        .faults
        .unheard_commits
        .store(1, Ordering::SeqCst);
    for id in 2..=40 {
        let name = if id == 17 {
            "same".to_owned()
        } else {
            format!("row {id}")
        };
        insert(&engine, id, &name).await.unwrap();
    }
    engine.flush().await.unwrap();
    assert_eq!(setup.rows().await.len(), 39);
    let letters = engine.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].key.as_str(), letters[0].operation),
        ("17", "insert")
    );
    assert_eq!(letters[0].kind, "unique_violation");
    // With the one in its way gone, it can be written.
    CounterRepository::new(&setup.db).delete(1).await.unwrap();
    engine.retry(letters[0].id).await.unwrap();
    engine.flush().await.unwrap();
    assert!(engine.dead_letters().is_empty());
    assert_eq!(setup.rows().await.len(), 39);
    assert!(
        engine
            .retry(letters[0].id)
            .await
            .unwrap_err()
            .is_not_found()
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_stands_in_the_way_of_another_in_its_batch_is_tried_again() {
    let setup = Setup::new(MANY).await;
    let engine = setup.start(Settings::default()).await;
    insert(&engine, 1, "name").await.unwrap();
    engine.flush().await.unwrap();
    // Deletes are written last, so the insert meets the row that goes.
    let gone = Change::Delete(Edit::default());
    engine
        .write(0, vec![Value::BigInt(Some(1))], gone)
        .await
        .unwrap();
    insert(&engine, 2, "name").await.unwrap();
    insert(&engine, 3, "other").await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(setup.rows().await, [(2, 0), (3, 0)]);
    assert!(engine.dead_letters().is_empty());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_panic_does_not_end_the_flusher_and_is_traced_to_its_change() {
    let setup = Setup::new(MANY).await;
    let engine = setup.start(Settings::default()).await;
    *setup.faulty.faults.panics_at.lock().unwrap() = Some("bomb");
    for (id, name) in [(1, "a"), (2, "bomb"), (3, "c")] {
        insert(&engine, id, name).await.unwrap();
    }
    engine.flush().await.unwrap();
    assert_eq!(setup.rows().await, [(1, 0), (3, 0)]);
    assert_eq!(engine.dead_letters()[0].key, "2");
    insert(&engine, 4, "d").await.unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(setup.rows().await.len(), 3);
}

#[tokio::test]
async fn a_full_queue_makes_writers_wait_or_fail() {
    let setup = Setup::new(0).await;
    let small = Settings {
        max_pending: 2,
        flush_at: 1,
        ..Settings::default()
    };
    let engine = Arc::new(setup.start(small.clone()).await);
    insert(&engine, 1, "a").await.unwrap();
    insert(&engine, 2, "b").await.unwrap();
    let waiting = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { insert(&engine, 3, "c").await }
    });
    while engine.stats().back_pressure == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.stats().pending, 2);
    setup.faulty.gate.add_permits(MANY);
    waiting.await.unwrap().unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(setup.rows().await.len(), 3);

    let setup = Setup::new(0).await;
    let engine = setup
        .start(Settings {
            when_full: WhenFull::Error,
            shutdown_timeout: Duration::from_millis(1),
            ..small
        })
        .await;
    insert(&engine, 1, "a").await.unwrap();
    insert(&engine, 2, "b").await.unwrap();
    let error = insert(&engine, 3, "c").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QueueFull);
    let left = engine.shutdown().await.unwrap_err();
    assert!(left.to_string().contains("2 rows"), "{left}");
    let closed = insert(&engine, 4, "d").await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for() {
    let setup = Setup::new(MANY).await;
    let engine = setup.start(Settings::default()).await;
    setup.faulty.faults.begins.store(30, Ordering::SeqCst);
    for id in 1..=100 {
        insert(&engine, id, &format!("row {id}")).await.unwrap();
    }
    engine.flush().await.unwrap();
    assert_eq!(setup.rows().await.len(), 100);
    assert_eq!(engine.stats().retried, 30);
    assert_eq!(engine.stats().last_error, None);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn keys_in_hand_last_while_the_database_is_away() {
    let setup = Setup::new(MANY).await;
    setup.db.create_schema::<Ticket>().await.unwrap();
    let settings = Settings {
        key_block: Some(4),
        when_full: WhenFull::Error,
        ..Settings::default()
    };
    let begins = &setup.faulty.faults.begins;
    let engine = setup.start_with(Ticket::table(), settings.clone()).await;
    begins.store(MANY, Ordering::SeqCst);
    for expected in 1..=4 {
        assert_eq!(engine.key(0).await.unwrap(), expected);
    }
    let away = engine.key(0).await.unwrap_err();
    assert!(away.is_connection(), "{away}");
    begins.store(0, Ordering::SeqCst);
    assert_eq!(engine.key(0).await.unwrap(), 5);
    engine.shutdown().await.unwrap();
    assert_eq!(engine.key(0).await.unwrap_err().kind(), ErrorKind::Closed);

    let waits = Settings {
        when_full: WhenFull::Wait,
        ..settings
    };
    let engine = setup.start_with(Ticket::table(), waits).await;
    begins.store(5, Ordering::SeqCst);
    let mut keys = Vec::new();
    for _ in 0..6 {
        keys.push(engine.key(0).await.unwrap());
    }
    assert!(
        keys.is_sorted_by(|one, next| one < next) && keys[0] > 5,
        "{keys:?}"
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn many_who_wait_for_keys_share_one_reservation() {
    let setup = Setup::new(MANY).await;
    setup.db.create_schema::<Ticket>().await.unwrap();
    let settings = Settings {
        key_block: Some(10),
        ..Settings::default()
    };
    let engine = Arc::new(setup.start_with(Ticket::table(), settings).await);
    let recording = setup.db.recorded();
    let takers: Vec<_> = (0..100)
        .map(|_| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { engine.key(0).await.unwrap() })
        })
        .collect();
    let mut keys = Vec::new();
    for taker in takers {
        keys.push(taker.await.unwrap());
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 100);
    let sent = recording.statements();
    let moved = sent
        .iter()
        .filter(|sent| sent.sql.starts_with("UPDATE sqlite_sequence"));
    // At least five at a time, and never more than one at once.
    assert!(moved.count() <= 20);
    engine.shutdown().await.unwrap();
}
